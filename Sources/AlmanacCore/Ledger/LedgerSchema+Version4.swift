extension LedgerSchema {
    /// The nodes that work on the ledger, the schedule that each of them has, and what tells the
    /// database from a copy of it.
    static let version4 = """
        ALTER TABLE {schema}.accounts ADD COLUMN definition_digest text;
        COMMENT ON COLUMN {schema}.accounts.definition_digest IS
            'Of the definition in force: a node with another one leaves the job alone.';
        ALTER TABLE {schema}.schedule_versions ADD COLUMN tzdata_version text;
        COMMENT ON COLUMN {schema}.schedule_versions.tzdata_version IS
            'The time zone data by which the node that put it in force reckons.';

        CREATE TABLE {schema}.nodes (
            node             text PRIMARY KEY,
            kind             text NOT NULL DEFAULT 'scheduler'
                CHECK (kind IN ('scheduler', 'exec')),
            host             text NOT NULL,
            process_id       int NOT NULL,
            program_version  text,
            workers          int NOT NULL CHECK (workers >= 1),
            schedule_version bigint,
            tzdata_version   text,
            backend_pid      int NOT NULL,
            backend_start    timestamptz NOT NULL,
            clock_offset     interval,
            started_at       timestamptz NOT NULL DEFAULT now(),
            seen_at          timestamptz NOT NULL DEFAULT now(),
            stopped_at       timestamptz
        );
        COMMENT ON TABLE {schema}.nodes IS
            'The processes that run jobs of this ledger, and when they were heard of last.';
        COMMENT ON COLUMN {schema}.nodes.seen_at IS
            'By the database''s clock. An old one raises suspicion and proves nothing.';
        COMMENT ON COLUMN {schema}.nodes.clock_offset IS
            'How far the node''s clock was before the database''s.';

        CREATE TABLE {schema}.suspicions (
            run_id        uuid PRIMARY KEY,
            node          text NOT NULL,
            unseen_since  timestamptz NOT NULL,
            backend_pid   int NOT NULL,
            backend_start timestamptz NOT NULL,
            suspected_by  text NOT NULL,
            suspected_at  timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        COMMENT ON TABLE {schema}.suspicions IS
            'Runs whose backend a node has ended because theirs was not heard of.';

        CREATE TABLE {schema}.identity (
            only_row          boolean PRIMARY KEY DEFAULT true CHECK (only_row),
            environment       text,
            system_identifier text,
            database_name     text NOT NULL,
            adopted_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
            adopted_by        text NOT NULL
        );
        COMMENT ON TABLE {schema}.identity IS
            'The database that jobs may run on: a restored copy of it is another one.';
        """
}
