import Foundation
package import PostgresSession
package import Scheduling

/// What the ledger knows once a schedule is in force.
package struct Activation: Sendable {
    /// The number of the schedule, for the rows of its runs.
    package let version: Int64
    /// Every occurrence due at or before this instant has its row.
    package let watermark: Instant
    /// What was in force before, with the moment from which it was accounted for.
    package let previous: [Account]
    /// From when on each job of the schedule is accounted for, by name.
    package let accountedFrom: [String: Instant]
}

/// A job as the ledger knew it before a schedule was put in force.
package struct Account: Sendable {
    package let job: String
    package let accountedFrom: Instant
    package let definition: String
}

extension Ledger {
    /// Puts a schedule in force: keeps it as a version, opens the accounts of new jobs and closes
    /// those of jobs that are gone.
    ///
    /// A job that the ledger sees for the first time is accounted for from this moment on.
    package func activate(_ schedule: Schedule, on connection: Connection) throws -> Activation {
        try inTransaction(on: connection) {
            try lock(on: connection)
            let watermark = try openWatermark(on: connection)
            let previous = try accounts(on: connection)
            let version = try keepVersion(of: schedule, on: connection)
            try openAccounts(schedule, on: connection)
            let current = try accounts(on: connection)
            return Activation(
                version: version, watermark: watermark, previous: previous,
                accountedFrom: Dictionary(
                    current.map { ($0.job, $0.accountedFrom) }, uniquingKeysWith: { first, _ in first }))
        }
    }

    private func openWatermark(on connection: Connection) throws -> Instant {
        _ = try connection.execute(
            """
            INSERT INTO \(table("watermark")) (accounted_until) \
            VALUES (date_trunc('second', clock_timestamp())) ON CONFLICT DO NOTHING
            """)
        let rows = try connection.query("SELECT accounted_until FROM \(table("watermark"))")
        guard let row = rows.first else {
            throw LedgerError(message: "the ledger has lost its watermark (table watermark)")
        }
        return Instant(try row.get("accounted_until", as: Date.self))
    }

    private func accounts(on connection: Connection) throws -> [Account] {
        try connection.query(
            """
            SELECT job, accounted_from, definition::text AS definition \
            FROM \(table("accounts")) WHERE removed_at IS NULL ORDER BY job
            """
        ).map { row in
            Account(
                job: try row.get("job", as: String.self),
                accountedFrom: Instant(try row.get("accounted_from", as: Date.self)),
                definition: try row.get("definition", as: String.self))
        }
    }

    /// The number of this schedule: that of the newest version when it is the same.
    private func keepVersion(of schedule: Schedule, on connection: Connection) throws -> Int64 {
        let versions = table("schedule_versions")
        let newest = try connection.query(
            "SELECT schedule_version, digest FROM \(versions) ORDER BY 1 DESC LIMIT 1")
        if let row = newest.first, try row.get("digest", as: String.self) == schedule.digest {
            return try row.get("schedule_version", as: Int64.self)
        }
        let definitions = "[" + schedule.jobs.map(\.canonicalText).joined(separator: ",") + "]"
        let added = try connection.query(
            """
            INSERT INTO \(versions) (digest, definitions, activated_by) \
            VALUES (\(schedule.digest), \(definitions)::text::jsonb, \(node)) \
            RETURNING schedule_version
            """)
        guard let row = added.first else {
            throw LedgerError(message: "the ledger did not take the schedule")
        }
        return try row.get("schedule_version", as: Int64.self)
    }

    /// One statement for all jobs: a schedule of 100,000 of them is no reason to wait.
    private func openAccounts(_ schedule: Schedule, on connection: Connection) throws {
        let accounts = table("accounts")
        let jobs = schedule.jobs
        _ = try connection.execute(
            """
            INSERT INTO \(accounts) AS a (job, definition, schedule_digest, accounted_from) \
            SELECT job, definition::jsonb, digest, date_trunc('second', clock_timestamp()) \
            FROM unnest(\(jobs.map(\.name))::text[], \(jobs.map(\.canonicalText))::text[], \
            \(jobs.map(\.scheduleDigest))::text[]) AS new (job, definition, digest) \
            ON CONFLICT (job) DO UPDATE SET definition = excluded.definition, \
            schedule_digest = excluded.schedule_digest, removed_at = NULL, \
            accounted_from = CASE WHEN a.removed_at IS NULL \
            AND a.schedule_digest = excluded.schedule_digest THEN a.accounted_from \
            ELSE excluded.accounted_from END \
            WHERE a.definition <> excluded.definition OR a.removed_at IS NOT NULL
            """)
        _ = try connection.execute(
            """
            UPDATE \(accounts) SET removed_at = GREATEST(clock_timestamp(), accounted_from) \
            WHERE removed_at IS NULL AND NOT job = ANY(\(jobs.map(\.name))::text[])
            """)
    }
}
