import AlmanacTesting
import Foundation

/// A database and a folder with a schedule: what one test of a node needs.
struct Surroundings {
    let folder: Folder
    let books: Books
    let connectionString: String
    /// Keeps the database for as long as the test.
    private let database: TestDatabase?

    /// A database of the shared server.
    init(_ jobs: String, label: String = #function) async throws {
        let database = try await TestDatabase.make(label)
        try self.init(jobs, connectionString: database.connectionString, database: database)
    }

    /// The database of a server of the test's own.
    init(_ jobs: String, on server: TestServer) throws {
        try self.init(jobs, connectionString: server.connectionString, database: nil)
    }

    private init(_ jobs: String, connectionString: String, database: TestDatabase?) throws {
        folder = try Folder(["Schedules/a.yaml": Self.file(jobs)])
        books = Books(connectionString)
        self.connectionString = connectionString
        self.database = database
        try books.execute("CREATE TABLE counter (n bigint); INSERT INTO counter VALUES (0)")
    }

    /// A schedule file with these jobs, each in one line: `name: {…}`.
    static func file(_ jobs: String) -> String {
        let lines = jobs.split(separator: "\n").map { "  \($0)\n" }.joined()
        return "version: 1\ndefaults: {activeDeadlineSeconds: 60}\njobs:\n" + lines
    }

    /// A node on the database; its log lines are JSON.
    func start(
        _ arguments: [String] = ["run"], environment: [String: String] = [:]
    ) throws -> AlmanacProcess {
        try AlmanacProcess(arguments, in: folder, environment: settings(environment))
    }

    /// A command on the database, to its end.
    func run(
        _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> AlmanacProcess.Finished {
        try await AlmanacProcess.run(
            arguments, in: folder, environment: settings(environment))
    }

    private func settings(_ more: [String: String]) -> [String: String] {
        [
            "ALMANAC_DATABASE_URL": connectionString, "ALMANAC_WORKERS": "4",
            "ALMANAC_LOG_LEVEL": "debug",
        ].merging(more) { $1 }
    }

    /// How often the jobs have counted.
    func counted() throws -> Int { try books.number("SELECT n FROM counter") }
}

/// Jobs of the tests, each a line of a schedule file.
enum Jobs {
    /// Counts, which takes a moment, in the run's transaction.
    static func count(_ name: String = "count", every: String = "1s", sleepSeconds: Double = 0.05)
        -> String
    {
        let statement = """
            UPDATE counter SET n = n + 1; SELECT pg_sleep(\(sleepSeconds))
            """
        return sql(name, every: every, statement)
    }

    static func sql(_ name: String, every: String = "1s", _ statement: String) -> String {
        "\(name): {every: \(every), task: sql, parameters: {statement: \"\(statement)\"}}\n"
    }

    static func shell(_ name: String, every: String = "1s", _ line: String) -> String {
        "\(name): {every: \(every), task: command, parameters: {shell: \"\(line)\"}}\n"
    }
}

/// One JSON document, or one line of the log.
func json(_ text: some StringProtocol) throws -> [String: Any] {
    try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] ?? [:]
}
