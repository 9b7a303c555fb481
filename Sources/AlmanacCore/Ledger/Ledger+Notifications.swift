package import Foundation
package import PostgresSession
package import Scheduling

// Notifications are noted by the ledger itself: outcomes by a trigger of the audit table, limits
// that have passed by whichever node looks first. They are sent by the nodes, at least once each.
extension Ledger {
    /// How long a channel rests between two messages about the same: what comes meanwhile is told
    /// together.
    static let restSeconds = 60.0

    // MARK: Sending

    /// Takes what is to be sent next, so that no other node sends it meanwhile.
    ///
    /// - Parameters:
    ///   - channels: those that this node has.
    ///   - leaseSeconds: after how long it is anybody's again.
    /// - Returns: nil when there is nothing, or another node is just taking something.
    package func takeNotification(
        for channels: [String], leaseSeconds: Double, on connection: Connection
    ) throws -> DueNotification? {
        try inTransaction(on: connection) {
            let lock = try connection.query(
                """
                SELECT pg_try_advisory_xact_lock(\(key(of: .notifications, ""))::bigint) AS taken
                """)
            guard try lock.first?.get("taken", as: Bool.self) == true else { return nil }
            let taken = try take(channels, leaseSeconds, on: connection)
            return try taken.first.map(DueNotification.init)
        }
    }

    private func take(
        _ channels: [String], _ leaseSeconds: Double, on connection: Connection
    ) throws -> Rows {
        let table = table("notifications")
        let isDue: SQL = """
            n.delivered_at IS NULL AND n.given_up_at IS NULL AND n.not_before <= clock_timestamp()
            """
        return try connection.query(
            """
            WITH first AS (SELECT n.channel, n.job, n.event FROM \(table) AS n WHERE \(isDue) \
            AND n.channel = ANY(\(channels)::text[]) AND NOT EXISTS (SELECT FROM \(table) AS d \
            WHERE d.channel = n.channel AND d.job = n.job AND d.event = n.event \
            AND d.delivered_at > clock_timestamp() - make_interval(secs => \(Self.restSeconds))) \
            ORDER BY n.not_before, n.notification_id LIMIT 1), \
            taken AS (UPDATE \(table) AS n SET tries = n.tries + 1, \
            not_before = clock_timestamp() + make_interval(secs => \(leaseSeconds)) FROM first \
            WHERE n.channel = first.channel AND n.job = first.job AND n.event = first.event \
            AND \(isDue) RETURNING n.*), \
            total AS (SELECT array_agg(t.notification_id) AS ids, max(t.tries) AS tries, \
            min(t.noted_at) AS noted_at, sum(coalesce(r.skipped_count, 1))::bigint AS count \
            FROM taken AS t LEFT JOIN \(runs) AS r ON r.run_id = t.run_id), \
            newest AS (SELECT * FROM taken ORDER BY scheduled_for DESC, notification_id DESC \
            LIMIT 1) \
            SELECT total.ids, total.tries, total.noted_at, total.count, n.channel, n.job, \
            n.event, n.scheduled_for, n.reason, n.bound, r.run_id, r.state, r.attempt, \
            r.started_at, r.finished_at, r.error_type, r.error_message, \
            a.definition ->> 'owner' AS owner, a.definition ->> 'description' AS description, \
            i.environment FROM newest AS n CROSS JOIN total \
            LEFT JOIN \(runs) AS r ON r.run_id = coalesce(n.run_id, (SELECT q.run_id \
            FROM \(runs) AS q WHERE q.job = n.job AND q.scheduled_for = n.scheduled_for \
            AND q.trigger <> 'manual' ORDER BY q.attempt DESC LIMIT 1)) \
            LEFT JOIN \(self.table("accounts")) AS a ON a.job = n.job \
            LEFT JOIN \(self.table("identity")) AS i ON true
            """)
    }

    /// Notes that a channel was told, unless that is known.
    package func noteDelivery(of ids: [Int64], on connection: Connection) throws {
        _ = try connection.execute(delivery(of: ids))
    }

    /// What notes that a channel was told: as many rows as there are ids, unless it is known of
    /// some of them.
    func delivery(of ids: [Int64]) -> SQL {
        """
        UPDATE \(table("notifications")) SET delivered_at = clock_timestamp(), \
        delivered_by = \(node), last_error = NULL WHERE notification_id = ANY(\(ids)::bigint[]) \
        AND delivered_at IS NULL
        """
    }

    /// Notes that a channel could not be told, unless it was: a connection may be lost after the
    /// COMMIT.
    ///
    /// - Parameter pauseSeconds: when it is tried again; nil for never.
    package func noteFailedDelivery(
        of ids: [Int64], _ error: String, pauseSeconds: Double?, on connection: Connection
    ) throws {
        let error = String(error.replacing("\0", with: "").prefix(Failure.messageLimit))
        _ = try connection.execute(
            """
            UPDATE \(table("notifications")) SET last_error = \(error), \
            not_before = clock_timestamp() + \
            make_interval(secs => coalesce(\(pauseSeconds)::float8, 0)), \
            given_up_at = CASE WHEN \(pauseSeconds == nil)::bool THEN clock_timestamp() END \
            WHERE notification_id = ANY(\(ids)::bigint[]) AND delivered_at IS NULL
            """)
    }

    /// Who is told what of a run, in the order in which it was noted.
    package func notifications(
        of runID: UUID, on connection: Connection
    ) throws -> [NotificationFate] {
        try connection.query(
            """
            SELECT n.event, n.channel, n.delivered_at, n.given_up_at, n.tries, n.last_error \
            FROM \(runs) AS r JOIN \(table("notifications")) AS n ON n.job = r.job \
            AND n.scheduled_for = r.scheduled_for AND (n.run_id = r.run_id \
            OR n.run_id IS NULL AND r.trigger <> 'manual') WHERE r.run_id = \(runID) \
            ORDER BY n.notification_id
            """
        ).map {
            NotificationFate(
                event: try $0.get("event"), channel: try $0.get("channel"),
                deliveredAt: try $0.get("delivered_at"), givenUpAt: try $0.get("given_up_at"),
                tries: try $0.get("tries"), lastError: try $0.get("last_error"))
        }
    }

    /// Removes what was sent or given up long ago.
    func forgetNotifications(on connection: Connection) throws {
        _ = try connection.execute(
            """
            DELETE FROM \(table("notifications")) WHERE coalesce(delivered_at, given_up_at) \
            < clock_timestamp() - interval '90 days'
            """)
    }

    // MARK: Limits

    /// Up to when limits were watched, and what time it is, by the database's clock.
    package func limitsWatched(on connection: Connection) throws -> (until: Instant, now: Instant) {
        let rows = try connection.query(
            "SELECT watched_until, clock_timestamp() AS now FROM \(table("limits_watch"))")
        guard let row = rows.first else {
            throw LedgerError(message: "the ledger has lost its row of limits_watch")
        }
        return (
            Instant(try row.get("watched_until", as: Date.self)),
            Instant(try row.get("now", as: Date.self))
        )
    }

    /// Notes that all limits up to an instant were looked at.
    package func noteWatch(until instant: Instant, on connection: Connection) throws {
        _ = try connection.execute(
            """
            UPDATE \(table("limits_watch")) SET watched_until = \(instant.date) \
            WHERE watched_until < \(instant.date)
            """)
    }

    /// Notes which of some occurrences were not over when they had to be. Those that are skipped
    /// are not late, and the definition must be the one in force.
    ///
    /// - Parameter digests: of the definitions that the candidates follow from, by job.
    /// - Returns: those that nobody had noted before.
    package func noteLate(
        _ candidates: [LateCandidate], digests: [String: String], on connection: Connection
    ) throws -> [PassedLimit] {
        guard !candidates.isEmpty else { return [] }
        let rows = try connection.query(
            """
            INSERT INTO \(table("notifications")) (job, event, scheduled_for, reason, bound, \
            channel, delivered_at, delivered_by) \
            SELECT c.job, 'missed', c.due, 'mustFinishBy', c.bound, t.channel, \
            \(unlessTold) FROM unnest(\(candidates.map(\.job))::text[], \
            \(candidates.map { digests[$0.job] ?? "" })::text[], \
            \(candidates.map(\.scheduledFor.date))::timestamptz[], \
            \(candidates.map(\.bound.date))::timestamptz[]) AS c (job, digest, due, bound) \
            JOIN \(table("accounts")) AS a ON a.job = c.job AND a.removed_at IS NULL \
            AND a.definition_digest = c.digest AND c.due > a.accounted_from \
            LEFT JOIN LATERAL \
            jsonb_array_elements_text(a.definition -> 'notify' -> 'onMissed') AS t (channel) \
            ON true WHERE NOT EXISTS (SELECT FROM (SELECT r.state, r.finished_at \
            FROM \(runs) AS r WHERE r.job = c.job AND r.scheduled_for = c.due \
            AND r.trigger <> 'manual' ORDER BY r.attempt DESC LIMIT 1) AS last \
            WHERE last.state = 'skipped' OR last.finished_at <= c.bound) \
            AND NOT EXISTS (SELECT FROM \(runs) AS r WHERE r.job = c.job \
            AND r.skipped_until >= c.due AND r.scheduled_for <= c.due) \
            AND NOT EXISTS (SELECT FROM \(table("pauses")) AS p WHERE p.job = c.job) \
            ON CONFLICT DO NOTHING RETURNING job, scheduled_for, bound, run_id, reason
            """)
        return try Self.limits(rows)
    }

    /// Notes which runs take longer than they may, and which have done so since an instant.
    ///
    /// - Returns: those that nobody had noted before.
    package func noteSlow(since: Instant, on connection: Connection) throws -> [PassedLimit] {
        let rows = try connection.query(
            """
            WITH watched AS (SELECT a.job, a.definition FROM \(table("accounts")) AS a \
            WHERE a.removed_at IS NULL AND a.definition ? 'warnAfter'), \
            open AS (SELECT r.job, r.scheduled_for, r.run_id, r.started_at, \
            clock_timestamp() AS until FROM \(runs) AS r WHERE r.state = 'running' UNION ALL \
            SELECT r.job, r.scheduled_for, r.run_id, r.started_at, r.finished_at FROM \(runs) \
            AS r WHERE r.finished_at > \(since.date) AND r.started_at IS NOT NULL) \
            INSERT INTO \(table("notifications")) (job, event, scheduled_for, run_id, reason, \
            bound, channel, delivered_at, delivered_by) \
            SELECT o.job, 'slow', o.scheduled_for, o.run_id, 'warnAfter', o.started_at + s.span, \
            t.channel, \(unlessTold) FROM open AS o JOIN watched AS w ON w.job = o.job \
            CROSS JOIN LATERAL (SELECT \(table("slow_after"))(o.job, o.scheduled_for, \
            w.definition ->> 'warnAfter') AS span) AS s \
            LEFT JOIN LATERAL \
            jsonb_array_elements_text(w.definition -> 'notify' -> 'onSlow') AS t (channel) \
            ON true WHERE o.until - o.started_at > s.span \
            ON CONFLICT DO NOTHING RETURNING job, scheduled_for, bound, run_id, reason
            """)
        return try Self.limits(rows)
    }

    /// What nobody is to be told waits for nobody.
    private var unlessTold: SQL {
        """
        CASE WHEN t.channel IS NULL THEN clock_timestamp() END, \
        CASE WHEN t.channel IS NULL THEN \(node)::text END
        """
    }

    /// One for each occurrence, however many channels there are.
    private static func limits(_ rows: Rows) throws -> [PassedLimit] {
        var seen: Set<PassedLimit> = []
        return try rows.map {
            PassedLimit(
                key: try $0.get("reason"), job: try $0.get("job"),
                scheduledFor: try $0.get("scheduled_for"), bound: try $0.get("bound"),
                runID: try $0.get("run_id"))
        }.filter { seen.insert($0).inserted }
    }
}

extension DueNotification {
    fileprivate init(_ row: Row) throws {
        let event = try row.get("event", as: String.self)
        self.init(
            ids: try row.get("ids"), channel: try row.get("channel"), job: try row.get("job"),
            event: NotifyPolicy.Event(rawValue: event) ?? .failure,
            count: try row.get("count"), tries: try row.get("tries"),
            notedAt: try row.get("noted_at"), scheduledFor: try row.get("scheduled_for"),
            reason: try row.get("reason"), bound: try row.get("bound"),
            owner: try row.get("owner"), description: try row.get("description"),
            environment: try row.get("environment"))
        guard let runID = try row.get("run_id", as: UUID?.self) else { return }
        run = Run(
            runID: runID, state: try row.get("state"), attempt: try row.get("attempt"),
            startedAt: try row.get("started_at"), finishedAt: try row.get("finished_at"),
            errorType: try row.get("error_type"), errorMessage: try row.get("error_message"))
    }
}
