import AlmanacTesting
import Foundation
import Glibc
import Testing

@testable import PostgresSession

@Suite("The start of a connection")
struct StartupTests {
    private static func setting(_ name: String, _ connection: Connection) throws -> String? {
        try connection.query("SELECT current_setting(\(name)::text)")[0].text(at: 0)
    }

    @Test("the settings come with the start, so that a reset has none to make")
    func atStart() async throws {
        try await onSharedDatabase { connection in
            #expect(connection.startedWithSettings)
            try connection.execute("SET DateStyle = 'German'")
            let log = StatementLog(connection)
            try connection.reset()
            #expect(log.count("RESET ALL") == 1)
            #expect(!log.statements.contains { $0.contains("set_config") })
            #expect(try Self.setting("DateStyle", connection) == "ISO, MDY")
        }
    }

    static let strings: [(suffix: String, name: String, value: String)] = [
        (" options='-c work_mem=9MB'", "work_mem", "9MB"),
        (" options='-c work_mem=9MB'", "TimeZone", "UTC"),
        (" options='-c TimeZone=Asia/Tokyo'", "TimeZone", "UTC"),
        (#" options='-c application_name=a\\ b'"#, "application_name", "PostgresSession"),
        (#" options='-c my.words=a\\ b'"#, "my.words", "a b"),
    ]

    @Test("options of the connection string are kept, and ours count", arguments: strings)
    func options(suffix: String, name: String, value: String) async throws {
        try await onSharedDatabase {
            $0.connectionString += suffix
        } _: { connection in
            #expect(try Self.setting(name, connection) == value)
            try connection.execute("SET \(raw: name) = DEFAULT")
            try connection.reset()
            #expect(try Self.setting(name, connection) == value)
        }
    }

    @Test("with a service file, whose options are not seen here, settings are made afterwards")
    func service() {
        #expect(EngineConfiguration("service=nightly").startupOptions == nil)
        #expect(EngineConfiguration("dbname=d").startupOptions != nil)
        #expect(EngineConfiguration("d").startupOptions?.hasPrefix("-c TimeZone=UTC ") == true)
        #expect(EngineConfiguration.escaped(option: #"a b\c"#) == #"a\ b\\c"#)
    }

    @Test("a server that refuses an option is met without, and the settings are made by SQL")
    func refused() async throws {
        try await onSharedDatabase {
            $0.clientConnectionCheckMilliseconds = Int.max
        } _: { connection in
            #expect(!connection.startedWithSettings && !connection.hasConnectionCheck)
            #expect(try Self.setting("TimeZone", connection) == "UTC")
            try connection.execute("SET TimeZone = 'Asia/Tokyo'")
            try connection.reset()
            #expect(try Self.setting("TimeZone", connection) == "UTC")
        }
    }

    @Test("a login role that takes another role by its settings connects, and knows its backend")
    func otherRole() async throws {
        let library = try await Library.make()
        let login = "login_\(UInt32.random(in: 0...UInt32.max))"
        let worker = "worker_\(UInt32.random(in: 0...UInt32.max))"
        try library.engine.withConnection { connection in
            try connection.executeScript(
                """
                CREATE ROLE \(worker); CREATE ROLE \(login) LOGIN NOINHERIT IN ROLE \(worker);
                ALTER ROLE \(login) SET role = '\(worker)'
                """)
        }
        defer {
            try? library.engine.withConnection {
                try $0.executeScript("DROP ROLE \(login); DROP ROLE \(worker)")
            }
        }
        var configuration = library.engine.configuration
        configuration.connectionString += " user=\(login)"
        let connection = try Connection(configuration)
        defer { connection.close() }
        for _ in 1...2 {
            let user = try connection.query("SELECT current_user::text")[0].get(
                at: 0, as: String.self)
            #expect(user == worker)
            try connection.reset()
        }
        let start = try library.seen(
            "SELECT backend_start FROM pg_stat_activity WHERE pid = \(connection.backendProcessID)",
            as: Date.self)
        #expect(connection.backendStart == start && !connection.backendStartText.isEmpty)
    }
}

@Suite("A cancel that is not answered")
struct UnansweredCancelTests {
    /// A server that takes connections, and answers none of them while `body` runs.
    private func whileStopped(
        _ server: TestServer, _ body: () throws -> Void
    ) throws {
        let postmaster = try #require(server.processID)
        kill(postmaster, SIGSTOP)
        defer { kill(postmaster, SIGCONT) }
        try body()
    }

    @Test("it is given up in time, and its connection is not used again")
    func givenUp() async throws {
        let server = try await TestServer.start()
        let connection = try Connection(EngineConfiguration(server.connectionString))
        let other = try Connection(EngineConfiguration(server.connectionString))
        try connection.query("SELECT 1")
        try whileStopped(server) {
            let start = MonotonicClock.seconds
            let answer = connection.makeCancelHandle().cancel(timeoutSeconds: 0.2)
            #expect(answer?.contains("no answer within 0.2 s") == true)
            #expect(MonotonicClock.seconds - start < 2)
            #expect(native(connection).isUnderWay && !native(other).isUnderWay)
            let error = try failure(.connectionLost) { try connection.reset() }
            #expect(error.message.contains("a cancel that got no answer"))
            #expect(!connection.isUsable)
        }
        try eventually { !native(connection).isUnderWay }
        try other.query("SELECT 1")
        try other.reset()
        other.close()
        try await server.stop()
    }

    @Test("one that is answered leaves the connection as it was")
    func answered() async throws {
        try await onSharedDatabase { connection in
            #expect(connection.makeCancelHandle().cancel() == nil)
            #expect(!native(connection).isUnderWay)
            _ = try? connection.execute("SELECT 1")  // The cancel may hit it, or come to nothing.
            try connection.reset()
        }
    }

    private func native(_ connection: Connection) -> CancelTraffic { connection.native.cancels }
}
