extension LedgerSchema {
    /// What proves the account: when each job is due next, what was pruned, and seals.
    static let version5 = """
        CREATE TABLE {schema}.next_due (
            job    text PRIMARY KEY,
            due_at timestamptz NOT NULL
        );
        COMMENT ON TABLE {schema}.next_due IS
            'The next occurrence of each job as a node has reckoned it; also while none lives.';

        CREATE TABLE {schema}.pruned (
            job         text NOT NULL,
            day         date NOT NULL,
            occurrences bigint NOT NULL CHECK (occurrences >= 0),
            attempts    bigint NOT NULL CHECK (attempts >= 0),
            pruned_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (job, day)
        );
        COMMENT ON TABLE {schema}.pruned IS
            'How many rows of runs the retention has removed, by job and UTC day of scheduled_for.';

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
        """
}
