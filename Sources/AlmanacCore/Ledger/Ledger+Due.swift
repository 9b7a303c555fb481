import Foundation
package import PostgresSession
import Scheduling

extension Ledger {
    /// Writes when jobs are due next. Not by a schedule that another one has replaced.
    ///
    /// It need not wait for the disk: what a crash loses is written anew in a few seconds.
    package func writeDue(
        _ change: DueChange, by version: Int64?, on connection: Connection
    ) throws {
        let entries = change.entries
        let isNewest: SQL = "\(version)::bigint IS NOT DISTINCT FROM \(newestVersion)"
        try connection.execute(
            """
            WITH light AS (SELECT set_config('synchronous_commit', 'off', true)), \
            gone AS (DELETE FROM \(table("next_due")) WHERE \(isNewest) \
            AND (job = ANY(\(change.gone)::text[]) \
            OR NOT job = ANY(\(change.all)::text[]))) \
            INSERT INTO \(table("next_due")) AS n \
            (job, due_at, starts_at, again_at, again_starts_at) \
            SELECT new.* FROM light, unnest(\(entries.map(\.job))::text[], \
            \(entries.map(\.dueAt.date))::timestamptz[], \
            \(entries.map(\.startsAt.date))::timestamptz[], \
            \(entries.map { $0.againAt?.date })::timestamptz[], \
            \(entries.map { $0.againStartsAt?.date })::timestamptz[]) \
            AS new (job, due_at, starts_at, again_at, again_starts_at) \
            LEFT JOIN \(table("next_due")) AS old ON old.job = new.job \
            WHERE \(isNewest) AND (old.due_at, old.again_at) \
            IS DISTINCT FROM (new.due_at, new.again_at) \
            ON CONFLICT (job) DO UPDATE SET due_at = excluded.due_at, \
            starts_at = excluded.starts_at, again_at = excluded.again_at, \
            again_starts_at = excluded.again_starts_at
            """)
    }
}
