package import Foundation
package import PostgresSession
package import Scheduling

/// A run that a node wants to start.
package struct RunOrder: Sendable {
    package let identity: RunIdentity
    package let job: JobDefinition
    package let worker: Int
    package let version: Int64?
    /// What the type of the task says that it changes.
    package let effects: TaskEffects
    /// The runs that this node is working on. Their workers know better than the server whether
    /// they live: a program goes on when the idle connection of its run is lost.
    package let active: [UUID]
    /// Whether the attempt has its row already, which waits to be claimed.
    package let isQueued: Bool
    /// Whether the process itself runs all attempts, waiting in between.
    package let isInForeground: Bool
    /// Of the job's definition, if only that one is to be run; nil where a process runs it in the
    /// foreground for whoever called it, whatever schedule is in force.
    package let definitionDigest: String?

    package init(
        identity: RunIdentity, job: JobDefinition, worker: Int, version: Int64?,
        effects: TaskEffects, active: [UUID] = [], isQueued: Bool = false,
        isInForeground: Bool = false, definitionDigest: String? = nil
    ) {
        self.identity = identity
        self.job = job
        self.worker = worker
        self.version = version
        self.effects = effects
        self.active = active
        self.isQueued = isQueued
        self.isInForeground = isInForeground
        self.definitionDigest = definitionDigest
    }

    /// The order for the attempt after this one.
    func followed(by next: NextAttempt) -> RunOrder {
        RunOrder(
            identity: identity.followed(by: next), job: job, worker: worker, version: version,
            effects: effects, active: active, isQueued: true, isInForeground: isInForeground,
            definitionDigest: definitionDigest)
    }

    /// What its row says of the job's policy. Nobody but the process itself runs what it runs in
    /// the foreground, so nothing follows when that process is gone.
    var retryNote: String? {
        job.retry.note(
            secondsIfOrphaned: isInForeground
                ? nil
                : job.retry.secondsIfOrphaned(attempt: identity.attempt, of: identity.runID))
    }
}

/// A run that this node has the right to do, because its row says so.
package struct ClaimedRun: Sendable {
    package let identity: RunIdentity
    package let job: JobDefinition
    package let worker: Int
    /// When the claim was written, by the database's clock.
    package let startedAt: Date
    /// When the run is stopped.
    package let deadline: RunDeadline?
    /// The schedule that it was due under.
    package let version: Int64?
    /// Whether this process itself waits for the attempt that may follow.
    package let isInForeground: Bool
    /// Parameters that were given with the request, as a JSON object; they count before the job's.
    package let overrides: String?
    /// The data that it is for, if its job has windows.
    let window: Range<Date>?
    /// Where an attempt before it has left the work, if one has.
    let resumption: Resumption?

    package init(order: RunOrder, startedAt: Date, deadline: RunDeadline?) {
        self.init(order: order, row: ClaimedRow(startedAt: startedAt), deadline: deadline)
    }

    init(order: RunOrder, row: ClaimedRow, deadline: RunDeadline?) {
        overrides = row.overrides
        identity = order.identity
        job = order.job
        worker = order.worker
        version = order.version
        isInForeground = order.isInForeground
        startedAt = row.startedAt
        window = row.window
        resumption = row.resumption
        self.deadline = deadline
    }
}

/// What became of a claim.
package enum ClaimResult: Sendable {
    /// The run is this node's.
    case claimed(ClaimedRun)
    /// The occurrence has its row already.
    case taken(RunState)
    /// Another run of the job is alive; the occurrence's row says so.
    case overlap(String)
    /// It does not run, for this reason; its row says so.
    case skipped(SkipReason, String)
    /// Its row waits in the queue, for this.
    case waits(String)
    /// The job has another definition by now, or none: nothing was written.
    case stale
}

extension Ledger {
    /// Claims an occurrence by writing its row: the row that comes back is the right to run.
    ///
    /// A run of the same job that is in the way is looked at more closely: when its backend is gone
    /// it is marked as orphaned and the claim is made again.
    package func claim(
        _ order: RunOrder, clock: any WallClock, on connection: Connection
    ) throws -> ClaimResult {
        do {
            if let pool = order.job.dispatch.pool {
                return try claim(order, in: pool, clock: clock, on: connection)
            }
            return try claimOutsidePools(order, clock: clock, on: connection)
        } catch is DefinitionNotInForce {
            return .stale
        }
    }

    func claimOutsidePools(
        _ order: RunOrder, clock: any WallClock, on connection: Connection
    ) throws -> ClaimResult {
        if order.isQueued { return try claimQueued(order, clock: clock, on: connection) }
        for _ in 1...3 {
            if let row = try insertClaim(order, on: connection) {
                return claimed(order, row, clock)
            }
            if let state = try state(of: order.identity, on: connection) { return .taken(state) }
            try require(isInForce(order), on: connection)
            if let note = try recordPause(of: order, on: connection) {
                return .skipped(.paused, note)
            }
            if let result = try meetOverlap(of: order, on: connection) { return result }
            _ = try markOrphans(except: order.active, on: connection)
        }
        throw LedgerError(
            message:
                "the runs of the job \(order.job.name) change faster than they can be looked at")
    }

    func claimed(
        _ order: RunOrder, _ row: ClaimedRow, _ clock: any WallClock
    ) -> ClaimResult {
        let deadline = order.job.activeDeadlineSeconds.map {
            RunDeadline(afterSeconds: $0, by: clock)
        }
        return .claimed(ClaimedRun(order: order, row: row, deadline: deadline))
    }

    /// A call that lets the claim of a run not wait for the disk, if all its effects are in the
    /// run's transaction: a crash that loses the claim loses them too.
    func claimDurability(of order: RunOrder) -> SQL {
        let isLight = order.effects == .database && order.job.transaction == .perRun
        return """
            set_config('synchronous_commit', CASE WHEN \(isLight)::bool THEN 'off' \
            ELSE current_setting('synchronous_commit') END, true)
            """
    }

    private func insertClaim(_ order: RunOrder, on connection: Connection) throws -> ClaimedRow? {
        let run = order.identity
        let rows = try connection.query(
            """
            INSERT INTO \(runs) (run_id, job, task, scheduled_for, attempt, trigger, state, \
            queued_at, started_at, node, worker, backend_pid, backend_start, parameters, \
            schedule_version, retry, exclusive, priority, window_start, window_end) \
            SELECT \(run.runID)::uuid, \(run.job)::text, \(order.job.task)::text, \
            \(run.scheduledFor)::timestamptz, \(run.attempt)::int, \(run.trigger.rawValue)::text, \
            'running', clock_timestamp(), clock_timestamp(), \(run.node)::text, \
            \(order.worker)::int, pg_backend_pid(), \
            \(connection.backendStartText)::text::timestamptz, \
            \(order.job.parametersJSON)::text::jsonb, \(order.version)::bigint, \
            \(order.retryNote)::text::jsonb, \
            \(order.job.dispatch.concurrency != .allow)::bool, \
            \(order.job.dispatch.priority)::int, \(window(of: order)) \
            FROM \(claimDurability(of: order)) WHERE \(isNotPaused(run)) \
            AND \(isInNoRange(run)) AND \(overtakesNobody(order)) AND \(isInForce(order)) \
            ON CONFLICT DO NOTHING \
            RETURNING \(ClaimedRow.columns(of: runs))
            """)
        return try rows.first.map(ClaimedRow.init)
    }

    /// The state of an occurrence's attempt.
    ///
    /// Whoever finds one running takes it for accounted for. So its claim must last, even if that
    /// one did not wait for the disk: the message is a commit that does, and all before it with it.
    func state(of run: RunIdentity, on connection: Connection) throws -> RunState? {
        let rows = try connection.query(
            """
            SELECT state, CASE WHEN state = 'running' \
            AND started_at > clock_timestamp() - interval '1 minute' \
            THEN pg_logical_emit_message(true, 'almanac', '')::text END AS message \
            FROM \(runs) WHERE job = \(run.job) \
            AND scheduled_for = \(run.scheduledFor) AND attempt = \(run.attempt) \
            AND trigger <> 'manual' \
            UNION ALL SELECT 'skipped', NULL WHERE NOT \(isInNoRange(run))
            """)
        return try rows.first.flatMap { RunState(rawValue: try $0.get("state", as: String.self)) }
    }

    /// Writes the row of an occurrence that does not run.
    ///
    /// - Throws: `DefinitionNotInForce` when it is not this node that says so.
    func recordSkip(
        of order: RunOrder, _ reason: SkipReason, note: String, on connection: Connection
    ) throws {
        let run = order.identity
        let written = try connection.execute(
            """
            INSERT INTO \(runs) (run_id, job, task, scheduled_for, attempt, trigger, state, \
            reason, queued_at, finished_at, node, error_message, schedule_version) \
            SELECT \(run.runID)::uuid, \(run.job)::text, \(order.job.task)::text, \
            \(run.scheduledFor)::timestamptz, \(run.attempt)::int, \
            \(run.trigger.rawValue)::text, 'skipped', \(reason.rawValue)::text, \
            clock_timestamp(), clock_timestamp(), \(run.node)::text, \(note)::text, \
            \(order.version)::bigint WHERE \(isInNoRange(run)) AND \(isInForce(order)) \
            ON CONFLICT DO NOTHING
            """)
        if written == 0 { try require(isInForce(order), on: connection) }
    }
}
