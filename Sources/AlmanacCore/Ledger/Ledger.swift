package import Foundation
package import PostgresSession
package import Scheduling

/// The audit table and what belongs to it, as one node sees it.
///
/// All of it is SQL over a connection that the caller lends; nothing is kept here, so that every
/// thread can use the same ledger.
package struct Ledger: Sendable {
    /// The schema as it was configured.
    package let schema: String
    /// The name of this process in the table: no two processes have the same.
    package let node: String
    let runs: SQL

    /// A ledger in a schema of the database.
    package init(schema: String, node: String) {
        self.schema = schema
        self.node = node
        runs = "\(identifier: schema).runs"
    }

    func table(_ name: String) -> SQL { "\(identifier: schema).\(identifier: name)" }

    // MARK: The end of a run

    /// The statement that makes a run a success: to be executed in the run's own transaction.
    ///
    /// It touches its row only while the run is still this node's; when it is not, somebody has
    /// proved the run dead and its transaction must not commit.
    func success(
        of run: RunIdentity, rowsAffected: Int?, result: String?, output: OutputTail,
        progress: RunProgress? = nil
    ) -> SQL {
        """
        UPDATE \(runs) SET state = 'succeeded', finished_at = GREATEST(clock_timestamp(), \
        started_at), \
        transaction_id = pg_current_xact_id(), rows_affected = \(rowsAffected), \
        result = \(result)::text::jsonb, output = \(output.text)\(noting(progress)) \
        WHERE run_id = \(run.runID) AND state = 'running' AND node = \(run.node)
        """
    }

    /// The statement that says how far a run has come: to be executed in the transaction of the
    /// work that it speaks of. It touches its row only while the run is still this node's.
    func chunk(of run: RunIdentity, checkpoint: String, progress: RunProgress) -> SQL {
        """
        UPDATE \(runs) SET checkpoint = \(checkpoint)::text::jsonb\(noting(progress)) \
        WHERE run_id = \(run.runID) AND state = 'running' AND node = \(run.node)
        """
    }

    /// The assignment that follows others, if there is progress.
    private func noting(_ progress: RunProgress?) -> SQL {
        guard let progress else { return "" }
        return """
            , progress = \(progress.json)::text::jsonb || \
            jsonb_build_object('at', clock_timestamp())
            """
    }

    /// Executes `success(of:…)` on its own, for a run that has nothing to commit.
    ///
    /// - Throws: `PostgresError` with code `FenceLost` when the run is no longer this node's.
    func write(_ statement: SQL, of run: RunIdentity, on connection: Connection) throws {
        if try connection.execute(statement) == 1 { return }
        // A connection that was lost after the server had carried it out leaves it written.
        guard try state(of: run.runID, on: connection) == .succeeded else {
            throw PostgresError(
                .fenceLost, "run \(run.runID) is no longer this node's: it was given up as dead")
        }
    }

    /// The median number of rows of a job's last successes; nil when there are none.
    ///
    /// The last are those that were due last, which an index has in order: in a long table it would
    /// take longer to find those that have ended last than many a run takes.
    func usualRows(of job: String, on connection: Connection) throws -> Double? {
        func latest(_ kind: SQL) -> SQL {
            """
            (SELECT scheduled_for, rows_affected FROM \(runs) WHERE job = \(job) AND \(kind) \
            AND state = 'succeeded' ORDER BY scheduled_for DESC LIMIT \(Expectation.successes))
            """
        }
        return try connection.query(
            """
            SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY rows)::float8 AS median FROM \
            (SELECT coalesce(rows_affected, 0) AS rows FROM (\(latest("trigger <> 'manual'")) \
            UNION ALL \(latest("trigger = 'manual'"))) AS latest ORDER BY scheduled_for DESC \
            LIMIT \(Expectation.successes)) AS last
            """
        ).first?.get("median", as: Double?.self) ?? nil
    }

    func state(of runID: UUID, on connection: Connection) throws -> RunState? {
        let rows = try connection.query("SELECT state FROM \(runs) WHERE run_id = \(runID)")
        return try rows.first.flatMap { RunState(rawValue: try $0.get("state", as: String.self)) }
    }

    /// Adds to a run's row what went wrong in a hook; the outcome stays.
    func recordHookError(_ text: String, of run: RunIdentity, on connection: Connection) throws {
        let text = String(text.replacing("\0", with: "").prefix(Failure.messageLimit))
        _ = try connection.execute(
            "UPDATE \(runs) SET hook_error = \(text) WHERE run_id = \(run.runID)")
    }

    // MARK: What did not run

    /// Writes the rows of occurrences that do not run. What has a row already keeps it, also where
    /// that is the row of a range.
    ///
    /// - Returns: how many occurrences got their row now.
    /// - Throws: `DefinitionNotInForce`.
    @discardableResult
    package func recordSkips(
        _ skips: SkippedOccurrences, task: String, by mandate: Mandate, note: String? = nil,
        on connection: Connection
    ) throws -> Int {
        let condition = mayAccount(for: skips.job, from: skips.first, by: mandate)
        let instants = skips.instants ?? [skips.first]
        let spans = skips.instants == nil && skips.count > 1
        let until = spans ? skips.last.date : nil
        let count = spans ? Int64(skips.count) : nil
        let written = try connection.execute(
            """
            INSERT INTO \(runs) (run_id, job, task, scheduled_for, trigger, state, reason, \
            queued_at, finished_at, node, error_message, schedule_version, skipped_until, \
            skipped_count) \
            SELECT gen_random_uuid(), \(skips.job)::text, \(task)::text, instant, 'schedule', \
            'skipped', \(skips.reason.rawValue)::text, now(), now(), \(node)::text, \
            \(note)::text, \(mandate.version)::bigint, \(until)::timestamptz, \(count)::bigint \
            FROM unnest(\(instants.map(\.date))::timestamptz[]) AS instant \
            WHERE \(isInNoRange(skips.job, "instant")) AND \(condition) ON CONFLICT DO NOTHING
            """)
        if written == 0 { try require(condition, on: connection) }
        return spans ? written * skips.count : written
    }

    /// Which spans of a job's time within a range have rows, in order. What was run at a moment of
    /// its own, between two seconds, is the row of no occurrence.
    package func recorded(
        job: String, from first: Instant, to last: Instant, on connection: Connection
    ) throws -> [ClosedRange<Instant>] {
        try connection.query(
            """
            SELECT scheduled_for, coalesce(skipped_until, scheduled_for) AS until FROM \(runs) \
            WHERE job = \(job) AND trigger <> 'manual' AND scheduled_for <= \(last.date) \
            AND scheduled_for = date_trunc('second', scheduled_for) \
            AND coalesce(skipped_until, scheduled_for) >= \(first.date) ORDER BY scheduled_for
            """
        ).map { row in
            let start = Instant(try row.get("scheduled_for", as: Date.self))
            return start...max(start, Instant(try row.get("until", as: Date.self)))
        }
    }

    /// Moves the watermark of all jobs; never back, which only a new schedule does: see `activate`.
    ///
    /// - Parameter version: the schedule that the instant was accounted for by. When another one is
    ///   in force by now, it may have jobs that this node knows nothing of, and nothing is moved.
    package func moveWatermark(
        to instant: Instant, by version: Int64?, on connection: Connection
    ) throws {
        _ = try connection.execute(
            """
            UPDATE \(table("watermark")) SET accounted_until = \(instant.date), \
            moved_at = clock_timestamp() WHERE accounted_until < \(instant.date) \
            AND schedule_version IS NOT DISTINCT FROM \(version)::bigint
            """)
    }
}

extension Instant {
    /// The instant as Foundation has it.
    package var date: Date { Date(timeIntervalSince1970: Double(secondsSinceEpoch)) }

    /// The instant of a date, in whole seconds, rounded down.
    package init(_ date: Date) {
        self.init(secondsSinceEpoch: Int64(date.timeIntervalSince1970.rounded(.down)))
    }
}

extension OutputTail {
    /// What the table gets: nothing for nothing.
    var text: String? { isEmpty ? nil : description }
}
