import Foundation

/// What the facts of a server mean for Almanac. Judges only, and asks nothing.
struct Diagnosis {
    let facts: ServerFacts

    /// All findings, in a fixed order.
    var findings: [Finding] {
        [server] + obstacles + durability + timeouts + visibility + [pooler, permissions]
            + [otherRoles].compactMap(\.self)
            + [clock, budget, oldTransactions, age] + ledger + [timeZones]
    }

    // MARK: The server

    private var server: Finding {
        let text = "PostgreSQL \(Self.text(ofVersion: facts.version))"
        if facts.isStandby {
            return .problem(
                "server", "\(text) is a standby: nothing can be written",
                remedy: "name the primary, or all hosts with target_session_attrs=read-write")
        }
        if facts.version < 130_000 {
            return .problem(
                "server", "\(text) is older than 13, the first that has what Almanac needs",
                remedy: "upgrade the server")
        }
        if facts.version < 140_000 {
            return .warning(
                "server",
                "\(text) does not notice during a statement that its client is gone",
                remedy: "upgrade to 14 or later")
        }
        return .ok("server", text)
    }

    static func text(ofVersion version: Int) -> String {
        "\(version / 10_000).\(version % 10_000)"
    }

    private var pooler: Finding {
        facts.isBehindPooler
            ? .ok("pooler", "a pooler stands before the server and keeps a session's process")
            : .ok("pooler", "none stands before the server")
    }

    private var durability: [Finding] {
        var found: [Finding] = []
        if facts.settings["fsync"] == "off" {
            found.append(
                .problem(
                    "fsync", "is off: a crash of the machine can destroy the database",
                    remedy: "ALTER SYSTEM SET fsync = on"))
        }
        if facts.settings["full_page_writes"] == "off" {
            found.append(
                .warning(
                    "full_page_writes", "is off: a crash of the machine can tear pages",
                    remedy: "ALTER SYSTEM SET full_page_writes = on"))
        }
        if facts.settings["synchronous_commit"] == "off" {
            found.append(
                .warning(
                    "synchronous_commit",
                    "is off: a crash of the server can lose the last runs, effects and rows alike",
                    remedy: "ALTER ROLE \(facts.role.name) SET synchronous_commit = on"))
        }
        return found.isEmpty ? [.ok("durability", "what is committed is on the disk")] : found
    }

    // MARK: Limits that the server sets by itself

    private var timeouts: [Finding] {
        let limits: [(name: String, level: Finding.Level, text: String)] = [
            (
                "idle_in_transaction_session_timeout", .warning,
                "a run that is busy elsewhere while its transaction is open is ended"
            ),
            (
                "statement_timeout", .warning,
                "it ends statements of jobs before the deadline in the schedule file"
            ),
            ("transaction_timeout", .warning, "it ends runs before their deadline"),
            ("lock_timeout", .warning, "it ends statements that wait for a lock"),
        ]
        let found = limits.compactMap { limit -> Finding? in
            guard let milliseconds = facts.number(limit.name), milliseconds > 0 else { return nil }
            return Finding(
                topic: limit.name, level: limit.level,
                text: "is \(Self.span(Double(milliseconds) / 1_000)): \(limit.text)",
                remedy: "ALTER ROLE \(facts.role.name) SET \(limit.name) = 0")
        }
        return found.isEmpty ? [.ok("limits", "the server sets runs no limits of its own")] : found
    }

    private var visibility: [Finding] {
        var found: [Finding] = []
        if facts.settings["track_activities"] == "off" {
            found.append(
                .warning(
                    "track_activities",
                    "is off: what a backend does cannot be seen, by people or by a node that has "
                        + "lost it during COMMIT",
                    remedy: "ALTER SYSTEM SET track_activities = on"))
        }
        let language = facts.settings["lc_messages"] ?? ""
        let isEnglish =
            ["", "C", "POSIX"].contains(language) || language.hasPrefix("en")
            || language.hasPrefix("C.")
        if !isEnglish {
            found.append(
                .warning(
                    "lc_messages",
                    "is \(language): a statement's time limit and a cancel differ by their words "
                        + "alone, which Almanac knows in English",
                    remedy: "ALTER ROLE \(facts.role.name) SET lc_messages = 'C'"))
        }
        return found
    }

    // MARK: The role

    private var permissions: Finding {
        let role = facts.role
        guard let ledger = facts.ledger else {
            if role.mayCreateSchemas {
                return .ok("permissions", "the role \(role.name) may make the ledger's schema")
            }
            return .problem(
                "permissions", "the role \(role.name) may not make the ledger's schema",
                remedy: "GRANT CREATE ON DATABASE … TO \(role.name), or have another role run "
                    + "`migrate`")
        }
        guard ledger.closedTables.isEmpty else {
            return .problem(
                "permissions",
                "the role \(role.name) may not read and write "
                    + ledger.closedTables.joined(separator: ", "),
                remedy: "GRANT USAGE ON SCHEMA \(ledger.schema) and GRANT SELECT, INSERT, UPDATE, "
                    + "DELETE ON ALL TABLES IN SCHEMA \(ledger.schema) TO \(role.name)")
        }
        return .ok("permissions", "the role \(role.name) may read and write the ledger")
    }

    /// Only of interest where there is another role.
    private var otherRoles: Finding? {
        let role = facts.role
        guard !role.others.isEmpty else { return nil }
        let others = role.others.joined(separator: ", ")
        var missing: [String] = []
        if !role.maySeeOthers { missing.append("pg_read_all_stats") }
        if !role.mayEndOthers { missing.append("pg_signal_backend") }
        if missing.isEmpty {
            return .ok("roles", "runs of \(others) can be seen and ended")
        }
        return .warning(
            "roles",
            "nodes also connect as \(others), whose dead runs \(role.name) cannot tell from "
                + "living ones",
            remedy: "GRANT \(missing.joined(separator: ", ")) TO \(role.name), or have all nodes "
                + "connect as one role")
    }

    static func span(_ seconds: Double) -> String {
        seconds < 1 ? SpanText.milliseconds(seconds) : SpanText.elapsed(seconds)
    }
}

extension ServerFacts {
    func number(_ setting: String) -> Int? { settings[setting].flatMap { Int($0) } }
}
