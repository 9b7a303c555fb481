import PostgresSession

// An occurrence of a job that needs others is queued. It may run when every occurrence that was due
// up to its instant has its row, which the watermark says, and the latest of each needed job has
// ended. What is asked for by hand needs nothing, nor does another attempt.
extension Ledger {
    /// For each of the `waiting` runs that need other jobs: those that it still waits for, and why
    /// it is not to run if one has not ended as it should.
    var neededRuns: SQL {
        """
        SELECT q.run_id, string_agg(n.job, ', ' ORDER BY n.place) FILTER (WHERE n.is_awaited) \
        AS waiting, (array_agg(n.failure ORDER BY n.place) \
        FILTER (WHERE n.failure IS NOT NULL))[1] AS failure \
        FROM waiting AS q CROSS JOIN LATERAL (\(verdicts)) AS n \
        WHERE q.needs IS NOT NULL AND NOT q.is_held AND NOT q.is_asked_for AND NOT q.is_retry \
        GROUP BY q.run_id
        """
    }

    /// How it stands with each need of run `q`.
    private var verdicts: SQL {
        """
        SELECT need.job, need.place, is_awaited, CASE \
        WHEN is_awaited AND q.scheduled_for + need.within < clock_timestamp() THEN \
        format('it needs %s, which had not ended %s after %s', need.job, need.within_text, \
        q.scheduled_for) \
        WHEN NOT is_awaited AND need.condition <> 'always' AND last.state <> 'succeeded' THEN \
        format('it needs %s, whose run due %s ended as %s (run %s)', need.job, last.scheduled_for, \
        concat_ws(', ', last.state, last.reason), last.run_id) END AS failure \
        FROM (SELECT e.value ->> 'job' AS job, e.ordinality AS place, \
        e.value ->> 'when' AS condition, e.value ->> 'within' AS within_text, \
        (e.value ->> 'within')::interval AS within \
        FROM jsonb_array_elements(q.needs) WITH ORDINALITY AS e (value, ordinality)) AS need \
        LEFT JOIN LATERAL (SELECT o.run_id, o.state, o.reason, o.scheduled_for \
        FROM \(runs) AS o WHERE o.job = need.job AND o.scheduled_for <= q.scheduled_for \
        AND o.trigger <> 'manual' ORDER BY o.scheduled_for DESC, o.attempt DESC LIMIT 1) \
        AS last ON true \
        CROSS JOIN LATERAL (SELECT (SELECT accounted_until FROM \(table("watermark"))) \
        < q.scheduled_for OR coalesce(last.state IN ('queued', 'running'), false) AS is_awaited) \
        AS how
        """
    }
}
