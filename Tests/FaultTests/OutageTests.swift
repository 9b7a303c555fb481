import AlmanacTesting
import Foundation
import Glibc
import PostgresServer
import PostgresSession
import Testing

@Suite("Outages that a node lives through without a restart", .serialized)
struct OutageTests {
    @Test("a server that is down when a node starts is waited for")
    func downAtStart() async throws {
        let server = try await TestServer.start()
        let place = try Surroundings(Jobs.count(), on: server)
        try await server.stop()
        let node = try place.start()
        try await eventually("it says so") {
            node.output.contains("the database cannot be reached; nothing is lost, trying again")
        }
        try await Task.sleep(for: .seconds(1))
        #expect(node.end == nil, "\(node.errors)")
        try await server.start()
        try await finish(place, node)
        #expect(node.output.contains("the database is back"))
    }

    @Test("a node that waits for its server at the start is stopped like any other")
    func stopWhileWaiting() async throws {
        let folder = try Folder([
            "Schedules/a.yaml": Surroundings.file(Jobs.sql("tick", "SELECT 1"))
        ])
        let node = try AlmanacProcess(
            ["run", "--database", "host=/nowhere dbname=sales password=SECRET"], in: folder)
        try await eventually("it says so") { node.output.contains("cannot be reached") }
        node.send(SIGTERM)
        #expect(try await node.waitForEnd(seconds: 10) == .exited(0))
        #expect(!node.output.contains("SECRET"))
    }

    @Test("a node whose time is over before its server is there has failed")
    func awayForAllItsTime() async throws {
        let folder = try Folder([
            "Schedules/a.yaml": Surroundings.file(Jobs.sql("tick", "SELECT 1"))
        ])
        let node = try await AlmanacProcess.run(
            ["run", "--for", "1s", "--database", "host=/nowhere dbname=sales"], in: folder)
        #expect(node.end == .exited(1))
        #expect(node.errors.contains("the database was away all the time; nothing has run"))
    }

    @Test("a fast restart ends the runs of the moment, and no others")
    func restart() async throws {
        let server = try await TestServer.start()
        let place = try Surroundings(
            Jobs.count() + Jobs.count("long", sleepSeconds: 0.6), on: server)
        let node = try place.start()
        for _ in 1...2 {
            try await eventually("a run") { try place.books.count("running") > 0 }
            try await server.restart()
            let before = try place.books.count("succeeded")
            try await eventually("runs again") { try place.books.count("succeeded") > before }
        }
        try await finish(place, node)
        #expect(try place.books.errors("long", everySeconds: 1) == [])
    }

    @Test("a server that has turned read-only, as a standby is, is waited for")
    func readOnly() async throws {
        let server = try await TestServer.start()
        let place = try Surroundings(Jobs.count(), on: server)
        let node = try place.start()
        try await eventually("runs") { try place.books.count("count", "succeeded") > 0 }
        try place.books.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        try place.books.execute("SELECT pg_reload_conf()")
        try await eventually("it has noticed") {
            node.output.contains("the database takes no writes")
        }
        try await Task.sleep(for: .seconds(1))
        try place.books.execute("ALTER SYSTEM RESET default_transaction_read_only")
        try place.books.execute("SELECT pg_reload_conf()")
        try await finish(place, node)
    }

    @Test("a server that has no connection left is waited for")
    func tooManyConnections() async throws {
        let server = try await TestServer.start(maxConnections: 16)
        let place = try Surroundings(Jobs.count(), on: server)
        let node = try place.start()
        try await eventually("runs") { try place.books.count("count", "succeeded") > 0 }
        let hog = Hog(server.connectionString)
        // The node's own are ended, and taken before it can have them again.
        try await eventually("the node has none left", seconds: 20) {
            try hog.takeAll()
            return node.output.contains("cannot be reached")
        }
        try await Task.sleep(for: .seconds(1))
        #expect(node.end == nil)
        hog.release()
        try await finish(place, node)
    }

    @Test("a disk that is full holds up what needs it, and all goes on when there is room")
    func diskFull() async throws {
        guard let disk = try SmallDisk(megabytes: 2) else { return print("no mount: not tested") }
        let server = try await TestServer.start()
        let place = try Surroundings(Jobs.count(), on: server)
        let node = try place.start()
        try await eventually("runs") { try place.books.count("count", "succeeded") > 0 }
        // The ledger itself is on the disk that becomes full.
        try place.books.execute("CREATE TABLESPACE small LOCATION '\(disk.folder)'")
        try place.books.execute("ALTER TABLE almanac.runs SET TABLESPACE small")
        try disk.fill()
        // Rows go into free space of pages for a while.
        try await eventually("the disk is full", seconds: 90) {
            try? place.books.execute(
                """
                INSERT INTO almanac.runs (run_id, job, task, scheduled_for, trigger, state, \
                queued_at, finished_at, started_at, node, error_type) \
                SELECT gen_random_uuid(), repeat('filler', 50), 'x', now(), 'manual', 'failed', \
                now(), now(), now(), 'x', 'x' FROM generate_series(1, 5)
                """)
            return node.output.contains("No space left on device")
        }
        #expect(node.end == nil)
        try disk.empty()
        try place.books.execute("DELETE FROM almanac.runs WHERE task = 'x'")
        try await finish(place, node)
        try place.books.execute("ALTER TABLE almanac.runs SET TABLESPACE pg_default")
        try place.books.execute("DROP TABLESPACE small")
    }

    @Test("COMMITs of a node that are cut on their way are each resolved rightly")
    func cutCommits() async throws {
        let seed = UInt64.random(in: .min ... .max)
        print("OutageTests: seed \(seed)")
        var moments = Moments(seed: seed)
        let place = try await Surroundings(Jobs.count() + Jobs.count("other"))
        let proxy = try place.books.engine.withConnection { try CuttingProxy(to: $0) }
        let node = try place.start(environment: [
            "ALMANAC_DATABASE_URL": place.connectionString + proxy.connectionKeywords
        ])
        for round in 1...8 {
            let kinds = CuttingProxy.Moment.allCases
            let manners = CuttingProxy.Manner.allCases
            proxy.cutNext(
                .init(
                    kinds[moments.next(in: 0...kinds.count - 1)],
                    by: manners[moments.next(in: 0...manners.count - 1)],
                    mark: "UPDATE counter"))
            try await eventually("a cut") { proxy.cutCount == round }
        }
        try await finish(place, node)
        #expect(node.output.contains("the connection was lost during COMMIT; it was"))
        #expect(try place.books.errors("other", everySeconds: 1) == [])
    }

    @Test("a statement that is killed on the server fails its run alone")
    func killedStatement() async throws {
        let place = try await Surroundings(
            Jobs.count() + Jobs.sql("sleeper", every: "2s", "SELECT pg_sleep(30)"))
        let node = try place.start()
        for round in 1...2 {
            try await eventually("the sleeper sleeps and is killed") {
                try place.books.number(
                    """
                    SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity \
                    WHERE datname = current_database() AND wait_event = 'PgSleep' \
                    AND pid <> pg_backend_pid() AND query LIKE '%(30)%'
                    """) > 0
            }
            try await eventually("its row says so") {
                try place.books.number(
                    """
                    SELECT count(*) FROM almanac.runs WHERE job = 'sleeper' AND state = 'failed' \
                    AND sqlstate = '57014'
                    """) >= round
            }
        }
        try await finish(place, node)
    }

    @Test("the promoted standby takes over: the next host of the connection string")
    func failover() async throws {
        let server = try await TestServer.start(
            settings: ["wal_level": "replica", "max_wal_senders": "4", "hot_standby": "on"])
        let place = try Surroundings(Jobs.count(), on: server)
        let standby = try await Standby(of: server)
        let both =
            "host=\(server.endpoint.socketDirectory),\(standby.folder) port=5432,5432 "
            + "user=almanac dbname=almanac target_session_attrs=read-write"
        let node = try place.start(environment: ["ALMANAC_DATABASE_URL": both])
        try await eventually("runs") { try place.books.count("count", "succeeded") > 1 }
        // A fast shutdown waits until the standby has all of it.
        try await server.stop()
        try await eventually("it has noticed") {
            node.output.contains("the database cannot be reached")
        }
        #expect(node.end == nil)
        try standby.promote()
        let books = Books(standby.connectionString)
        let before = try books.count("count", "succeeded")
        try await eventually("runs on the standby") {
            try books.count("count", "succeeded") > before + 1
        }
        #expect(node.end == nil)
        node.send(SIGTERM)
        #expect(try await node.waitForEnd() == .exited(0))
        #expect(try books.count("running") == 0)
        #expect(try books.number("SELECT n FROM counter") == books.count("succeeded"))
        #expect(try books.errors("count", everySeconds: 1) == [])
        let verdict = try await place.run(
            ["verify"], environment: ["ALMANAC_DATABASE_URL": both])
        #expect(verdict.end == .exited(0), "\(verdict.output)")
    }

    @Test("books that cannot be written are told of, and change nothing of the work")
    func brokenBooks() async throws {
        let place = try await Surroundings(Jobs.count())
        let node = try place.start()
        try await eventually("runs") { try place.books.count("count", "succeeded") > 0 }
        try place.books.execute(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'no books today'; END $$;
            CREATE TRIGGER refuse BEFORE UPDATE ON almanac.watermark
            FOR EACH ROW EXECUTE FUNCTION refuse();
            """)
        let before = try place.books.count("count", "succeeded")
        try await eventually("it is told") {
            node.output.contains("the watermark could not be written; trying again")
                && node.output.contains("no books today")
        }
        try await eventually("work goes on") {
            try place.books.count("count", "succeeded") > before + 3
        }
        let states = Set(try place.books.rows("count").map(\.state))
        #expect(states.isSubset(of: ["succeeded", "running", "skipped"]))
        try place.books.execute("DROP TRIGGER refuse ON almanac.watermark")
        let held = try place.watermark()
        try await eventually("the books are kept again") { try place.watermark() > held }
        try await finish(place, node)
    }

    @Test("a ledger that is locked for a while holds up runs and loses none")
    func lockedBooks() async throws {
        let place = try await Surroundings(Jobs.count())
        let node = try place.start()
        try await eventually("runs") { try place.books.count("count", "succeeded") > 0 }
        try place.books.execute(
            """
            BEGIN; LOCK TABLE almanac.runs IN EXCLUSIVE MODE; SELECT pg_sleep(2.5); COMMIT
            """)
        try await finish(place, node)
        let lost = try place.books.rows("count").filter { $0.state == "failed" }
        #expect(lost.isEmpty)
    }

    /// The node runs again, ends well, and its books are right.
    private func finish(_ place: Surroundings, _ node: AlmanacProcess) async throws {
        let before = (try? place.books.count("count", "succeeded")) ?? 0
        try await eventually("runs again", seconds: 60) {
            ((try? place.books.count("count", "succeeded")) ?? 0) > before + 1
        }
        #expect(node.end == nil)
        node.send(SIGTERM)
        #expect(try await node.waitForEnd() == .exited(0))
        #expect(try place.books.count("running") == 0)
        let succeeded = try place.books.number(
            "SELECT count(*) FROM almanac.runs WHERE state = 'succeeded' AND job <> 'sleeper'")
        #expect(try place.counted() == succeeded)
        #expect(try place.books.errors("count", everySeconds: 1) == [])
        let verdict = try await place.run(["verify"])
        #expect(verdict.end == .exited(0), "\(verdict.output)")
    }
}

extension Surroundings {
    /// Up to when all is accounted for, in seconds since the epoch.
    fileprivate func watermark() throws -> Int {
        try books.number("SELECT extract(epoch FROM accounted_until) FROM almanac.watermark")
    }
}

/// Takes all connections of a server.
private final class Hog {
    private let configuration: EngineConfiguration
    private var connections: [Connection] = []

    init(_ connectionString: String) { configuration = EngineConfiguration(connectionString) }

    /// Ends everybody else's, and takes what is free.
    func takeAll() throws {
        while connections.count < 64, let next = try? Connection(configuration) {
            connections.append(next)
        }
        _ = try connections.first?.query(
            """
            SELECT pg_terminate_backend(pid)::text AS done FROM pg_stat_activity \
            WHERE application_name LIKE 'almanac%'
            """)
        while connections.count < 64, let next = try? Connection(configuration) {
            connections.append(next)
        }
    }

    func release() {
        for connection in connections { connection.close() }
        connections = []
    }
}

/// A disk of a few megabytes, which only root can make.
private final class SmallDisk {
    let folder: String
    private let mount: String

    /// Nil where that is not allowed.
    init?(megabytes: Int) throws {
        let path = "/tmp/almanac-disk-" + UUID().uuidString.prefix(8)
        mount = path
        folder = path + "/space"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard try shell("mount -t tmpfs -o size=\(megabytes)m none \(path)") == 0 else {
            try FileManager.default.removeItem(atPath: path)
            return nil
        }
        _ = try shell("mkdir \(folder) && chown postgres \(folder) && chmod 755 \(path)")
    }

    /// Leaves no room for another page.
    func fill() throws {
        _ = try shell("dd if=/dev/zero of=\(mount)/ballast bs=4k 2>/dev/null; true")
    }

    func empty() throws { _ = try shell("rm \(mount)/ballast") }

    deinit { _ = try? shell("umount -l \(mount); rmdir \(mount)") }
}

/// A streaming standby of a test server, in a folder where its socket is too.
private final class Standby: Sendable {
    let folder: String
    private let process = Process()

    init(of server: TestServer) async throws {
        let folder = "/tmp/almanac-standby-" + UUID().uuidString.prefix(8)
        self.folder = folder
        let programs = server.endpoint.binaryDirectory
        let isRoot = geteuid() == 0
        let account = "--reuid=postgres --regid=postgres --clear-groups"
        _ = try shell("mkdir -m 755 \(folder)" + (isRoot ? "; chown postgres \(folder)" : ""))
        let copied = try shell(
            """
            \(isRoot ? "setpriv \(account) " : "")\(programs)/pg_basebackup -R -X stream -c fast \
            -D \(folder)/data -d 'host=\(server.endpoint.socketDirectory) port=5432 user=almanac'
            """)
        guard copied == 0 else { throw TookTooLong(what: "pg_basebackup") }
        let settings = [
            "unix_socket_directories=\(folder)", "listen_addresses=", "port=5432", "fsync=off",
            "max_connections=100", "shared_buffers=32MB", "max_prepared_transactions=10",
        ]
        let command =
            [programs + "/postgres", "-D", folder + "/data"]
            + settings.flatMap { ["-c", $0] }
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            (isRoot ? ["setpriv"] + account.split(separator: " ").map(String.init) : []) + command
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        try await eventually("the standby answers") {
            (try? Books(connectionString).number("SELECT 1")) == 1
        }
    }

    var connectionString: String { "host=\(folder) port=5432 user=almanac dbname=almanac" }

    func promote() throws { try Books(connectionString).execute("SELECT pg_promote()") }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGQUIT) }
        process.waitUntilExit()
        try? FileManager.default.removeItem(atPath: folder)
    }
}

/// Runs a line of shell to its end, in silence.
private func shell(_ line: String) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", line]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
}
