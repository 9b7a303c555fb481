import Foundation
import PostgresSession

/// The audit table as an auditor reads it, who knows nothing of the program.
struct Books: Sendable {
    /// One row, as far as the accounts go.
    struct Row: Sendable {
        var job: String
        var scheduledFor: Int
        var state: String
        var reason: String?
        var trigger: String
        var node: String?
        var until: Int?
        var count: Int?
        var message: String?
    }

    let engine: Engine

    init(_ connectionString: String) { engine = Engine(connectionString) }

    func execute(_ script: String) throws {
        try engine.withConnection { try $0.executeScript(script) }
    }

    /// Makes the books say that the last node ended so long before the hour that has begun.
    func pretendEnd(before interval: String) throws {
        let end = "date_trunc('hour', now()) - '\(interval)'::interval"
        try execute(
            """
            UPDATE almanac.watermark SET accounted_until = \(end);
            UPDATE almanac.accounts SET accounted_from = \(end);
            UPDATE almanac.schedule_versions SET activated_at = \(end) - '1h'::interval;
            """)
    }

    /// The one number that a query gives.
    func number(_ query: String) throws -> Int { try number(of: SQL(raw: query)) }

    private func number(of sql: SQL) throws -> Int {
        try engine.withConnection { connection in
            try connection.query("SELECT (\(sql))::bigint AS n").first?.get("n", as: Int.self) ?? 0
        }
    }

    /// The id of a job's newest run, or of the newest in a state.
    func runID(_ job: String, _ state: String? = nil) throws -> String {
        try engine.withConnection { connection in
            try connection.query(
                """
                SELECT run_id::text AS id FROM almanac.runs WHERE job = \(job) \
                AND (\(state)::text IS NULL OR state = \(state)::text) \
                ORDER BY queued_at DESC LIMIT 1
                """
            ).first?.get("id", as: String.self) ?? ""
        }
    }

    /// All rows of a job, in order of their instants.
    func rows(_ job: String) throws -> [Row] {
        try engine.withConnection { connection in
            try connection.query(
                """
                SELECT job, extract(epoch FROM scheduled_for)::bigint AS due, state, reason, \
                trigger, node, extract(epoch FROM skipped_until)::bigint AS until, skipped_count, \
                error_message FROM almanac.runs WHERE job = \(job) ORDER BY scheduled_for, attempt
                """
            ).map { row in
                Row(
                    job: try row.get("job"), scheduledFor: try row.get("due"),
                    state: try row.get("state"), reason: try row.get("reason"),
                    trigger: try row.get("trigger"), node: try row.get("node"),
                    until: try row.get("until"), count: try row.get("skipped_count"),
                    message: try row.get("error_message"))
            }
        }
    }

    /// How many rows of a job are in a state; 0 also while there is no table yet.
    func count(_ job: String, _ state: String) throws -> Int {
        guard try isOpen() else { return 0 }
        return try number(
            of: "SELECT count(*) FROM almanac.runs WHERE job = \(job) AND state = \(state)")
    }

    /// How many rows are in a state.
    func count(_ state: String) throws -> Int {
        guard try isOpen() else { return 0 }
        return try number(of: "SELECT count(*) FROM almanac.runs WHERE state = \(state)")
    }

    private func isOpen() throws -> Bool {
        try number("SELECT (to_regclass('almanac.runs') IS NOT NULL)::int") == 1
    }

    /// What is wrong with the accounts of a job that is due every so many seconds: instants that
    /// have no row and instants that have two, from its first row to its last. What `exec` ran is
    /// at no instant of the schedule.
    func errors(_ job: String, everySeconds step: Int) throws -> [String] {
        var seen: [Int: Int] = [:]
        var errors: [String] = []
        for row in try rows(job) where row.trigger != "exec" {
            let last = row.until ?? row.scheduledFor
            let instants = Array(stride(from: row.scheduledFor, through: last, by: step))
            if let count = row.count, count != instants.count {
                errors.append("\(row.scheduledFor): says \(count), is \(instants.count)")
            }
            for instant in instants { seen[instant, default: 0] += 1 }
        }
        guard let first = seen.keys.min(), let last = seen.keys.max() else {
            return ["\(job) has no rows"]
        }
        for instant in stride(from: first, through: last, by: step) where seen[instant] == nil {
            errors.append("\(instant): no row")
        }
        for (instant, count) in seen.sorted(by: { $0.key < $1.key }) {
            if count != 1 { errors.append("\(instant): \(count) rows") }
            if instant % step != 0 { errors.append("\(instant): not due") }
        }
        return errors
    }
}
