/// The versions of the ledger's schema, each a script that leads from the one before it.
///
/// A script is never edited once it has shipped: the next version gets a script of its own.
/// `{schema}` in a script stands for the configured schema, quoted.
package enum LedgerSchema {
    /// One step from a version of the schema to the next.
    package struct Migration: Sendable {
        /// The version that the schema has after this step.
        package let version: Int
        /// What changes, for people.
        package let summary: String
        /// The statements; `{schema}` stands for the quoted name of the schema.
        package let script: String
    }

    /// All steps, in order; the position of a step is its version less one.
    package static let migrations: [Migration] = [
        Migration(version: 1, summary: "runs, watermark, accounts, versions", script: version1),
        Migration(version: 2, summary: "attempts after the first", script: version2),
        Migration(version: 3, summary: "queue, requests, progress", script: version3),
        Migration(version: 4, summary: "nodes, identity of the database", script: version4),
        Migration(version: 5, summary: "next due, retention, seals", script: version5),
        Migration(version: 6, summary: "notifications", script: version6),
    ]

    /// The version that this program works with.
    package static var currentVersion: Int { migrations.count }

    private static let version1 = """
        CREATE TABLE {schema}.schedule_versions (
            schedule_version bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            digest           text NOT NULL,
            definitions      jsonb NOT NULL,
            activated_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
            activated_by     text NOT NULL
        );
        COMMENT ON TABLE {schema}.schedule_versions IS
            'Each schedule that was ever in force, with the moment from which it was.';

        CREATE TABLE {schema}.accounts (
            job              text PRIMARY KEY,
            definition       jsonb NOT NULL,
            schedule_digest  text NOT NULL,
            accounted_from   timestamptz NOT NULL,
            removed_at       timestamptz,
            CHECK (removed_at IS NULL OR removed_at >= accounted_from)
        );
        COMMENT ON TABLE {schema}.accounts IS
            'From when on each job''s occurrences are accounted for, and by which definition.';

        CREATE TABLE {schema}.watermark (
            only_row         boolean PRIMARY KEY DEFAULT true CHECK (only_row),
            accounted_until  timestamptz NOT NULL,
            moved_at         timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        COMMENT ON TABLE {schema}.watermark IS
            'Every occurrence due at or before this instant has its row in runs.';

        CREATE TABLE {schema}.runs (
            run_id           uuid PRIMARY KEY,
            job              text NOT NULL,
            task             text NOT NULL,
            scheduled_for    timestamptz NOT NULL,
            attempt          int NOT NULL DEFAULT 1 CHECK (attempt >= 1),
            trigger          text NOT NULL CHECK (trigger IN
                ('schedule', 'catch-up', 'manual', 'backfill', 'exec', 'after')),
            state            text NOT NULL CHECK (state IN
                ('queued', 'running', 'succeeded', 'failed', 'timed_out', 'cancelled',
                 'orphaned', 'skipped')),
            reason           text,
            queued_at        timestamptz NOT NULL,
            started_at       timestamptz,
            finished_at      timestamptz,
            node             text,
            worker           int,
            backend_pid      int,
            backend_start    timestamptz,
            exclusive        boolean NOT NULL DEFAULT true,
            transaction_id   xid8,
            rows_affected    bigint CHECK (rows_affected >= 0),
            error_type       text,
            sqlstate         text CHECK (sqlstate ~ '^[0-9A-Z]{5}$'),
            error_message    text,
            hook_error       text,
            result           jsonb,
            output           text,
            parameters       jsonb,
            schedule_version bigint REFERENCES {schema}.schedule_versions,
            skipped_until    timestamptz,
            skipped_count    bigint,

            CONSTRAINT runs_queued_has_no_start CHECK
                (state <> 'queued' OR (started_at IS NULL AND finished_at IS NULL)),
            CONSTRAINT runs_running_is_owned CHECK
                (state <> 'running' OR (started_at IS NOT NULL AND finished_at IS NULL
                    AND node IS NOT NULL AND backend_pid IS NOT NULL
                    AND backend_start IS NOT NULL)),
            CONSTRAINT runs_terminal_has_an_end CHECK
                ((state IN ('queued', 'running')) = (finished_at IS NULL)),
            CONSTRAINT runs_ended_run_was_started CHECK
                (state NOT IN ('succeeded', 'failed', 'timed_out', 'orphaned')
                    OR started_at IS NOT NULL),
            CONSTRAINT runs_ends_after_its_start CHECK (finished_at >= started_at),
            CONSTRAINT runs_succeeded_has_no_error CHECK
                (state <> 'succeeded' OR (error_type IS NULL AND sqlstate IS NULL
                    AND error_message IS NULL AND transaction_id IS NOT NULL)),
            CONSTRAINT runs_failed_says_why CHECK
                (state NOT IN ('failed', 'timed_out', 'cancelled', 'orphaned')
                    OR error_type IS NOT NULL),
            CONSTRAINT runs_skipped_says_why CHECK
                ((state = 'skipped') = (reason IS NOT NULL AND reason IN
                    ('overlap', 'deadline', 'suspended', 'paused', 'excluded', 'dst-gap',
                     'coalesced', 'dependency', 'ignored', 'superseded', 'backlog'))),
            CONSTRAINT runs_only_a_skip_spans CHECK
                ((skipped_until IS NULL) = (skipped_count IS NULL)
                    AND (skipped_until IS NULL OR (state = 'skipped'
                        AND skipped_until >= scheduled_for AND skipped_count > 1)))
        );
        COMMENT ON TABLE {schema}.runs IS 'The audit table: one row for each attempt.';
        COMMENT ON COLUMN {schema}.runs.scheduled_for IS
            'The nominal instant; for a manual run the instant of the request.';
        COMMENT ON COLUMN {schema}.runs.skipped_until IS
            'For many instants skipped at once: the last of them; scheduled_for is the first.';

        CREATE UNIQUE INDEX runs_occurrence_key
            ON {schema}.runs (job, scheduled_for, attempt) WHERE trigger <> 'manual';
        CREATE UNIQUE INDEX runs_one_at_a_time
            ON {schema}.runs (job) WHERE state = 'running' AND exclusive;
        CREATE INDEX runs_running ON {schema}.runs (node) WHERE state = 'running';
        CREATE INDEX runs_by_start ON {schema}.runs (queued_at DESC);

        CREATE VIEW {schema}.occurrences AS
            SELECT DISTINCT ON (job, scheduled_for) *
            FROM {schema}.runs ORDER BY job, scheduled_for, attempt DESC;
        COMMENT ON VIEW {schema}.occurrences IS
            'One row for each occurrence: its last attempt.';
        """
}
