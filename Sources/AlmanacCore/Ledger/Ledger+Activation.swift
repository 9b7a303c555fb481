import Foundation
package import PostgresSession
package import Scheduling

/// What the ledger knows once a schedule is in force.
package struct Activation: Sendable {
    /// The number of the schedule, for the rows of its runs.
    package let version: Int64
    /// Every occurrence due at or before this instant has its row.
    package let watermark: Instant
    /// The schedules since the watermark, oldest first: the one in force at it and all later ones,
    /// without the one that this activation has made.
    package let since: [KeptVersion]
    /// From when on each job of the schedule is accounted for, by name.
    package let accountedFrom: [String: Instant]
    /// When the latest occurrence of each job ended that recurs by a delay, by name.
    package let completions: [String: Completion]
    /// Of the whole schedule.
    package let digest: String
    /// Of each job's definition, by name.
    package let definitionDigests: [String: String]
    /// Since when the schedule is in force, by the database's clock.
    package let inForceFrom: Instant
    /// How it differs from the schedule that was in force before; nil where there was none.
    package var change: ScheduleChange?

    package init(
        version: Int64, watermark: Instant, since: [KeptVersion],
        accountedFrom: [String: Instant], completions: [String: Completion],
        digest: String, definitionDigests: [String: String], inForceFrom: Instant
    ) {
        self.version = version
        self.watermark = watermark
        self.since = since
        self.accountedFrom = accountedFrom
        self.completions = completions
        self.digest = digest
        self.definitionDigests = definitionDigests
        self.inForceFrom = inForceFrom
    }
}

/// A schedule as the ledger has kept it.
package struct KeptVersion: Sendable {
    /// The moment from which it was in force.
    package let inForceFrom: Instant
    /// The definition of each job by its name, as JSON.
    package let definitions: [String: String]

    package init(inForceFrom: Instant, definitions: [String: String]) {
        self.inForceFrom = inForceFrom
        self.definitions = definitions
    }
}

/// Another schedule was put in force since this one was chosen: nothing was written.
package struct ScheduleOvertaken: Error, CustomStringConvertible {
    package let version: Int64

    package var description: String {
        "another schedule was put in force meanwhile, version \(version)"
    }
}

extension Ledger {
    /// Puts a schedule in force: keeps it as a version, opens the accounts of new jobs and closes
    /// those of jobs that are gone.
    ///
    /// A job that the ledger sees for the first time is accounted for from this moment on.
    ///
    /// - Parameter before: the version that must still be the newest, unless the newest is this
    ///   schedule; nil for whatever is in force. A node may sleep between reading its files and
    ///   this: what others have put in force meanwhile is newer than what it has read.
    /// - Throws: `ScheduleOvertaken` when it is not.
    package func activate(
        _ schedule: Schedule, after before: Int64? = nil, on connection: Connection
    ) throws -> Activation {
        try inTransaction(on: connection) {
            try lock(on: connection)
            try openWatermark(on: connection)
            let newest = try newestSchedule(on: connection)
            let digest = schedule.digest
            let (version, isNew) = try keepVersion(
                of: schedule, digest, unless: newest, after: before, on: connection)
            let digests = schedule.jobs.map(\.definitionDigest)
            let named = Dictionary(
                zip(schedule.jobs.map(\.name), digests), uniquingKeysWith: { first, _ in first })
            let change = newest != nil ? try difference(from: named, on: connection) : nil
            try openAccounts(schedule, digests, on: connection)
            try handWatermark(to: version, isNew: isNew, on: connection)
            let watermark = try watermark(on: connection)
            let since = try versions(
                since: watermark, before: isNew ? version : nil, on: connection)
            var activation = Activation(
                version: version, watermark: watermark, since: since,
                accountedFrom: try accounts(on: connection),
                completions: try completions(
                    of: Self.delayed(in: schedule, and: since), on: connection),
                digest: digest, definitionDigests: named,
                inForceFrom: try activatedAt(version, on: connection))
            activation.change = change?.inverted
            return activation
        }
    }

    /// The jobs that recur by a delay, or did so in an earlier version.
    private static func delayed(in schedule: Schedule, and since: [KeptVersion]) -> [String] {
        let before = since.flatMap { version in
            version.definitions.filter { $0.value.contains("\"after\"") }.keys
        }
        return Array(Set(schedule.jobs.filter(\.recurrence.isDelay).map(\.name) + before))
    }

    private func openWatermark(on connection: Connection) throws {
        _ = try connection.execute(
            """
            INSERT INTO \(table("watermark")) (accounted_until) \
            VALUES (date_trunc('second', clock_timestamp())) ON CONFLICT DO NOTHING
            """)
    }

    /// From here on only nodes with this version move the watermark.
    ///
    /// A node whose clock was ahead has brought it to a time that had not come, or another one has
    /// moved it while this schedule was on its way. By what was in force then all is accounted for
    /// up to there, but nothing of an account that begins before it: then it goes back.
    private func handWatermark(
        to version: Int64, isNew: Bool, on connection: Connection
    ) throws {
        _ = try connection.execute(
            """
            UPDATE \(table("watermark")) AS w SET schedule_version = \(version), \
            accounted_until = CASE WHEN \(isNew) AND EXISTS (SELECT \
            FROM \(table("accounts")) AS a WHERE a.accounted_from = v.moment \
            AND a.removed_at IS NULL) THEN LEAST(w.accounted_until, v.moment) \
            ELSE w.accounted_until END FROM (SELECT date_trunc('second', activated_at) AS moment \
            FROM \(table("schedule_versions")) WHERE schedule_version = \(version)) AS v
            """)
    }

    private func watermark(on connection: Connection) throws -> Instant {
        let rows = try connection.query("SELECT accounted_until FROM \(table("watermark"))")
        guard let row = rows.first else {
            throw LedgerError(message: "the ledger has lost its watermark (table watermark)")
        }
        return Instant(try row.get("accounted_until", as: Date.self))
    }

    /// - Parameter version: which one does not count any more, and none after it.
    private func versions(
        since watermark: Instant, before version: Int64?, on connection: Connection
    ) throws -> [KeptVersion] {
        let versions = table("schedule_versions")
        let isOfThose: SQL = "(\(version)::bigint IS NULL OR schedule_version < \(version)::bigint)"
        return try connection.query(
            """
            SELECT activated_at, definitions::text AS definitions FROM \(versions) \
            WHERE schedule_version >= coalesce((SELECT max(schedule_version) FROM \(versions) \
            WHERE activated_at <= \(watermark.date) AND \(isOfThose)), 0) AND \(isOfThose) \
            ORDER BY schedule_version
            """
        ).map { row in
            KeptVersion(
                inForceFrom: Instant(try row.get("activated_at", as: Date.self)),
                definitions: try Self.members(of: row.get("definitions", as: String.self)))
        }
    }

    /// The members of a JSON object, each as JSON.
    private static func members(of text: String) throws -> [String: String] {
        guard let node = try YAMLParser.parse(text: text, path: "schedule_versions") else {
            return [:]
        }
        return Dictionary(
            (node.mapping ?? []).map { ($0.name, CanonicalJSON($0.value).rendered) },
            uniquingKeysWith: { first, _ in first })
    }

    private func accounts(on connection: Connection) throws -> [String: Instant] {
        let rows = try connection.query(
            "SELECT job, accounted_from FROM \(table("accounts")) WHERE removed_at IS NULL")
        return Dictionary(
            try rows.map {
                (try $0.get("job"), Instant(try $0.get("accounted_from", as: Date.self)))
            }, uniquingKeysWith: { first, _ in first })
    }

    /// The number of this schedule: that of the newest version when it is the same, or a new one.
    private func keepVersion(
        of schedule: Schedule, _ digest: String, unless newest: NewestSchedule?,
        after before: Int64?, on connection: Connection
    ) throws -> (version: Int64, isNew: Bool) {
        if let newest {
            if newest.digest == digest { return (newest.version, false) }
            if let before, newest.version != before {
                throw ScheduleOvertaken(version: newest.version)
            }
        }
        let definitions = CanonicalJSON.object(
            schedule.jobs.map { ($0.name, .raw($0.canonicalText)) }
        ).rendered
        let added = try connection.query(
            """
            INSERT INTO \(table("schedule_versions")) \
            (digest, definitions, activated_by, tzdata_version) \
            VALUES (\(digest), \(definitions)::text::jsonb, \(node), \
            \(TimeZone.timeZoneDataVersion)) \
            RETURNING schedule_version
            """)
        guard let row = added.first else {
            throw LedgerError(message: "the ledger did not take the schedule")
        }
        return (try row.get("schedule_version", as: Int64.self), true)
    }

    private func activatedAt(_ version: Int64, on connection: Connection) throws -> Instant {
        let rows = try connection.query(
            """
            SELECT activated_at FROM \(table("schedule_versions")) \
            WHERE schedule_version = \(version)
            """)
        guard let row = rows.first else {
            throw LedgerError(message: "the ledger has lost the schedule of version \(version)")
        }
        return Instant(try row.get("activated_at", as: Date.self))
    }

    /// An account begins in the second in which its version came into force, so that this can be
    /// told from the versions for ever; one that was lost begins now.
    private var momentOfOpening: SQL {
        """
        date_trunc('second', (SELECT CASE WHEN v.activated_at > now() THEN v.activated_at \
        ELSE clock_timestamp() END FROM \(table("schedule_versions")) AS v \
        ORDER BY v.schedule_version DESC LIMIT 1))
        """
    }

    /// One statement for all jobs: a schedule of 100,000 of them is no reason to wait.
    private func openAccounts(
        _ schedule: Schedule, _ digests: [String], on connection: Connection
    ) throws {
        let accounts = table("accounts")
        let jobs = schedule.jobs
        _ = try connection.execute(
            """
            INSERT INTO \(accounts) AS a (job, definition, definition_digest, schedule_digest, \
            accounted_from) \
            SELECT job, definition::jsonb, definition_digest, schedule_digest, \
            \(momentOfOpening) \
            FROM unnest(\(jobs.map(\.name))::text[], \(jobs.map(\.canonicalText))::text[], \
            \(digests)::text[], \(jobs.map(\.scheduleDigest))::text[]) \
            AS new (job, definition, definition_digest, schedule_digest) \
            ON CONFLICT (job) DO UPDATE SET definition = excluded.definition, \
            definition_digest = excluded.definition_digest, \
            schedule_digest = excluded.schedule_digest, removed_at = NULL, \
            accounted_from = CASE WHEN a.removed_at IS NULL \
            AND a.schedule_digest = excluded.schedule_digest THEN a.accounted_from \
            ELSE excluded.accounted_from END \
            WHERE a.definition <> excluded.definition OR a.removed_at IS NOT NULL \
            OR a.definition_digest IS DISTINCT FROM excluded.definition_digest
            """)
        _ = try connection.execute(
            """
            UPDATE \(accounts) SET removed_at = GREATEST(clock_timestamp(), accounted_from) \
            WHERE removed_at IS NULL AND NOT job = ANY(\(jobs.map(\.name))::text[])
            """)
    }
}
