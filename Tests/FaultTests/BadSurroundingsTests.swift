import AlmanacTesting
import Foundation
import Glibc
import PostgresServer
import Testing

/// What a newcomer may do wrong, and what the answer must have.
@Suite("Bad surroundings")
struct BadSurroundingsTests {
    private let folder: Folder

    init() throws {
        folder = try Folder([
            "Schedules/a.yaml": Surroundings.file(Jobs.sql("tick", "SELECT 1")),
            "Empty/readme.txt": "", "file": "",
            "Bad/a.yaml": "version: 1\njobs:\n  x: {evry: 1s, task: sq}\n",
        ])
    }

    /// The command fails with one message, and nothing is made.
    private func expectRefusal(
        _ arguments: [String], code: Int32, saying expected: [String],
        environment: [String: String] = [:], lines: Int = 1,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let done = try await AlmanacProcess.run(arguments, in: folder, environment: environment)
        #expect(done.end == .exited(code), sourceLocation: sourceLocation)
        #expect(
            done.output == "" || done.output.hasPrefix("{\"time\""), sourceLocation: sourceLocation)
        for word in expected {
            #expect(done.errors.contains(word), "\(done.errors)", sourceLocation: sourceLocation)
        }
        let said = done.errors.split(separator: "\n")
        #expect(said.count == lines, "\(done.errors)", sourceLocation: sourceLocation)
        #expect(
            said.last?.hasPrefix("error: ") == true || lines > 1, sourceLocation: sourceLocation)
        #expect(!folder.exists(".almanac"), sourceLocation: sourceLocation)
        for trace in ["Fatal", "Swift", "ExitCode", "SECRET", "Optional("] {
            #expect(!done.errors.contains(trace), "\(done.errors)", sourceLocation: sourceLocation)
        }
    }

    @Test(
        "no server at the place that was named",
        arguments: [
            "postgresql://me:SECRET@127.0.0.1:1/sales",
            "host=/nowhere password=SECRET dbname=sales",
        ])
    func noServer(database: String) async throws {
        for command in [["run", "--until-idle"], ["exec", "tick"], ["history"], ["migrate"]] {
            try await expectRefusal(
                command + ["--database", database], code: 1,
                saying: ["cannot connect", "sales", "start the server", "--database"])
        }
    }

    @Test("a host that no name server knows")
    func noHost() async throws {
        try await expectRefusal(
            ["migrate", "--database", "host=nowhere.invalid dbname=x connect_timeout=5"], code: 1,
            saying: ["nowhere.invalid", "--database"])
    }

    @Test("a wrong password, and a database that is not there")
    func wrongPassword() async throws {
        try folder.write(
            "local all guarded scram-sha-256\nlocal all all trust\n", to: "pg_hba.conf")
        let server = try await TestServer.start(
            settings: ["hba_file": folder.path("pg_hba.conf")])
        let books = Books(server.connectionString)
        try books.execute("CREATE ROLE guarded LOGIN PASSWORD 'right'")
        let host = "host=\(server.endpoint.socketDirectory) port=5432"
        let answer = "correct the user, the password (or ~/.pgpass) or the name of the database"
        try await expectRefusal(
            ["run", "--database", "\(host) dbname=almanac user=guarded password=SECRET"], code: 1,
            saying: ["password authentication failed", answer])
        try await expectRefusal(
            ["run", "--database", "\(host) dbname=almanac user=guarded"], code: 1,
            saying: ["no password supplied", answer])
        try await expectRefusal(
            ["run", "--database", "\(host) dbname=missing user=almanac"], code: 1,
            saying: ["\"missing\" does not exist", answer])
        try await expectRefusal(
            ["run", "--database", "\(host) dbname=almanac user=nobody"], code: 1,
            saying: ["\"nobody\" does not exist", answer])
        try await refuseSchema(books, host)
    }

    /// A role that may not create schemas, before and after another has made it.
    private func refuseSchema(_ books: Books, _ host: String) async throws {
        let guarded = "\(host) dbname=almanac user=guarded password=right"
        for command in [["run"], ["migrate"], ["exec", "tick"]] {
            try await expectRefusal(
                command + ["--database", guarded], code: 1,
                saying: ["make the schema \"almanac\"", "GRANT CREATE ON DATABASE", "migrate"])
        }
        #expect(
            try books.number("SELECT count(*) FROM pg_namespace WHERE nspname = 'almanac'") == 0)
        try await expectRefusal(
            ["history", "--database", guarded], code: 1,
            saying: ["has no ledger in the schema \"almanac\" yet", "`migrate`"])
    }

    @Test(
        "a schedule that is not there, empty or wrong",
        arguments: [
            ("Missing", ["there is no such file or folder", "--schedules"], 3),
            ("Empty", ["no '*.yaml' file", "--schedules"], 3),
            ("file", [], 3),
            ("Bad", ["unknown key 'evry'", "there is no task 'sq'", "did you mean 'every'?"], 10),
        ])
    func schedule(name: String, expected: [String], lines: Int) async throws {
        let done = try await AlmanacProcess.run(["run", "--schedules", name], in: folder)
        #expect(done.end == .exited(2))
        for word in expected { #expect(done.errors.contains(word), "\(done.errors)") }
        #expect(done.errors.hasSuffix("nothing was done\n"))
        #expect(done.output == "")
        #expect(!folder.exists(".almanac"))
    }

    @Test(
        "wrong usage",
        arguments: [
            (["run", "--frob"], "Unknown option '--frob'", 3),
            (["run", "--workers", "0"], "--workers is '0'", 1),
            (["exec", "tik"], "did you mean 'tick'?", 1),
            (["exec", "backup"], "the schedule has no job 'backup'", 1),
            (["rnu"], "did you mean 'run'?", 1),
            (["run", "--database", "host='x"], "cannot be parsed", 1),
            (["run", "--database", "post=x"], "invalid connection option", 1),
        ])
    func usage(arguments: [String], expected: String, lines: Int) async throws {
        try await expectRefusal(arguments, code: 2, saying: [expected], lines: lines)
    }

    @Test("an environment of garbage is named in full")
    func environment() async throws {
        let garbage = [
            "ALMANAC_WORKERS": "\u{1B}[2Jmany", "ALMANAC_LOG_LEVEL": "loud",
            "ALMANAC_GRACE_PERIOD_SECONDS": "soon", "ALMANAC_LOG_FORMAT": "xml",
            "ALMANAC_SCHEMA": "pg_x",
        ]
        try await expectRefusal(
            ["run"], code: 2, saying: garbage.keys.sorted(), environment: garbage, lines: 5)
        let done = try await AlmanacProcess.run(["run"], in: folder, environment: garbage)
        #expect(!done.errors.contains("\u{1B}"))
    }

    @Test("a place for data that cannot be written", arguments: ["file/data", "/proc/data"])
    func unwritable(directory: String) async throws {
        try await expectRefusal(
            ["run"], code: 1, saying: ["cannot write to", "--database"],
            environment: ["ALMANAC_DATA_DIRECTORY": directory])
    }

    @Test("a disk that is full leaves no half a server behind")
    func fullDisk() async throws {
        let mount = folder.path("disk")
        try FileManager.default.createDirectory(
            atPath: mount, withIntermediateDirectories: true)
        guard Glibc.mount("none", mount, "tmpfs", 0, "size=12m,mode=0755") == 0 else {
            print(
                "BadSurroundingsTests: no tmpfs can be mounted (errno \(errno)); full disk skipped")
            return
        }
        defer { umount2(mount, Int32(MNT_DETACH)) }
        let done = try await AlmanacProcess.run(
            ["run"], in: folder, environment: ["ALMANAC_DATA_DIRECTORY": mount + "/data"],
            seconds: 60)
        #expect(done.end == .exited(1))
        #expect(done.errors.hasPrefix("error: the disk that holds \(mount)/data"))
        #expect(done.errors.contains("Make room there, or choose a directory on another disk"))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: mount + "/data").filter {
                $0.hasPrefix("postgres") && !$0.hasSuffix(".lock")
            } == [])
        #expect(processes(in: mount).isEmpty)
    }

    @Test("a socket that another program holds, and data of another server")
    func foreignData() async throws {
        try folder.write("99\n", to: ".almanac-old/postgres/PG_VERSION")
        chown(folder.path(".almanac-old/postgres"), getpwnam("postgres")?.pointee.pw_uid ?? 0, 0)
        try await expectRefusal(
            ["run"], code: 1, saying: ["made by Postgres 99", "dump and restore"],
            environment: ["ALMANAC_DATA_DIRECTORY": ".almanac-old"])
        #expect(folder.text(".almanac-old/postgres/PG_VERSION") == "99\n")
    }

    @Test("a ledger of a newer program is left alone")
    func newerLedger() async throws {
        let place = try await Surroundings(Jobs.count())
        #expect(try await place.run(["migrate"]).end == .exited(0))
        try place.books.execute("INSERT INTO almanac.migrations VALUES (99, 'later')")
        for command in [["run"], ["history"], ["exec", "count"], ["migrate"]] {
            let done = try await place.run(command)
            #expect(done.end == .exited(1))
            #expect(done.errors.contains("use the newer program"))
        }
    }
}
