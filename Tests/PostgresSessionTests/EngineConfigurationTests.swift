import AlmanacTesting
import Foundation
import Glibc
import Testing

@testable import PostgresSession

@Suite("The configuration of an engine")
struct EngineConfigurationTests {
    /// Which of two settings of the same thing libpq takes: those before the connection string give
    /// way to it, those after it win.
    static let contests: [(string: String, keyword: String, value: String)] = [
        ("dbname=d", "keepalives_idle", "30"), ("dbname=d", "keepalives_interval", "10"),
        ("dbname=d", "keepalives_count", "3"), ("dbname=d", "tcp_user_timeout", "30000"),
        ("dbname=d", "keepalives", "1"), ("dbname=d", "application_name", "nightly"),
        ("dbname=d", "client_encoding", "UTF8"),
        ("dbname=d keepalives_idle=7", "keepalives_idle", "7"),
        ("dbname=d keepalives=0", "keepalives", "0"),
        ("postgresql://h/d?tcp_user_timeout=9", "tcp_user_timeout", "9"),
        ("postgresql://h/d?keepalives_count=1", "keepalives_count", "1"),
        ("dbname=d application_name=theirs", "application_name", "nightly"),
        ("dbname=d client_encoding=LATIN1", "client_encoding", "UTF8"),
        ("postgresql://h/d?fallback_application_name=x", "fallback_application_name", "x"),
        ("dbname=d", "fallback_application_name", "PostgresSession"),
    ]

    @Test("of two who set the same keyword the right one wins", arguments: contests)
    func contest(string: String, keyword: String, value: String) throws {
        var configuration = EngineConfiguration(string)
        configuration.applicationName = "nightly"
        var values: [String: String] = [:]
        for (keyword, value) in configuration.parameters() {
            guard keyword != "dbname" else {
                values.merge(try NativeConnection.parse(value)) { _, theirs in theirs }
                continue
            }
            values[keyword] = value
        }
        #expect(values[keyword] == value)
    }

    @Test("without an application name the connection string's counts, or a fallback")
    func applicationName() async throws {
        for (suffix, name, expected) in [
            ("", nil, "PostgresSession"), (" application_name=theirs", nil, "theirs"),
            (" application_name=theirs", "ours", "ours"), ("", "ours", "ours"),
        ] as [(String, String?, String)] {
            try await onSharedDatabase {
                $0.connectionString += suffix
                $0.applicationName = name
            } _: { connection in
                let shown = try connection.query("SHOW application_name")[0].text(at: 0)
                #expect(shown == expected)
                try connection.execute("SET application_name = 'mine'")
                try connection.reset()
                #expect(try connection.query("SHOW application_name")[0].text(at: 0) == expected)
            }
        }
    }

    @Test("the server's tcp_user_timeout is set from the version that has it")
    func versions() {
        let configuration = EngineConfiguration("dbname=d")
        func names(_ version: Int) -> [String] {
            configuration.sessionSettings(serverVersion: version).map(\.name)
        }
        #expect(!names(110_022).contains("tcp_user_timeout"))
        #expect(names(120_000).contains("tcp_user_timeout"))
        #expect(names(110_022).contains("tcp_keepalives_idle"))
        #expect(Set(names(150_000)).count == names(150_000).count)
        #expect(!names(150_000).contains("statement_timeout"))
    }

    static let limits = ["tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count"]

    private static func limits(_ connection: Connection) throws -> [String] {
        try (limits + ["tcp_user_timeout"]).map {
            try connection.query("SHOW \(raw: $0)")[0].text(at: 0) ?? ""
        }
    }

    @Test("on a Unix socket the limits of TCP do no harm", arguments: [30, 0, -1])
    func unixSocket(idleSeconds: Int) async throws {
        try await onSharedDatabase {
            $0.keepAlive.idleSeconds = idleSeconds
        } _: { connection in
            var notices = 0
            connection.onNotice = { _ in notices += 1 }
            #expect(try Self.limits(connection) == ["0", "0", "0", "0"])
            try connection.reset()
            #expect(try Self.limits(connection) == ["0", "0", "0", "0"])
            #expect(notices == 0)
        }
    }

    @Test("over TCP the server is told when to give up a client that has vanished")
    func tcp() async throws {
        let address =
            "127.\((0..<3).map { _ in "\(Int.random(in: 1...250))" }.joined(separator: "."))"
        let rules = "/tmp/almanac-hba-\(UUID().uuidString)"
        try "local all all trust\nhost all all 127.0.0.0/8 trust\n".write(
            toFile: rules, atomically: false, encoding: .utf8)
        chmod(rules, 0o644)
        defer { unlink(rules) }
        let server = try await TestServer.start(
            settings: ["listen_addresses": address, "hba_file": rules])
        var configuration = EngineConfiguration(
            "host=\(address) port=5432 user=almanac dbname=almanac")
        configuration.keepAlive.idleSeconds = 31
        configuration.keepAlive.intervalSeconds = 11
        configuration.keepAlive.count = 4
        configuration.keepAlive.userTimeoutMilliseconds = 32_000
        let connection = try Connection(configuration)
        #expect(try Self.limits(connection) == ["31", "11", "4", "32000"])
        try connection.execute("SET tcp_keepalives_idle = 5")
        try connection.reset()
        #expect(try Self.limits(connection) == ["31", "11", "4", "32000"])
        connection.close()

        configuration.keepAlive = .init()
        let usual = try Connection(configuration)
        #expect(try Self.limits(usual) == ["30", "10", "3", "30000"])
        usual.close()
        try await server.stop()
    }

    @Test("the check for a vanished client can be turned off, and survives a reset")
    func connectionCheck() async throws {
        for (milliseconds, shown) in [(10_000, "10s"), (1500, "1500ms"), (0, "0")] {
            try await onSharedDatabase {
                $0.clientConnectionCheckMilliseconds = milliseconds
            } _: { connection in
                guard connection.serverVersion >= 140_000 else { return }
                #expect(connection.hasConnectionCheck == (milliseconds > 0))
                for _ in 1...2 {
                    let value = try connection.query("SHOW client_connection_check_interval")[0]
                    #expect(value.text(at: 0) == shown)
                    try connection.execute("SET client_connection_check_interval = 0")
                    try connection.reset()
                }
            }
        }
    }

    @Test("the parts of a connection string, in both of its forms; nil for what is none")
    func parts() {
        let url = EngineConfiguration("postgresql://joe:p%40ss@h1:1,h2:2/db?sslmode=require")
        #expect(url.connectionParts?["user"] == "joe")
        #expect(url.connectionParts?["password"] == "p@ss")
        #expect(url.connectionParts?["host"] == "h1,h2")
        #expect(url.connectionParts?["port"] == "1,2")
        #expect(url.connectionParts?["sslmode"] == "require")
        let words = EngineConfiguration("host = 'a b' dbname=d password='it\\'s'")
        #expect(words.connectionParts?["host"] == "a b")
        #expect(words.connectionParts?["password"] == "it's")
        #expect(EngineConfiguration("postgresql://h/d?nonsense=1").connectionParts == nil)
        #expect(EngineConfiguration("junk").connectionParts == nil)
    }
}

@Suite("Redaction")
struct RedactionTests {
    static let secret = "s3cr3t-W0rd"

    /// A connection string with the secret in it, and what libpq might say of it.
    static let forms: [(string: String, message: String)] = [
        ("postgresql://joe:\(secret)@h/d", "password \(secret) is wrong"),
        ("postgres://joe:\(secret)@h:5432/d?sslmode=disable", "joe:\(secret)@h"),
        ("host=h user=joe password=\(secret)", "near \(secret)"),
        ("host=h password='\(secret)' user=joe", "near '\(secret)'"),
        ("host=h password = '\(secret)'", "\"\(secret)\""),
        ("postgresql://h/d?user=joe&password=\(secret)", "password=\(secret)"),
        ("host=h sslkey=k sslpassword=\(secret)", "cannot decrypt with \(secret)"),
        ("postgresql://joe:\(secret)@h/d?sslpassword=\(secret)2", "\(secret)2"),
        // The host forgotten: the password stands in the port's place.
        ("postgresql://joe:\(secret)/d", "invalid port number: \"\(secret)\""),
        ("postgresql://h1:1,h2:\(secret)/d", "invalid integer value \"\(secret)\""),
        // What does not parse at all.
        ("postgresql://joe:\(secret)@h:port:5/d", "in \"joe:\(secret)@h:port:5/d\""),
        ("password='\(secret)", "unterminated: \(secret)"),
        ("password=\(secret) junk", "missing \"=\" after \"junk\" near \(secret)"),
        ("postgresql://joe:\(secret)%zz@h/d", "invalid token \"\(secret)%zz\""),
        ("postgresql://joe:x\n\(secret)@h/d?nonsense=1", "line \(secret)"),
    ]

    @Test("the password of any form of connection string is taken out", arguments: forms)
    func isTakenOut(string: String, message: String) {
        let redacted = Redaction(string)(message)
        #expect(!redacted.contains(Self.secret), "\(redacted)")
        #expect(redacted.contains("…"))
    }

    @Test("a password written with percent signs is taken out as libpq reads it")
    func percent() {
        #expect(Redaction("postgresql://joe:a%40b%2Fc@h/d")("is a@b/c") == "is …")
    }

    @Test("the longer of two secrets goes first, so that no end of it stays")
    func longest() {
        let redact = Redaction("host=h password=abc sslpassword=abcdef")
        #expect(redact("abcdef and abc") == "… and …")
    }

    static let harmless: [(string: String, message: String)] = [
        ("host=h user=joe", "no password supplied for user \"joe\" at host h"),
        ("postgresql://joe@h:5432/d", "port 5432 refused"), ("host=h password=''", "any text"),
        ("postgresql://h1:1,h2:2/d", "h1 1, h2 2"), ("books", "database \"books\" does not exist"),
        ("nonsense=", "the host and the port of the user"),
    ]

    @Test("what holds no secret is left as it is", arguments: harmless)
    func unharmed(string: String, message: String) {
        #expect(Redaction(string)(message) == message)
    }
}

@Suite("The clock of timeouts")
struct MonotonicClockTests {
    @Test("it never goes back, and it moves")
    func monotonic() {
        var last = MonotonicClock.seconds
        let start = last
        var steps = 0
        while last - start < 0.002 {
            let now = MonotonicClock.seconds
            #expect(now >= last)
            if now > last { steps += 1 }
            last = now
        }
        #expect(steps > 10)
    }
}
