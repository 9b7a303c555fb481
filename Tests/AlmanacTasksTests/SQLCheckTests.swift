import AlmanacCore
import Foundation
import Testing

/// What a schedule file is told about its `sql` jobs when it is loaded.
@Suite("A schedule file with jobs of the task sql")
struct SQLCheckTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var keys: String
        /// `line:column: message; help`.
        var answer: String

        init(_ name: String, _ keys: String, _ answer: String) {
            testDescription = name
            self.keys = keys
            self.answer = answer
        }
    }

    static let statements = [
        Case(
            "neither", "task: sql\nparameters: {}",
            "6:17: 'sql' needs 'statement' or 'file'; add 'statement: …', or 'file: …' with the "
                + "path of an SQL file"),
        Case(
            "no parameters", "task: sql",
            "5:11: 'sql' needs 'statement' or 'file'; add 'statement: …', or 'file: …' with the "
                + "path of an SQL file"),
        Case(
            "both", "task: sql\nparameters: {statement: SELECT 1, file: a.sql}",
            "6:45: 'sql' takes 'statement' or 'file', not both; remove one of them"),
        Case(
            "a misspelt key", "task: sql\nparameters: {statment: SELECT 1}",
            "6:18: unknown key 'statment'; did you mean 'statement'?"),
        Case(
            "a list", "task: sql\nparameters:\n  statement: [SELECT 1]",
            "7:18: 'statement' must be a text, not a list"),
        Case(
            "nothing in it", "task: sql\nparameters: {statement: ' -- nothing'}",
            "6:29: there is no SQL statement; write one, or remove the job"),
        Case(
            "COMMIT",
            "task: sql\nparameters:\n  statement: |\n    SELECT 1;\n\n      COMMIT  AND\n    CHAIN",
            "10:11: 'COMMIT AND CHAIN' does not fit 'transaction: perRun', where the run commits "
                + "together with its outcome; remove it, or set 'transaction: explicit'"),
        Case(
            "BEGIN on one line", "task: sql\nparameters: {statement: BEGIN; SELECT 1}",
            "6:29: 'BEGIN' does not fit 'transaction: perRun', where the run commits together with "
                + "its outcome; remove it, or set 'transaction: explicit'"),
        Case(
            "a quote", "task: sql\nparameters:\n  statement: |\n    SELECT 1;\n    SELECT 'é",
            "9:16: a quoted text is not closed; close it with '"),
        Case(
            "a psql command",
            "task: sql\nparameters:\n  statement: |\n    SELECT 1;\n    \\d sales",
            "9:9: a psql command (\\…) is no SQL; leave it out: the script is sent to the server, "
                + "not to psql"),
        Case(
            "a quoted placeholder",
            "task: sql\nparameters: {statement: \"SELECT '${scheduledFor}'\"}",
            "6:37: the placeholder ${scheduledFor} stands in quotes; remove the quotes: "
                + "${scheduledFor} is bound as a value, and needs none"),
        Case(
            "an unknown placeholder",
            "task: sql\nparameters:\n  statement: |\n    SELECT 😀,\n      ${scheduledfor}",
            "9:11: there is no placeholder '${scheduledfor}'; did you mean '${scheduledFor}'?"),
    ]

    @Test("is told what is wrong with a statement, where, and what to do", arguments: statements)
    func statement(example: Case) throws {
        #expect(Self.answers(example.keys) == [example.answer])
    }

    static let files = [
        Case(
            "COMMIT", "SELECT 1;\n-- at last\nCOMMIT;\n",
            "a.sql, line 3: 'COMMIT' does not fit 'transaction: perRun', where the run commits "
                + "together with its outcome; remove it, or set 'transaction: explicit'"),
        Case(
            "a comment", "SELECT 1;\n/* é\n",
            "a.sql, line 2: a comment is not closed; close it with */"),
        Case(
            "a placeholder", "SELECT 1,\n  ${windowStart}",
            "a.sql, line 2: '${windowStart}' has no value: the job has no 'window'; "
                + WindowMode.help),
        Case("nothing", "\n-- later\n", "a.sql has no SQL statement; write one, or remove the job"),
    ]

    @Test("is told the line in the file that the job names", arguments: files)
    func file(example: Case) async throws {
        let folder = try Folder()
        try folder.write(Data(example.keys.utf8), to: "a.sql")
        let found = Self.answers("task: sql\nparameters: {file: a.sql}", in: folder.path)
        #expect(found == ["6:24: " + example.answer])
    }

    @Test("is told of a file that cannot be used")
    func unusableFiles() throws {
        let folder = try Folder()
        try folder.write(Data("SELECT 1".utf8), to: "sql/rollup_daily_sales.sql")
        try folder.write(Data([0x53, 0xFF, 0xFE]), to: "latin.sql")
        #expect(mkfifo(folder.path + "/pipe.sql", 0o600) == 0)
        let answers = [
            "sql/rollup_daily_sale.sql":
                "there is no file \(folder.path)/sql/rollup_daily_sale.sql; did you mean "
                + "'rollup_daily_sales.sql'?",
            "elsewhere.sql":
                "there is no file \(folder.path)/elsewhere.sql; the path starts at the folder of "
                + "the schedule file",
            "sql": "\(folder.path)/sql is not a regular file; name an SQL file",
            "pipe.sql": "\(folder.path)/pipe.sql is not a regular file; name an SQL file",
            "/dev/zero": "/dev/zero is not a regular file; name an SQL file",
            "latin.sql": "\(folder.path)/latin.sql is not UTF-8; save it as UTF-8 in your editor",
            "latin.sql/a": "\(folder.path)/latin.sql/a cannot be reached: Not a directory; check "
                + "the path and its permissions",
        ]
        for (file, answer) in answers {
            let found = Self.answers("task: sql\nparameters: {file: \(file)}", in: folder.path)
            #expect(found == ["6:24: " + answer])
        }
    }

    @Test("a file of more than 64 MiB is refused before it is read")
    func hugeFile() throws {
        let folder = try Folder()
        try folder.write(Data(), to: "dump.sql")
        #expect(truncate(folder.path + "/dump.sql", 65 << 20) == 0)
        let found = Self.answers("task: sql\nparameters: {file: dump.sql}", in: folder.path)
        #expect(
            found.first?.hasPrefix("6:24: \(folder.path)/dump.sql has more than 64 MiB") == true)
    }

    @Test("a script of 20,000 statements is checked to its last line")
    func longScript() throws {
        let folder = try Folder()
        let text = String(repeating: "INSERT INTO marks VALUES (1, 'some text');\n", count: 20_000)
        try folder.write(Data((text + "COMMIT").utf8), to: "seed.sql")
        let found = Self.answers("task: sql\nparameters: {file: seed.sql}", in: folder.path)
        #expect(found.first?.hasPrefix("6:24: seed.sql, line 20001: 'COMMIT' does not fit") == true)
    }

    @Test("a COMMIT is welcome where the task commits itself", arguments: ["explicit", "none"])
    func ownCommit(mode: String) throws {
        let keys = "task: sql\ntransaction: \(mode)\nparameters: {statement: 'SELECT 1; COMMIT'}"
        #expect(Self.answers(keys) == [])
    }

    /// Errors as `line:column: message; help`.
    static func answers(_ keys: String, in folder: String = ".") -> [String] {
        do {
            _ = try TaskFixture.schedule(keys, path: folder + "/test.yaml")
            return []
        } catch let error as DiagnosticsError {
            return error.diagnostics.map { found in
                let place = found.position.map { "\($0): " } ?? ""
                return place + found.message + (found.help.map { "; \($0)" } ?? "")
            }
        } catch {
            return ["\(error)"]
        }
    }
}

/// A folder of one test's own.
final class Folder: Sendable {
    let url: URL

    var path: String { url.path }

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "almanac \(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func write(_ data: Data, to name: String) throws {
        let file = url.appending(path: name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: file)
    }
}
