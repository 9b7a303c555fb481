extension LedgerSchema {
    /// How each job stands, and what should have started and did not.
    static let jobViews = """
        CREATE VIEW {schema}.jobs AS
            SELECT a.job, a.definition ->> 'task' AS task,
                CASE WHEN p.job IS NOT NULL THEN 'paused'
                    WHEN a.definition ->> 'suspend' = 'true' THEN 'suspended'
                    WHEN open.running > 0 THEN 'running'
                    WHEN open.queued > 0 THEN 'queued' ELSE 'idle' END AS state,
                CASE WHEN a.definition ->> 'suspend' = 'true' THEN NULL
                    WHEN NOT a.definition ? 'after' THEN n.due_at
                    WHEN last.state IN ('queued', 'running') THEN NULL
                    ELSE {delayed} END AS next_due,
                coalesce(open.running, 0) AS running, coalesce(open.queued, 0) AS queued,
                coalesce(open.held, 0) AS held,
                last.run_id AS last_run_id, last.scheduled_for AS last_scheduled_for,
                last.state AS last_state, last.reason AS last_reason,
                last.started_at AS last_started_at, last.finished_at AS last_finished_at,
                p.paused_at, p.paused_by, p.note AS pause_note, a.accounted_from, a.definition
            FROM {schema}.accounts AS a
            LEFT JOIN {schema}.pauses AS p ON p.job = a.job
            LEFT JOIN {schema}.next_due AS n ON n.job = a.job
            LEFT JOIN LATERAL ({last}) AS last ON true
            LEFT JOIN (SELECT r.job, count(*) FILTER (WHERE r.state = 'running') AS running,
                count(*) FILTER (WHERE r.state = 'queued') AS queued,
                count(*) FILTER (WHERE r.is_held) AS held
                FROM {schema}.runs AS r WHERE r.state = 'queued' OR r.state = 'running'
                GROUP BY r.job) AS open ON open.job = a.job
            WHERE a.removed_at IS NULL;
        COMMENT ON VIEW {schema}.jobs IS
            'One row for each job of the schedule in force: how it stands and when it is due next.';

        CREATE VIEW {schema}.overdue AS
            WITH account AS (SELECT a.*, make_interval(secs => 30 + coalesce(
                    (a.definition ->> 'startingDeadlineSeconds')::float8, 0)) AS grace
                FROM {schema}.accounts AS a WHERE a.removed_at IS NULL
                AND coalesce(a.definition ->> 'suspend', '') <> 'true'
                AND NOT EXISTS (SELECT FROM {schema}.pauses AS p WHERE p.job = a.job)),
            late AS (SELECT a.job, d.due_at, d.starts_at, NULL::uuid AS run_id,
                NULL::text AS waits_for
                FROM account AS a JOIN {schema}.next_due AS n ON n.job = a.job
                CROSS JOIN LATERAL (VALUES (n.due_at, n.starts_at),
                    (n.again_at, n.again_starts_at)) AS d (due_at, starts_at)
                WHERE NOT a.definition ? 'after' AND d.starts_at + a.grace < clock_timestamp()
                AND NOT EXISTS (SELECT FROM {schema}.runs AS r WHERE r.job = a.job
                    AND r.trigger <> 'manual' AND r.scheduled_for >= d.due_at)
                AND NOT EXISTS (SELECT FROM {schema}.runs AS r WHERE r.job = a.job
                    AND r.skipped_until >= d.due_at)
                UNION ALL
                SELECT a.job, d.due_at, d.due_at, NULL, NULL
                FROM account AS a LEFT JOIN LATERAL ({last}) AS last ON true
                CROSS JOIN LATERAL (SELECT {delayed} AS due_at) AS d
                WHERE a.definition ? 'after'
                AND coalesce(last.state, '') NOT IN ('queued', 'running')
                AND d.due_at + a.grace < clock_timestamp()
                AND d.due_at <= coalesce((a.definition ->> 'endAt')::timestamptz, 'infinity')
                UNION ALL
                SELECT r.job, r.scheduled_for, GREATEST(r.not_before, r.scheduled_for),
                    r.run_id, r.waits_for
                FROM account AS a JOIN {schema}.runs AS r ON r.job = a.job
                WHERE r.state = 'queued' AND r.backend_pid IS NULL
                AND (r.waits_for IS NULL OR r.is_held)
                AND GREATEST(r.not_before, r.scheduled_for) + a.grace < clock_timestamp())
            SELECT DISTINCT ON (job, run_id) job, due_at, starts_at,
                date_trunc('second', clock_timestamp() - starts_at) AS late_by, run_id, waits_for
            FROM late ORDER BY job, run_id, due_at;
        COMMENT ON VIEW {schema}.overdue IS
            'What should have started and did not, half a minute later than its start and its
        startingDeadlineSeconds; true also while no scheduler runs. What waits for its turn, for
        other jobs or for a slot waits as it was told, and what is paused or suspended is not due.';
        """
        .replacing("{last}", with: lastOccurrence).replacing("{delayed}", with: delayedDue)

    /// The last attempt of the latest occurrence of the job of account `a`.
    private static let lastOccurrence = """
        SELECT r.run_id, r.scheduled_for, r.skipped_until, r.attempt, r.state, r.reason,
                    r.started_at, r.finished_at
                FROM {schema}.runs AS r WHERE r.job = a.job AND r.trigger <> 'manual'
                ORDER BY r.scheduled_for DESC, r.attempt DESC LIMIT 1
        """

    /// When the job of account `a` is due that recurs by a delay, by the end of its `last`
    /// occurrence.
    private static let delayedDue = """
        GREATEST((a.definition ->> 'startAt')::timestamptz,
                    a.accounted_from + interval '1 second',
                    CASE WHEN last.state = 'skipped' AND last.attempt = 1
                        THEN coalesce(last.skipped_until, last.scheduled_for)
                        ELSE date_trunc('second', last.finished_at) END
                    + (a.definition ->> 'after')::interval)
        """
}
