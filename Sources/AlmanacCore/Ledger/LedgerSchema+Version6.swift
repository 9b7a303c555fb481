extension LedgerSchema {
    /// Who is told of what: noted by the very statement that writes an outcome, so that neither is
    /// there without the other.
    static let version6 = """
        -- In the row itself: whoever waits for the lock on it sees there what has come in force
        -- meanwhile.
        ALTER TABLE {schema}.watermark ADD COLUMN schedule_version bigint;
        UPDATE {schema}.watermark SET schedule_version =
            (SELECT max(v.schedule_version) FROM {schema}.schedule_versions AS v);
        COMMENT ON COLUMN {schema}.watermark.schedule_version IS
            'The schedule in force: only nodes that have it move the watermark.';

        -- What ran between two seconds was asked for, and is no proof for an occurrence.
        \(jobViews.replacing("CREATE VIEW", with: "CREATE OR REPLACE VIEW").replacing(
            "AND r.scheduled_for >= d.due_at)",
            with: """
                AND r.scheduled_for >= d.due_at
                                    AND r.scheduled_for = date_trunc('second', r.scheduled_for))
                """))

        CREATE TABLE {schema}.notifications (
            notification_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            job             text NOT NULL,
            event           text NOT NULL CHECK (event IN
                ('failure', 'success', 'missed', 'slow', 'recovered')),
            scheduled_for   timestamptz NOT NULL,
            run_id          uuid,
            reason          text NOT NULL,
            bound           timestamptz,
            channel         text,
            noted_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
            not_before      timestamptz NOT NULL DEFAULT clock_timestamp(),
            tries           int NOT NULL DEFAULT 0,
            delivered_at    timestamptz,
            delivered_by    text,
            given_up_at     timestamptz,
            last_error      text,
            CONSTRAINT notifications_end_in_one_way CHECK
                (delivered_at IS NULL OR given_up_at IS NULL),
            CONSTRAINT notifications_wait_for_a_channel CHECK
                (channel IS NOT NULL OR delivered_at IS NOT NULL)
        );
        COMMENT ON TABLE {schema}.notifications IS
            'What somebody is to be told of, a row for each channel, and whether they were.';
        COMMENT ON COLUMN {schema}.notifications.reason IS
            'The state or the reason of the run''s row, or the key of the limit that has passed:
        mustFinishBy, warnAfter.';
        COMMENT ON COLUMN {schema}.notifications.bound IS
            'Of a limit: when it was passed.';
        COMMENT ON COLUMN {schema}.notifications.channel IS
            'Where it goes; NULL for what nobody asked to be told and a node has only logged.';
        COMMENT ON COLUMN {schema}.notifications.not_before IS
            'When it is sent at the earliest, the next time after a failure.';
        -- A limit is passed once, whichever node is the first to see it.
        CREATE UNIQUE INDEX notifications_once ON {schema}.notifications
            (job, scheduled_for, event, reason, coalesce(channel, ''),
             coalesce(run_id, '00000000-0000-0000-0000-000000000000'));
        CREATE INDEX notifications_waiting ON {schema}.notifications (not_before)
            WHERE delivered_at IS NULL AND given_up_at IS NULL;
        CREATE INDEX notifications_delivered ON {schema}.notifications
            (channel, job, event, delivered_at);

        CREATE TABLE {schema}.limits_watch (
            only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
            watched_until timestamptz NOT NULL
        );
        INSERT INTO {schema}.limits_watch (watched_until) VALUES (clock_timestamp());
        COMMENT ON TABLE {schema}.limits_watch IS
            'Every mustFinishBy and warnAfter that was passed up to this instant is noted.';

        CREATE FUNCTION {schema}.slow_after(its_job text, its_instant timestamptz, bound text)
            RETURNS interval LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $almanac$
            SELECT CASE WHEN bound <> 'p95' THEN bound::interval ELSE
                (SELECT CASE WHEN count(*) >= 20 THEN make_interval(secs =>
                        percentile_cont(0.95) WITHIN GROUP (ORDER BY last.seconds)) END
                FROM (SELECT extract(epoch FROM r.finished_at - r.started_at)::float8 AS seconds
                    FROM {schema}.runs AS r WHERE r.job = its_job AND r.trigger <> 'manual'
                    AND r.state = 'succeeded' AND r.scheduled_for < its_instant
                    ORDER BY r.scheduled_for DESC, r.attempt DESC LIMIT 100) AS last)
                END
            $almanac$;
        COMMENT ON FUNCTION {schema}.slow_after(text, timestamptz, text) IS
            'How long a run may take by the warnAfter of its job; NULL while that is not known:
        p95 takes 20 successes before it, and looks at the last 100.';

        -- With the rights of who has made the schema: an outcome is not to fail for want of some.
        CREATE FUNCTION {schema}.note_outcome() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
            SET search_path = pg_catalog, pg_temp AS $almanac$
            DECLARE
                told        jsonb;
                is_missed   boolean;
                is_failure  boolean;
                is_recovery boolean := false;
            BEGIN
                SELECT a.definition -> 'notify' INTO told FROM {schema}.accounts AS a
                    WHERE a.job = NEW.job;
                IF told IS NULL THEN RETURN NULL; END IF;
                is_missed := NEW.state = 'skipped' AND NEW.reason IN
                    ('overlap', 'deadline', 'coalesced', 'dependency', 'backlog');
                is_failure := (NEW.state IN ('failed', 'timed_out', 'orphaned')
                        OR NEW.state = 'cancelled' AND NEW.cancel_requested_at IS NULL)
                    AND NOT EXISTS (SELECT FROM {schema}.runs AS r WHERE r.job = NEW.job
                        AND r.scheduled_for = NEW.scheduled_for AND r.attempt > NEW.attempt
                        AND r.trigger <> 'manual' AND NEW.trigger <> 'manual')
                    AND NOT EXISTS (SELECT FROM {schema}.runs AS r WHERE r.job = NEW.job
                        AND r.scheduled_for = NEW.scheduled_for AND r.attempt > NEW.attempt
                        AND r.trigger = 'manual' AND NEW.trigger = 'manual');
                IF NEW.state = 'succeeded' AND told ? 'onRecovered' THEN
                    is_recovery := {schema}.is_recovery(NEW.job, NEW.scheduled_for);
                END IF;
                INSERT INTO {schema}.notifications
                    (job, event, scheduled_for, run_id, reason, channel)
                    SELECT NEW.job, e.event, NEW.scheduled_for, NEW.run_id,
                        coalesce(NEW.reason, NEW.state), c.channel
                    FROM (VALUES ('failure', 'onFailure', is_failure),
                        ('missed', 'onMissed', is_missed),
                        ('success', 'onSuccess', NEW.state = 'succeeded'),
                        ('recovered', 'onRecovered', is_recovery)) AS e (event, key, holds)
                    CROSS JOIN LATERAL
                        jsonb_array_elements_text(coalesce(told -> e.key, '[]')) AS c (channel)
                    WHERE e.holds;
                RETURN NULL;
            END
            $almanac$;

        CREATE FUNCTION {schema}.is_recovery(its_job text, its_instant timestamptz)
            RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $almanac$
            SELECT coalesce((SELECT last.state <> 'succeeded' FROM (
                    (SELECT r.scheduled_for, r.state FROM {schema}.runs AS r
                    WHERE r.job = its_job AND r.trigger <> 'manual'
                    AND r.scheduled_for < its_instant AND {counts}
                    ORDER BY r.scheduled_for DESC, r.attempt DESC LIMIT 1)
                    UNION ALL
                    (SELECT r.scheduled_for, r.state FROM {schema}.runs AS r
                    WHERE r.job = its_job AND r.trigger = 'manual'
                    AND r.scheduled_for < its_instant AND {counts}
                    ORDER BY r.scheduled_for DESC LIMIT 1)) AS last
                    ORDER BY last.scheduled_for DESC LIMIT 1), false)
                OR EXISTS (SELECT FROM {schema}.notifications AS n WHERE n.job = its_job
                    AND n.scheduled_for = its_instant AND n.event = 'missed')
            $almanac$;
        COMMENT ON FUNCTION {schema}.is_recovery(text, timestamptz) IS
            'Whether the run of the job that ended before this one had failed or was missed, or
        this one is late.';

        CREATE TRIGGER runs_note_insert AFTER INSERT ON {schema}.runs FOR EACH ROW
            WHEN (NEW.finished_at IS NOT NULL) EXECUTE FUNCTION {schema}.note_outcome();
        CREATE TRIGGER runs_note_update AFTER UPDATE OF state ON {schema}.runs FOR EACH ROW
            WHEN (NEW.finished_at IS NOT NULL AND OLD.finished_at IS NULL)
            EXECUTE FUNCTION {schema}.note_outcome();
        """
        .replacing("{counts}", with: counts)

    /// Whether a row `r` says how its job does: not what was left out on purpose, nor what waits.
    private static let counts = """
        (r.state IN ('succeeded', 'failed', 'timed_out', 'orphaned')
                        OR r.state = 'cancelled' AND r.cancel_requested_at IS NULL
                        OR r.state = 'skipped' AND r.reason IN
                            ('overlap', 'deadline', 'coalesced', 'dependency', 'backlog'))
        """
}
