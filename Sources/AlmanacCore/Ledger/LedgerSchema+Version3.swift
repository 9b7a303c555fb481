extension LedgerSchema {
    /// Runs that wait for their turn, what operators ask for, and what a run says of its progress.
    static let version3 = """
        ALTER TABLE {schema}.runs
            DROP CONSTRAINT runs_only_a_retry_waits,
            DROP CONSTRAINT runs_queued_retry_waits,
            ADD COLUMN is_retry            boolean NOT NULL DEFAULT false,
            ADD COLUMN is_held             boolean NOT NULL DEFAULT false,
            ADD COLUMN waits_for           text,
            ADD COLUMN priority            int NOT NULL DEFAULT 0,
            ADD COLUMN overrides           jsonb,
            ADD COLUMN requested_by        text,
            ADD COLUMN backfill            uuid,
            ADD COLUMN cancel_requested_at timestamptz,
            ADD COLUMN cancel_requested_by text,
            ADD COLUMN cancel_reason       text,
            ADD COLUMN stop_steps          jsonb,
            ADD COLUMN window_start        timestamptz,
            ADD COLUMN window_end          timestamptz,
            ADD COLUMN progress            jsonb,
            ADD COLUMN checkpoint          jsonb,
            ADD COLUMN start_by            timestamptz;
        UPDATE {schema}.runs SET is_retry = true WHERE attempt > 1;
        UPDATE {schema}.runs SET not_before = queued_at
            WHERE state = 'queued' AND not_before IS NULL;
        ALTER TABLE {schema}.runs
            ADD CONSTRAINT runs_queued_has_its_time CHECK
                (state <> 'queued' OR not_before IS NOT NULL),
            ADD CONSTRAINT runs_retry_is_not_the_first CHECK (NOT is_retry OR attempt > 1),
            ADD CONSTRAINT runs_only_queued_is_held CHECK (NOT is_held OR state = 'queued'),
            ADD CONSTRAINT runs_overrides_is_an_object CHECK
                (overrides IS NULL OR jsonb_typeof(overrides) = 'object'),
            ADD CONSTRAINT runs_cancel_has_its_author CHECK
                ((cancel_requested_at IS NULL) = (cancel_requested_by IS NULL)),
            ADD CONSTRAINT runs_stop_steps_is_a_list CHECK
                (stop_steps IS NULL OR jsonb_typeof(stop_steps) = 'array'),
            ADD CONSTRAINT runs_expectation_is_of_a_failure CHECK
                (reason IS DISTINCT FROM 'expectation' OR state = 'failed'),
            ADD CONSTRAINT runs_window_is_a_span CHECK
                ((window_start IS NULL) = (window_end IS NULL) AND window_start <= window_end);
        COMMENT ON COLUMN {schema}.runs.not_before IS
            'Of a run that was queued: when it starts at the earliest.';
        COMMENT ON COLUMN {schema}.runs.start_by IS
            'Of a run that was queued: when it starts at the latest.';
        COMMENT ON COLUMN {schema}.runs.is_retry IS
            'An attempt that follows a failed one: no other run of its job starts before it.';
        COMMENT ON COLUMN {schema}.runs.is_held IS
            'Queued, and waits for an operator to decide (almanac resume --catch-up …).';
        COMMENT ON COLUMN {schema}.runs.waits_for IS 'Of a queued run: what it waits for.';
        COMMENT ON COLUMN {schema}.runs.overrides IS
            'Parameters that were given with the request and count before the job''s own.';
        COMMENT ON COLUMN {schema}.runs.stop_steps IS
            'How the run was made to stop: a list of {"step", "at"}, the first step first.';
        COMMENT ON COLUMN {schema}.runs.window_start IS
            'The window of data that the run is for: from here on, before window_end.';
        COMMENT ON COLUMN {schema}.runs.progress IS
            'How far the run has come: {"done", "total", "startedDone", "perSecond",
        "remainingSeconds", "at"}; of items, those of earlier attempts at the occurrence included.';
        COMMENT ON COLUMN {schema}.runs.checkpoint IS
            'Where the work of the occurrence is to go on; committed with the work before it.';

        DROP INDEX {schema}.runs_one_at_a_time;
        CREATE UNIQUE INDEX runs_one_at_a_time ON {schema}.runs (job)
            WHERE exclusive AND (state = 'running' OR (state = 'queued' AND is_retry));
        DROP INDEX {schema}.runs_waiting;
        CREATE INDEX runs_waiting ON {schema}.runs (not_before) WHERE state = 'queued';
        CREATE INDEX runs_window_end ON {schema}.runs (job, window_end)
            WHERE state = 'succeeded' AND window_end IS NOT NULL;
        CREATE INDEX runs_of_backfill ON {schema}.runs (backfill) WHERE backfill IS NOT NULL;

        CREATE TABLE {schema}.pauses (
            job       text PRIMARY KEY,
            paused_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            paused_by text NOT NULL,
            note      text NOT NULL
        );
        COMMENT ON TABLE {schema}.pauses IS
            'Jobs that an operator has paused: what comes due is skipped with reason paused.';

        CREATE TABLE {schema}.backfills (
            backfill     uuid PRIMARY KEY,
            job          text NOT NULL,
            first        timestamptz NOT NULL,
            last         timestamptz NOT NULL,
            reprocess    text NOT NULL CHECK (reprocess IN ('none', 'failed', 'completed')),
            max_active   int CHECK (max_active >= 1),
            requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            requested_by text NOT NULL,
            CHECK (first <= last)
        );
        COMMENT ON TABLE {schema}.backfills IS 'Ranges of occurrences that somebody had run.';

        CREATE OR REPLACE VIEW {schema}.occurrences AS
            SELECT DISTINCT ON (job, scheduled_for) *
            FROM {schema}.runs ORDER BY job, scheduled_for, attempt DESC;
        """
}
