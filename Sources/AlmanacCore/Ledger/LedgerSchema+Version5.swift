extension LedgerSchema {
    /// What proves the account: when each job is due next, what was pruned, and seals.
    static let version5 = """
        CREATE INDEX runs_ranges ON {schema}.runs (job, skipped_until)
            WHERE skipped_until IS NOT NULL;
        CREATE INDEX runs_by_hand ON {schema}.runs (job, scheduled_for)
            WHERE trigger = 'manual';
        CREATE INDEX runs_ended ON {schema}.runs USING brin (finished_at)
            WITH (pages_per_range = 32, autosummarize = on);
        -- A day that retention removes is far less than the fifth of the table that autovacuum
        -- waits for otherwise.
        ALTER TABLE {schema}.runs SET (autovacuum_vacuum_scale_factor = 0.01,
            autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_insert_scale_factor = 0.02,
            autovacuum_analyze_scale_factor = 0.02);

        CREATE TABLE {schema}.next_due (
            job             text PRIMARY KEY,
            due_at          timestamptz NOT NULL,
            starts_at       timestamptz NOT NULL,
            again_at        timestamptz,
            again_starts_at timestamptz,
            CHECK ((again_at IS NULL) = (again_starts_at IS NULL) AND again_at > due_at)
        ) WITH (fillfactor = 50);
        COMMENT ON TABLE {schema}.next_due IS
            'The next occurrence of each job, as a node has reckoned it: also true while none
        lives. For people there is the view jobs.';
        COMMENT ON COLUMN {schema}.next_due.again_at IS
            'A later occurrence that is written anew before it comes, while a node lives.';

        CREATE TABLE {schema}.pruned (
            job         text NOT NULL,
            day         date NOT NULL,
            reach       date NOT NULL CHECK (reach >= day),
            occurrences bigint NOT NULL CHECK (occurrences >= 0),
            requested   bigint NOT NULL CHECK (requested >= 0),
            attempts    bigint NOT NULL CHECK (attempts >= 0),
            pruned_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (job, day)
        );
        COMMENT ON TABLE {schema}.pruned IS
            'How much of runs the retention has removed, by job and UTC day of scheduled_for.';
        COMMENT ON COLUMN {schema}.pruned.reach IS
            'The last UTC day that a range of skipped occurrences reached into.';
        COMMENT ON COLUMN {schema}.pruned.occurrences IS
            'How many had come about by themselves, those of ranges included.';
        COMMENT ON COLUMN {schema}.pruned.requested IS
            'How many had no attempt but those that somebody had asked for, by backfill or exec.';
        COMMENT ON COLUMN {schema}.pruned.attempts IS
            'How many rows they had, those of runs that were triggered by hand included.';

        CREATE TABLE {schema}.seals (
            day             date NOT NULL,
            generation      int NOT NULL CHECK (generation >= 1),
            row_count       bigint NOT NULL CHECK (row_count >= 0),
            digest          bytea NOT NULL,
            previous_digest bytea,
            sealed_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
            sealed_by       text NOT NULL,
            PRIMARY KEY (day, generation)
        );
        COMMENT ON TABLE {schema}.seals IS
            'Digests of closed days'' rows; a new generation after rows of the day were pruned.';

        \(jobViews)
        """
}
