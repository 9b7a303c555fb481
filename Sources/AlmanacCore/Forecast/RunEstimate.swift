package import PostgresSession

/// How long a run of a job takes, going by those before it.
package struct RunEstimate: Sendable, Hashable {
    package let seconds: Double
    /// How many runs it was taken from.
    package let runCount: Int

    package init(seconds: Double, runCount: Int) {
        self.seconds = seconds
        self.runCount = runCount
    }

    /// How many of a job's last runs count: enough for a quantile, and no more than the months
    /// after a change of the data will have forgotten.
    package static let lastRuns = 50
}

extension Ledger {
    /// How long the last runs of each job took that began to work: by name. Those that somebody
    /// has asked for do not count: they may have had other parameters.
    ///
    /// - Parameter quantile: which of them counts, from 0 for the shortest to 1 for the longest.
    package func estimates(
        quantile: Double, on connection: Connection
    ) throws -> [String: RunEstimate] {
        let rows = try connection.query(
            """
            SELECT a.job, count(*)::int AS runs, percentile_disc(\(quantile)::float8) \
            WITHIN GROUP (ORDER BY last.seconds) AS seconds FROM \(table("accounts")) AS a \
            CROSS JOIN LATERAL (SELECT extract(epoch FROM r.finished_at - r.started_at)::float8 \
            AS seconds FROM \(runs) AS r WHERE r.job = a.job AND r.trigger <> 'manual' \
            AND r.state IN ('succeeded', 'failed', 'timed_out') \
            ORDER BY r.scheduled_for DESC LIMIT \(RunEstimate.lastRuns)) AS last \
            GROUP BY a.job
            """)
        return Dictionary(
            try rows.map { row in
                let estimate = RunEstimate(
                    seconds: try row.get("seconds"), runCount: try row.get("runs"))
                return (try row.get("job"), estimate)
            }, uniquingKeysWith: { first, _ in first })
    }
}
