extension LedgerSchema {
    /// Attempts after the first: queued until their moment, and in the way of the job's other runs
    /// meanwhile.
    static let version2 = """
        ALTER TABLE {schema}.runs
            ADD COLUMN not_before timestamptz,
            ADD COLUMN retry      jsonb,
            ADD CONSTRAINT runs_only_a_retry_waits CHECK
                (not_before IS NULL OR attempt > 1),
            ADD CONSTRAINT runs_queued_retry_waits CHECK
                (state <> 'queued' OR attempt = 1 OR not_before IS NOT NULL),
            ADD CONSTRAINT runs_retry_is_an_object CHECK
                (retry IS NULL OR jsonb_typeof(retry) = 'object');
        COMMENT ON COLUMN {schema}.runs.not_before IS
            'Of an attempt after the first: when it starts at the earliest.';
        COMMENT ON COLUMN {schema}.runs.retry IS
            'Of a job that may be tried again: its backoffLimit, and afterSeconds, the pause before
        the next attempt if this one is found dead; absent if none would follow.';

        DROP INDEX {schema}.runs_one_at_a_time;
        CREATE UNIQUE INDEX runs_one_at_a_time ON {schema}.runs (job)
            WHERE exclusive AND (state = 'running' OR (state = 'queued' AND attempt > 1));
        CREATE INDEX runs_waiting ON {schema}.runs (not_before)
            WHERE state = 'queued' AND attempt > 1;

        CREATE OR REPLACE VIEW {schema}.occurrences AS
            SELECT DISTINCT ON (job, scheduled_for) *
            FROM {schema}.runs ORDER BY job, scheduled_for, attempt DESC;
        """
}
