import Foundation
import Testing

@testable import Almanac

@Suite("What a server's facts mean")
struct DiagnosisTests {
    /// The finding of a topic, once the facts are changed.
    private static func finding(
        _ topic: String, _ change: (inout ServerFacts) -> Void
    ) -> Finding? {
        var facts = ServerFacts()
        facts.ledger = .init()
        facts.ledger?.watermarkAgeSeconds = 2
        facts.ledger?.nodes = [.init(name: "a", workers: 8)]
        facts.tzdataVersion = "2026a"
        change(&facts)
        return Diagnosis(facts: facts).findings.first { $0.topic == topic }
    }

    @Test("a server as it comes is fit")
    func fit() {
        var facts = ServerFacts()
        facts.tzdataVersion = "2026a"
        facts.ledger = .init()
        facts.ledger?.watermarkAgeSeconds = 0
        facts.ledger?.nodes = [.init(name: "a", workers: 8)]
        let findings = Diagnosis(facts: facts).findings
        #expect(findings.allSatisfy { $0.level == .ok && $0.remedy == nil }, "\(findings)")
        #expect(Set(findings.map(\.topic)).count == findings.count)
        #expect(findings.count == 13)
    }

    @Test(
        "settings that get in the way of runs are told with the statement that puts them right",
        arguments: [
            ("fsync", "off", Finding.Level.problem, "SET fsync = on"),
            ("full_page_writes", "off", .warning, "SET full_page_writes = on"),
            ("synchronous_commit", "off", .warning, "SET synchronous_commit = on"),
            ("default_transaction_read_only", "on", .problem, "_read_only = off"),
            ("server_encoding", "LATIN1", .problem, "ENCODING 'UTF8'"),
            ("idle_in_transaction_session_timeout", "500", .warning, "session_timeout = 0"),
            ("statement_timeout", "1", .warning, "SET statement_timeout = 0"),
            ("transaction_timeout", "1", .warning, "SET transaction_timeout = 0"),
            ("lock_timeout", "100", .warning, "SET lock_timeout = 0"),
            ("track_activities", "off", .warning, "SET track_activities = on"),
            ("lc_messages", "de_DE.UTF-8", .warning, "SET lc_messages = 'C'"),
        ])
    func setting(name: String, value: String, level: Finding.Level, remedy: String) {
        let found = Self.finding(name) { $0.settings[name] = value }
        #expect(found?.level == level)
        #expect(found?.remedy?.contains(remedy) == true, "\(found as Any)")
    }

    @Test(
        "settings that are no trouble are not told of",
        arguments: [
            ("fsync", "on"), ("synchronous_commit", "on"), ("synchronous_commit", "remote_apply"),
            ("synchronous_commit", "local"), ("server_encoding", "UTF8"),
            ("server_encoding", "SQL_ASCII"), ("default_transaction_read_only", "off"),
            ("statement_timeout", "0"), ("lock_timeout", "0"), ("track_activities", "on"),
            ("lc_messages", ""), ("lc_messages", "C"), ("lc_messages", "C.UTF-8"),
            ("lc_messages", "POSIX"), ("lc_messages", "en_GB.UTF-8"),
        ])
    func harmless(name: String, value: String) {
        #expect(Self.finding(name) { $0.settings[name] = value } == nil)
    }

    @Test("retention needs temporary tables")
    func temporaryTables() {
        let found = Self.finding("temporary tables") { $0.role.mayMakeTemporaryTables = false }
        #expect(found?.level == .problem)
        #expect(found?.remedy?.hasPrefix("GRANT TEMPORARY") == true)
        #expect(Self.finding("temporary tables", { _ in }) == nil)
    }

    @Test("spans in messages have a unit", arguments: [("500", "500 ms"), ("60000", "60 s")])
    func spans(value: String, text: String) {
        let found = Self.finding("lock_timeout") { $0.settings["lock_timeout"] = value }
        #expect(found?.text.hasPrefix("is \(text): ") == true)
    }

    @Test(
        "versions",
        arguments: [
            (120_004, false, Finding.Level.problem, "12.4 is older than 13"),
            (130_002, false, .warning, "13.2 does not notice"), (140_000, false, .ok, "14.0"),
            (170_001, false, .ok, "PostgreSQL 17.1"), (150_004, true, .problem, "is a standby"),
        ])
    func version(version: Int, isStandby: Bool, level: Finding.Level, text: String) {
        let found = Self.finding("server") {
            $0.version = version
            $0.isStandby = isStandby
        }
        #expect(found?.level == level)
        #expect(found?.text.contains(text) == true)
    }

    @Test(
        "clocks: what may be the error of the look is nobody's offset",
        arguments: [
            (0.4, 0.0, Finding.Level.ok, "400 ms before"), (-1.9, 0, .ok, "1 s behind"),
            (2, 0, .warning, "2 s before"), (-59, 0, .warning, "59 s behind"),
            (60, 0, .problem, "60 s before"), (-3_700, 0, .problem, "61 min behind"),
            (2.5, 1, .ok, "2 s before"), (61, 2, .warning, "61 s before"),
        ])
    func clock(offset: Double, error: Double, level: Finding.Level, text: String) {
        let found = Self.finding("clock") {
            $0.clock = .init(offsetSeconds: offset, errorSeconds: error)
        }
        #expect(found?.level == level)
        #expect(found?.text.contains(text) == true, "\(found as Any)")
    }

    @Test(
        "notifications: a word only where nobody has got one",
        arguments: [
            (0, 0, nil), (3, 0, "3 not sent for ten minutes"),
            (0, 2, "2 given up in the last week"),
            (1, 1, "1 not sent for ten minutes, 1 given up in the last week"),
        ])
    func notifications(waiting: Int, lost: Int, text: String?) {
        let found = Self.finding("notifications") { facts in
            facts.ledger?.overdueNotifications = waiting
            facts.ledger?.lostNotifications = lost
        }
        #expect(found?.text == text)
        #expect(found == nil || found?.level == .warning)
    }

    @Test(
        "connections: all nodes' workers, and six more each, against what is left for them",
        arguments: [
            ([8], 97, nil, nil, 0, Finding.Level.ok, "1 node may need 14 connections of 97"),
            ([], 97, nil, nil, 0, .ok, "a node of 8 workers may need 14 connections of 97"),
            ([8, 8], 97, nil, nil, 80, .problem, "2 nodes may need 28 connections of 17"),
            ([8], 97, nil, nil, 82, .warning, "14 connections of 15"),
            ([8], 97, nil, nil, 83, .warning, "14 connections of 14"),
            ([8], 97, nil, nil, 84, .problem, "14 connections of 13"),
            ([8], 97, nil, nil, 200, .problem, "14 connections of 0"),
            // A limit of the role is Almanac's alone; one of the database is not.
            ([8], 97, 20, nil, 50, .ok, "14 connections of 20"),
            ([8], 97, 10, nil, 0, .problem, "14 connections of 10"),
            ([8], 97, nil, 30, 16, .warning, "14 connections of 14"),
            ([500], 97, nil, nil, 0, .problem, "506 connections of 97"),
        ] as [([Int], Int, Int?, Int?, Int, Finding.Level, String)])
    func budget(
        workers: [Int], limit: Int, role: Int?, database: Int?, others: Int, level: Finding.Level,
        text: String
    ) {
        let found = Self.finding("connections") { facts in
            facts.ledger?.nodes = workers.map { .init(name: "n", workers: $0) }
            facts.connections = .init(
                limit: limit, roleLimit: role, databaseLimit: database, othersInUse: others)
        }
        #expect(found?.level == level)
        #expect(found?.text.contains(text) == true, "\(found as Any)")
    }

    @Test(
        "old transactions",
        arguments: [
            (nil, nil, Finding.Level.ok, "none"), (3_599, nil, .ok, "none"),
            (3_600, nil, .warning, "one of psql (pid 7, role ada) has been open for 60 min"),
            (10, 7_200, .warning, "a prepared transaction has waited for 2 h"),
            (10, 10, .ok, "none"),
        ] as [(Double?, Double?, Finding.Level, String)])
    func transactions(oldest: Double?, prepared: Double?, level: Finding.Level, text: String) {
        let found = Self.finding("transactions") { facts in
            facts.transactions.oldestSeconds = oldest
            facts.transactions.oldestName = "psql (pid 7, role ada)"
            facts.transactions.preparedSeconds = prepared
        }
        #expect(found?.level == level)
        #expect(found?.text.contains(text) == true)
    }

    @Test(
        "the age of the database",
        arguments: [
            (150_000_000, Finding.Level.ok), (300_000_000, .ok), (300_000_001, .warning),
            (1_500_000_000, .warning), (1_500_000_001, .problem),
        ])
    func age(age: Int, level: Finding.Level) {
        #expect(Self.finding("age") { $0.transactions.age = age }?.level == level)
    }

    @Test(
        "the schema of the ledger",
        arguments: [
            (5, Finding.Level.warning, "`run` or `migrate`"), (6, .ok, nil),
            (7, .problem, "use the newer program"),
        ] as [(Int, Finding.Level, String?)])
    func schema(version: Int, level: Finding.Level, remedy: String?) {
        let found = Self.finding("schema") { $0.ledger?.version = version }
        #expect(found?.level == level)
        #expect(remedy.map { found?.remedy?.contains($0) == true } ?? (found?.remedy == nil))
        #expect(Self.finding("schema") { $0.ledger = nil }?.level == .warning)
    }

    @Test(
        "the watermark",
        arguments: [
            (nil, 0, Finding.Level.ok), (2, 1, .ok), (2, 0, .ok), (15, 1, .ok), (16, 1, .problem),
            (16, 0, .warning), (-1, 1, .ok),
        ] as [(Double?, Int, Finding.Level)])
    func watermark(age: Double?, nodes: Int, level: Finding.Level) {
        let found = Self.finding("watermark") { facts in
            facts.ledger?.watermarkAgeSeconds = age
            facts.ledger?.nodes = (0..<nodes).map { .init(name: "n\($0)", workers: 1) }
        }
        #expect(found?.level == level)
    }

    @Test("indexes, rights, roles and time zones")
    func others() {
        let index = Self.finding("indexes") { $0.ledger?.invalidIndexes = ["almanac.x"] }
        #expect(index?.level == .problem && index?.remedy == "REINDEX INDEX almanac.x")
        let closed = Self.finding("permissions") { $0.ledger?.closedTables = ["almanac.runs"] }
        #expect(closed?.level == .problem && closed?.text.contains("almanac.runs") == true)
        let schema = Self.finding("permissions") { facts in
            facts.ledger = nil
            facts.role.mayCreateSchemas = false
        }
        #expect(schema?.level == .problem && schema?.remedy?.contains("GRANT CREATE") == true)
        #expect(Self.finding("roles") { _ in } == nil)
        #expect(Self.finding("roles") { $0.role.others = ["ada"] }?.level == .ok)
        let blind = Self.finding("roles") { facts in
            facts.role.others = ["ada"]
            facts.role.maySeeOthers = false
        }
        #expect(blind?.level == .warning)
        #expect(blind?.remedy?.hasPrefix("GRANT pg_read_all_stats TO almanac") == true)
        #expect(Self.finding("pooler") { $0.isBehindPooler = true }?.level == .ok)
        #expect(Self.finding("tzdata") { $0.tzdataVersion = nil }?.level == .warning)
        let zones = Self.finding("tzdata") { $0.ledger?.tzdataVersion = "2025b" }
        #expect(zones?.level == .warning && zones?.text.contains("2025b") == true)
    }
}
