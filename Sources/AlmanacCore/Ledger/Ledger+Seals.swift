package import Foundation
package import PostgresSession

/// A digest of the rows that ended on a day.
package struct Seal: Codable, Sendable, Hashable {
    /// The UTC day, as 2026-03-29.
    package let day: String
    /// How often it was made: anew after rows of the day were pruned.
    package let generation: Int
    package let rowCount: Int
    /// In hexadecimal digits.
    package let digest: String
    /// The seal that it was chained to, if it was not the first.
    package let previousDigest: String?
    package let sealedAt: Date

    package enum CodingKeys: String, CodingKey {
        case day, generation, digest
        case rowCount = "row_count"
        case previousDigest = "previous_digest"
        case sealedAt = "sealed_at"
    }
}

/// What is wrong with a sealed day.
package struct SealDifference: Codable, Sendable, Hashable {
    package let day: String
    /// In words.
    package let problem: String
}

extension Ledger {
    /// The columns that a seal is over, with the form of each in the digest.
    ///
    /// All that the table has had since seals exist, in this order for ever: a column that comes
    /// later is not part of it, or days that are sealed would no longer match.
    static let sealedColumns = [
        "run_id", "job", "task", "scheduled_for", "attempt", "trigger", "state", "reason",
        "queued_at", "started_at", "finished_at", "node", "worker", "backend_pid", "backend_start",
        "exclusive", "transaction_id", "rows_affected", "error_type", "sqlstate", "error_message",
        "hook_error", "result", "output", "parameters", "schedule_version", "skipped_until",
        "skipped_count", "not_before", "retry", "is_retry", "is_held", "waits_for", "priority",
        "overrides", "requested_by", "backfill", "cancel_requested_at", "cancel_requested_by",
        "cancel_reason", "stop_steps", "window_start", "window_end", "progress", "checkpoint",
        "start_by",
    ]

    /// How long after a day's end it is sealed: what ended at the last moment may still be added
    /// to, by a hook that failed.
    static let sealDelayMinutes = 10

    /// Days that have ended and are not sealed, oldest first, as far as all that was started on
    /// them has ended. A day without rows is sealed too: the chain has no gaps.
    ///
    /// A day has ended when the database's clock and the nodes' accounts agree: a clock that is set
    /// forward for a while must not end the day that goes on.
    package func unsealedDays(on connection: Connection) throws -> [String] {
        try connection.query(
            """
            SELECT day::date::text AS day FROM generate_series(coalesce( \
            (SELECT max(day) + 1 FROM \(table("seals"))), \
            (SELECT (min(finished_at) AT TIME ZONE 'UTC')::date FROM \(runs)))::timestamp, \
            ((LEAST(clock_timestamp() - make_interval(mins => \(Self.sealDelayMinutes)::int), \
            (SELECT accounted_until FROM \(table("watermark")))) \
            AT TIME ZONE 'UTC')::date - 1)::timestamp, interval '1 day') AS day \
            WHERE NOT EXISTS (SELECT FROM \(runs) WHERE state = 'running' \
            AND started_at < (day + interval '1 day') AT TIME ZONE 'UTC') ORDER BY 1
            """
        ).map { try $0.get("day") }
    }

    /// Seals a day, or seals it anew.
    @discardableResult
    package func seal(day: String, on connection: Connection) throws -> Seal {
        try steadyText(on: connection)
        let rows = try connection.query(
            """
            WITH before AS (SELECT digest, generation FROM \(table("seals")) \
            WHERE day <= \(day)::text::date ORDER BY day DESC, generation DESC LIMIT 1), \
            own AS (SELECT coalesce(max(generation), 0) + 1 AS generation \
            FROM \(table("seals")) WHERE day = \(day)::text::date), \
            rows AS (\(digestedRows(day))) \
            INSERT INTO \(table("seals")) (day, generation, row_count, digest, previous_digest, \
            sealed_by) SELECT \(day)::text::date, own.generation, rows.count, \
            \(chained("before.digest", "own.generation", day)), before.digest, \(node) \
            FROM own CROSS JOIN rows LEFT JOIN before ON true RETURNING \(sealColumns)
            """)
        guard let row = rows.first else {
            throw LedgerError(message: "the day \(day) could not be sealed")
        }
        return try row.decode(Seal.self)
    }

    /// Whether the rows of a sealed day are those that were sealed.
    func isIntact(day: String, on connection: Connection) throws -> Bool {
        try problem(ofDay: day, on: connection) == nil
    }

    /// What is wrong with the rows of a sealed day; nil if nothing is.
    private func problem(ofDay day: String, on connection: Connection) throws -> String? {
        try steadyText(on: connection)
        let row = try connection.query(
            """
            WITH rows AS (\(digestedRows(day))) SELECT s.row_count, rows.count, \
            s.row_count = rows.count \
            AND s.digest = \(chained("s.previous_digest", "s.generation", day)) AS is_same \
            FROM \(table("seals")) AS s CROSS JOIN rows WHERE s.day = \(day)::text::date \
            ORDER BY s.generation DESC LIMIT 1
            """
        ).first
        guard let row, try !row.get("is_same", as: Bool.self) else { return nil }
        let sealed: Int = try row.get("row_count")
        let found: Int = try row.get("count")
        return sealed == found
            ? "its \(found) rows are not those that were sealed"
            : "it was sealed with \(sealed) rows and has \(found)"
    }

    /// Compares the rows of all sealed days with their seals, and the seals with one another.
    ///
    /// - Parameters:
    ///   - first: the first day to look at, as 2026-03-29; nil for all.
    ///   - last: the last day.
    /// - Returns: the seals, the latest of each day, and what is wrong.
    package func verifySeals(
        from first: String? = nil, through last: String? = nil, on connection: Connection
    ) throws -> (seals: [Seal], differences: [SealDifference]) {
        let seals = try connection.query(
            "SELECT \(sealColumns) FROM \(table("seals")) ORDER BY day, generation"
        ).map { try $0.decode(Seal.self) }
        var differences = Self.problems(inChain: seals)
        let days = Dictionary(grouping: seals, by: \.day).compactMapValues(\.last)
        for day in days.keys.sorted()
        where day >= first ?? day && day <= last ?? day {
            if let problem = try inTransaction(
                on: connection, { try self.problem(ofDay: day, on: connection) })
            {
                differences.append(SealDifference(day: day, problem: problem))
            }
        }
        let kept = days.keys.sorted().compactMap { days[$0] }
        return (
            kept.filter { $0.day >= first ?? $0.day && $0.day <= last ?? $0.day },
            differences.sorted { $0.day < $1.day }
        )
    }

    /// Whether each seal hangs on the one before it, and no day between is without one.
    static func problems(inChain seals: [Seal]) -> [SealDifference] {
        var problems: [SealDifference] = []
        var before: [Seal] = []
        var previousDay: [Seal] = []
        for seal in seals {
            if let last = before.last, last.day != seal.day {
                previousDay = before
                before = []
            }
            let isNext = seal.generation == (before.last?.generation ?? 0) + 1
            let hold = before.isEmpty ? previousDay : Array(before.suffix(1))
            let isChained =
                hold.isEmpty
                ? seal.previousDigest == nil
                : hold.contains { $0.digest == seal.previousDigest }
            let isAdjacent =
                previousDay.isEmpty || !before.isEmpty
                || Self.day(after: previousDay[0].day) == seal.day
            if !isNext || !isAdjacent {
                problems.append(
                    SealDifference(day: seal.day, problem: "a seal before this one is missing"))
            } else if !isChained {
                problems.append(
                    SealDifference(
                        day: seal.day,
                        problem: "its seal does not hang on the one before: one was replaced"))
            }
            before.append(seal)
        }
        return problems
    }

    private static func day(after day: String) -> String? {
        let format = Date.ISO8601FormatStyle(timeZone: .gmt).year().month().day()
        guard let date = try? format.parse(day) else { return nil }
        return date.addingTimeInterval(86_400).formatted(format)
    }

    // MARK: Digests

    private var sealColumns: SQL {
        """
        day::text, generation, row_count, encode(digest, 'hex') AS digest, \
        encode(previous_digest, 'hex') AS previous_digest, sealed_at
        """
    }

    /// Texts of instants and numbers are the same in every session.
    private func steadyText(on connection: Connection) throws {
        try connection.execute(
            """
            SELECT set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO', true), \
            set_config('extra_float_digits', '1', true), \
            set_config('IntervalStyle', 'postgres', true)
            """)
    }

    /// The hashes of the rows that ended on a day, one after the other.
    private func digestedRows(_ day: String) -> SQL {
        let columns = Self.sealedColumns.map { "r.\"\($0)\"" }.joined(separator: ", ")
        return """
            SELECT count(*) AS count, coalesce(string_agg(sha256(convert_to( \
            ROW(\(raw: columns))::text, 'UTF8')), ''::bytea \
            ORDER BY r.finished_at, r.run_id), ''::bytea) AS hashes FROM \(runs) AS r \
            WHERE r.finished_at >= (\(day)::text::timestamp AT TIME ZONE 'UTC') AND \
            r.finished_at < ((\(day)::text::timestamp + interval '1 day') AT TIME ZONE 'UTC')
            """
    }

    private func chained(_ previous: SQL, _ generation: SQL, _ day: String) -> SQL {
        """
        sha256(coalesce(\(previous), ''::bytea) || convert_to(format('%s %s %s ', \
        \(day)::text, \(generation), rows.count), 'UTF8') || sha256(rows.hashes))
        """
    }
}
