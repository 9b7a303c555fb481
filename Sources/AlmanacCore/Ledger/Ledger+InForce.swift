package import PostgresSession
import Scheduling

/// By what a node writes about a job. The ledger takes it only while that is in force.
package struct Mandate: Sendable, Hashable {
    /// The schedule that the node has; nil where none was put in force.
    package let version: Int64?
    /// Of the job in that schedule; nil when it has no such job.
    package let definitionDigest: String?

    package init(version: Int64?, definitionDigest: String?) {
        self.version = version
        self.definitionDigest = definitionDigest
    }
}

/// The newest schedule, as a node with another one sees it.
package struct NewestSchedule: Sendable, Hashable {
    package let version: Int64
    /// Of the whole schedule, see `Schedule.digest`.
    package let digest: String

    package init(version: Int64, digest: String) {
        self.version = version
        self.digest = digest
    }
}

/// A node's definition of a job is not the one in force: nothing was written.
struct DefinitionNotInForce: Error {}

// The newest version of the schedule is in force. A node that has an older one goes on with the
// jobs whose definition is the same, from the beginning of their account on: before it they may
// have had other times for a while, of which a node that has slept knows nothing. All this is asked
// by the very statement that writes: between a question and a statement another schedule could be
// put in force.
extension Ledger {
    /// Whether a run may be claimed as far as its definition goes. What has no digest is run by a
    /// process in the foreground, for whoever called it.
    func isInForce(_ order: RunOrder) -> SQL {
        guard let digest = order.definitionDigest else { return "true" }
        let isSame = isSame(order.identity.job, digest)
        // What is queued has its row: it was due.
        if order.isQueued { return "EXISTS (\(isSame))" }
        return """
            EXISTS (\(isSame) AND (f.accounted_from < \(order.identity.scheduledFor)::timestamptz \
            OR \(isNewest(order.version))))
            """
    }

    private func isSame(_ job: String, _ digest: String) -> SQL {
        """
        SELECT FROM \(table("accounts")) AS f WHERE f.job = \(job)::text \
        AND f.removed_at IS NULL AND f.definition_digest = \(digest)::text
        """
    }

    private func isNewest(_ version: Int64?) -> SQL {
        "\(version)::bigint IS NOT DISTINCT FROM \(newestVersion)"
    }

    /// Whether somebody may account for occurrences of a job: the newest schedule for all that was
    /// due, also of jobs that it has no more, others for what is the same.
    ///
    /// - Parameter first: the first of the occurrences.
    func mayAccount(for job: String, from first: Instant, by mandate: Mandate) -> SQL {
        guard let version = mandate.version else { return "true" }
        guard let digest = mandate.definitionDigest else { return "(\(isNewest(version)))" }
        return """
            (\(isNewest(version)) OR EXISTS (\(isSame(job, digest)) \
            AND f.accounted_from < \(first.date)::timestamptz))
            """
    }

    /// - Throws: `DefinitionNotInForce` when that is why a statement has written nothing.
    func require(_ condition: SQL, on connection: Connection) throws {
        let rows = try connection.query("SELECT \(condition) AS is_in_force")
        guard try rows.first?.get("is_in_force", as: Bool.self) == true else {
            throw DefinitionNotInForce()
        }
    }

    /// The newest schedule; nil while there is none.
    package func newestSchedule(on connection: Connection) throws -> NewestSchedule? {
        try connection.query(
            """
            SELECT schedule_version, digest FROM \(table("schedule_versions")) \
            ORDER BY schedule_version DESC LIMIT 1
            """
        ).first.map {
            NewestSchedule(
                version: try $0.get("schedule_version"), digest: try $0.get("digest"))
        }
    }

    /// How the schedule in force differs from that of a node.
    ///
    /// - Parameter definitions: the digest of each job's definition.
    func difference(
        from definitions: [String: String], on connection: Connection
    ) throws -> ScheduleChange {
        let names = definitions.keys.sorted()
        let rows = try connection.query(
            """
            SELECT coalesce(a.job, m.job) AS job, CASE WHEN m.job IS NULL THEN 'added' \
            WHEN a.job IS NULL THEN 'removed' ELSE 'changed' END AS kind \
            FROM (SELECT job, definition_digest FROM \(table("accounts")) \
            WHERE removed_at IS NULL) AS a \
            FULL JOIN unnest(\(names)::text[], \(names.map { definitions[$0] ?? "" })::text[]) \
            AS m (job, definition_digest) ON m.job = a.job \
            WHERE a.definition_digest IS DISTINCT FROM m.definition_digest ORDER BY 1
            """)
        let jobs = try rows.map {
            (try $0.get("kind", as: String.self), try $0.get("job", as: String.self))
        }
        func named(_ kind: String) -> [String] { jobs.filter { $0.0 == kind }.map(\.1) }
        return ScheduleChange(
            added: named("added"), removed: named("removed"), changed: named("changed"))
    }
}
