import Foundation
import Glibc
import Testing

@testable import PostgresServer

@Suite(.serialized)
struct EmbeddedServerTests {
    @Test("a first start makes a database that answers through a private socket only")
    func firstStart() async throws {
        try await withDirectory { base in
            let server = server(base)
            let endpoint = try server.start()
            defer { server.stop() }
            #expect(endpoint.isOwned)
            #expect(endpoint.note == nil)
            #expect(try query(endpoint, "SELECT current_database()") == "almanac")
            #expect(try query(endpoint, "SHOW server_encoding") == "UTF8")
            #expect(try query(endpoint, "SHOW data_checksums") == "on")
            #expect(try query(endpoint, "SHOW listen_addresses") == "")
            var status = stat()
            #expect(stat(endpoint.socketDirectory, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o700)
        }
    }

    @Test("a second start goes on with the data of the first")
    func reuse() async throws {
        try await withCluster { base in
            let first = server(base)
            _ = try query(try first.start(), "CREATE TABLE kept AS SELECT 42 AS answer")
            first.stop()
            let second = server(base)
            defer { second.stop() }
            let answer = try query(second.start(), "SELECT answer FROM kept")
            #expect(answer == "42")
        }
    }

    @Test("a start of a running server changes nothing")
    func startTwice() async throws {
        try await withCluster { base in
            let server = server(base)
            defer { server.stop() }
            let first = try server.start()
            #expect(try server.start() == first)
        }
    }

    @Test("a second object on the directory uses the running server and leaves it running")
    func secondUser() async throws {
        try await withCluster { base in
            let owner = server(base)
            let owned = try owner.start()
            defer { owner.stop() }
            let guest = server(base, database: "second")
            let borrowed = try guest.start()
            #expect(!borrowed.isOwned)
            #expect(borrowed.processID == owned.processID)
            #expect(try query(borrowed, "SELECT current_database()") == "second")
            guest.stop()
            #expect(try query(owned, "SELECT 1") == "1")
        }
    }

    @Test("of many simultaneous starts one starts the server, and all use it")
    func simultaneousStarts() async throws {
        try await withDirectory { base in
            let servers = (0..<6).map { _ in server(base) }
            let endpoints = Results()
            DispatchQueue.concurrentPerform(iterations: servers.count) { index in
                endpoints.add(Result { try servers[index].start() })
            }
            defer { servers.forEach { $0.stop() } }
            let all = try endpoints.all.map { try $0.get() }
            #expect(all.filter(\.isOwned).count == 1)
            #expect(Set(all.map(\.processID)).count == 1)
        }
    }

    @Test("a stop leaves no process, and nothing in the socket directory")
    func stop() async throws {
        try await withCluster { base in
            let server = server(base)
            let endpoint = try server.start()
            server.stop()
            #expect(!isAlive(endpoint.processID))
            #expect(Directory.entries(endpoint.socketDirectory).isEmpty)
            #expect(server.endpoint == nil)
            server.stop()
        }
    }

    @Test("a released server is stopped")
    func release() async throws {
        try await withCluster { base in
            let process = try server(base).start().processID
            #expect(!isAlive(process))
        }
    }

    @Test("a stop ends sessions that are in the middle of something")
    func stopWithSessions() async throws {
        try await withCluster { base in
            let server = server(base)
            let endpoint = try server.start()
            let session = try ChildProcess(
                [
                    endpoint.binaryDirectory + "/psql", "-X", "-d", endpoint.connectionString,
                    "-c", "SELECT pg_sleep(600)",
                ], input: 0, output: try nullDevice())
            let isAsleep = try eventually {
                try query(
                    endpoint,
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "1"
            }
            #expect(isAsleep)
            server.stop()
            #expect(!isAlive(endpoint.processID))
            #expect(session.waitForExit(seconds: 5))
        }
    }

    @Test("what was committed before an immediate stop is there after the next start")
    func immediateStop() async throws {
        try await withCluster { base in
            let server = server(base)
            _ = try query(try server.start(), "CREATE TABLE kept AS SELECT 7 AS answer")
            server.stopImmediately()
            defer { server.stop() }
            let endpoint = try server.start()
            #expect(try query(endpoint, "SELECT answer FROM kept") == "7")
            let log = try String(contentsOfFile: endpoint.logFile, encoding: .utf8)
            #expect(log.contains("automatic recovery in progress"))
        }
    }

    @Test("after a kill -9 of the postmaster the next start recovers")
    func killedPostmaster() async throws {
        try await withCluster { base in
            let server = server(base)
            let first = try server.start()
            _ = try query(first, "CREATE TABLE kept AS SELECT 8 AS answer")
            kill(first.processID, SIGKILL)
            #expect(eventually { !isAlive(first.processID) })
            defer { server.stop() }
            let second = try server.start()
            #expect(second.processID != first.processID)
            #expect(try query(second, "SELECT answer FROM kept") == "8")
        }
    }

    @Test("the settings of the configuration reach the server")
    func settings() async throws {
        try await withCluster { base in
            let server = server(base, settings: ["work_mem": "5MB", "max_connections": "17"])
            defer { server.stop() }
            let endpoint = try server.start()
            #expect(try query(endpoint, "SHOW work_mem") == "5MB")
            #expect(try query(endpoint, "SHOW max_connections") == "17")
        }
    }

    @Test("a long log is put aside at a start")
    func logRotation() async throws {
        try await withCluster { base in
            let old = String(repeating: "old line\n", count: 200_000)
            try old.write(toFile: base + "/postgres.log", atomically: false, encoding: .utf8)
            let server = server(base)
            defer { server.stop() }
            let log = try String(contentsOfFile: try server.start().logFile, encoding: .utf8)
            #expect(!log.contains("old line"))
            #expect(log.contains("ready to accept connections"))
            #expect(try String(contentsOfFile: base + "/postgres.log.1", encoding: .utf8) == old)
        }
    }

    @Test(
        "a directory whose name would break the socket's path gets its socket under /tmp",
        arguments: [String(repeating: "long", count: 30), "with,comma", "with \"quotes\" 'here'"])
    func awkwardPath(name: String) async throws {
        try await withDirectory { base in
            let server = server(base + "/" + name)
            let endpoint = try server.start()
            #expect(endpoint.socketDirectory.hasPrefix("/tmp/almanac-socket-"))
            #expect(try query(endpoint, "SELECT 1") == "1")
            server.stop()
            #expect(eventually { !Directory.isDirectory(endpoint.socketDirectory) })
        }
    }

    @Test("a directory with spaces and quotes is as good as any")
    func spaces() async throws {
        try await withDirectory { base in
            let server = server(base + "/it's \\ mine")
            defer { server.stop() }
            let endpoint = try server.start()
            #expect(endpoint.socketDirectory == base + "/it's \\ mine/socket")
            #expect(try query(endpoint, "SELECT 1") == "1")
        }
    }

    @Test("a database name is taken as it is")
    func databaseName() async throws {
        try await withCluster { base in
            let server = server(base, database: "it's \"odd\" \\")
            defer { server.stop() }
            let name = try query(server.start(), "SELECT current_database()")
            #expect(name == "it's \"odd\" \\")
        }
    }
}

/// Collects what several threads came to.
private final class Results: Sendable {
    private let lock = NSLock()
    // Safe because it is only touched under `lock`.
    nonisolated(unsafe) private var results: [Result<ServerEndpoint, any Error>] = []

    var all: [Result<ServerEndpoint, any Error>] { lock.withLock { results } }

    func add(_ result: Result<ServerEndpoint, any Error>) {
        lock.withLock { results.append(result) }
    }
}
