package import AlmanacCore
package import Foundation
package import Scheduling

extension RunOrder {
    var instant: Instant { Instant(identity.scheduledFor) }

    /// Whether a crash of the server that loses its claim loses all that it did.
    var isLight: Bool { effects == .database && job.transaction == .perRun }
}

// MARK: - The claim

extension SimulatedLedger {
    /// What a statement of a claim has found.
    package enum Obstacle: Sendable, Equatable {
        case running
        case retry
        case turn
    }

    /// `Ledger.insertClaim`.
    ///
    /// - Returns: whether the row was written: then the run is the node's.
    package mutating func insertClaim(_ order: RunOrder, on backend: Int) -> Bool {
        let run = order.identity
        guard run.trigger.isAskedFor || !pauses.contains(run.job), overtakesNobody(order),
            isInNoRange(run), isInForce(order)
        else {
            return false
        }
        var row = SimulatedRow(
            runID: run.runID, job: run.job, instant: order.instant, attempt: run.attempt,
            trigger: run.trigger, state: .running, at: now)
        row.startedAt = now
        row.node = run.node
        row.backend = backend
        row.isExclusive = order.job.dispatch.concurrency != .allow
        row.priority = order.job.dispatch.priority
        row.version = order.version
        row.secondsIfOrphaned = secondsIfOrphaned(order)
        return insert(row, isLight: order.isLight)
    }

    private func secondsIfOrphaned(_ order: RunOrder) -> Double? {
        order.isInForeground
            ? nil
            : order.job.retry.secondsIfOrphaned(
                attempt: order.identity.attempt, of: order.identity.runID)
    }

    private func overtakesNobody(_ order: RunOrder) -> Bool {
        !order.waitsBehindOthers || !openRows(of: order.identity.job).contains(where: \.isWaiting)
    }

    /// `Ledger.state(of:on:)` of an occurrence's attempt.
    package mutating func state(of run: RunIdentity) -> RunState? {
        let found = row(run.job, Instant(run.scheduledFor), run.attempt)?.state
        if found == .running { flush() }
        return found ?? (isInNoRange(run) ? nil : .skipped)
    }

    /// `Ledger.recordPause`.
    ///
    /// - Returns: nil when the job is not paused.
    package mutating func recordPause(of order: RunOrder) -> ClaimResult? {
        guard !order.identity.trigger.isAskedFor, pauses.contains(order.identity.job) else {
            return nil
        }
        return recordSkip(of: order, .paused)
    }

    /// `Ledger.recordSkip`.
    package mutating func recordSkip(of order: RunOrder, _ reason: SkipReason) -> ClaimResult {
        let run = order.identity
        guard isInForce(order) else { return .stale }
        guard isInNoRange(run) else { return .skipped(reason, "") }
        var row = SimulatedRow(
            runID: run.runID, job: run.job, instant: order.instant, attempt: run.attempt,
            trigger: run.trigger, state: .skipped, at: now)
        row.reason = reason.rawValue
        row.finishedAt = now
        row.node = run.node
        row.version = order.version
        insert(row)
        return .skipped(reason, "")
    }

    /// `Ledger.obstacle`.
    package func obstacle(to order: RunOrder) -> Obstacle? {
        let found = openRows(of: order.identity.job).compactMap { row -> Obstacle? in
            let isOwned =
                row.backend == nil || order.active.contains(row.runID) || isAlive(row.backend)
            if row.excludesOthers, isOwned { return row.state == .running ? .running : .retry }
            return order.waitsBehindOthers && row.isWaiting ? .turn : nil
        }
        return found.first { $0 == .running } ?? found.first { $0 == .retry } ?? found.first
    }

    /// `Ledger.enqueue(_:behind:startBy:on:)`.
    package mutating func enqueue(_ order: RunOrder, behind obstacle: String) -> ClaimResult {
        let run = order.identity
        let waiting = openRows(of: run.job).count(where: \.isWaiting)
        if waiting < Self.longestQueue, isInForce(order), isInNoRange(run) {
            var row = SimulatedRow(
                runID: run.runID, job: run.job, instant: order.instant, attempt: run.attempt,
                trigger: run.trigger, state: .queued, at: now)
            row.notBefore = now
            row.isExclusive = order.job.dispatch.concurrency != .allow
            row.version = order.version
            row.priority = order.job.dispatch.priority
            row.waitsFor = obstacle
            row.startBy = order.job.dispatch.startingDeadlineSeconds.map {
                SimulatedTime(seconds: run.scheduledFor.timeIntervalSince1970) + .seconds(Int64($0))
            }
            if insert(row) { return .waits(obstacle) }
        }
        if let state = state(of: run) { return .taken(state) }
        return recordSkip(of: order, .backlog)
    }

    static let longestQueue = 100

    /// `Ledger.replace`.
    package mutating func replace(by order: RunOrder) -> ClaimResult {
        let job = order.identity.job
        let others = openRows(of: job)
        if others.contains(where: { $0.isWaiting && $0.instant > order.instant }) {
            return recordSkip(of: order, .superseded)
        }
        // Rolled back as a whole.
        guard isInForce(order) || state(of: order.identity) != nil else { return .stale }
        for row in others.sorted(by: { $0.runID.uuidString < $1.runID.uuidString })
        where row.state == .running {
            requestCancel(of: row.runID, by: "concurrencyPolicy Replace")
        }
        for row in others where row.instant < order.instant {
            guard row.isWaiting || row.state == .queued && row.isRetry else { continue }
            update(row.runID) { [now] row in
                row.end(.skipped, .superseded, at: now, by: order.identity.node)
                row.backend = nil
            }
        }
        return enqueue(order, behind: "turn")
    }

    /// `Ledger.claimQueued`.
    package mutating func takeQueued(_ order: RunOrder, on backend: Int) -> ClaimedQueued {
        let runID = order.identity.runID
        guard let found = row(runID) else { return .taken(.skipped) }
        guard found.state == .queued, !found.isHeld else {
            guard found.state == .queued else { return .taken(found.state) }
            return isInForce(order) ? .waits : .stale
        }
        guard isInForce(order) else { return .stale }
        let pause = secondsIfOrphaned(order)
        let isClaimed = update(runID, isLight: order.isLight) { [now] row in
            row.state = .running
            row.startedAt = now
            row.node = order.identity.node
            row.backend = backend
            row.waitsFor = nil
            row.isExclusive = order.job.dispatch.concurrency != .allow
            row.secondsIfOrphaned = pause
        }
        return isClaimed ? .claimed : .waits
    }

    /// What became of the claim of a queued run.
    package enum ClaimedQueued: Sendable, Equatable {
        case claimed
        case waits
        case stale
        case taken(RunState)
    }

    /// `Ledger.requestCancel`.
    package mutating func requestCancel(of runID: UUID, by author: String) {
        guard let found = row(runID), !found.state.isTerminal else { return }
        update(runID) { [now] row in
            if row.state == .queued {
                row.state = .cancelled
                row.finishedAt = now
            }
            row.isHeld = false
            row.cancelRequest = row.cancelRequest ?? author
        }
    }
}

extension SimulatedRow {
    mutating func end(
        _ state: RunState, _ reason: SkipReason?, at now: SimulatedTime, by node: String?
    ) {
        self.state = state
        self.reason = reason?.rawValue
        finishedAt = max(now, startedAt ?? now)
        self.node = node
        waitsFor = nil
        isHeld = false
    }
}

// MARK: - The end

extension SimulatedLedger {
    /// `Ledger.success`, as part of the run's transaction.
    ///
    /// - Returns: whether the row was still the node's; if not, the transaction is rolled back.
    package mutating func succeed(_ run: RunIdentity) -> Bool {
        guard let found = row(run.runID), found.state == .running, found.node == run.node else {
            return false
        }
        update(run.runID) { [now] row in
            row.state = .succeeded
            row.finishedAt = max(now, row.startedAt ?? now)
        }
        return true
    }

    /// `Ledger.endBackend`: the backend of a run that is over, where it is not the one that asks.
    package mutating func endBackend(of run: RunIdentity, butFor own: Int) {
        guard let found = row(run.runID), found.state == .running, let backend = found.backend,
            backend != own
        else { return }
        backends.remove(backend)
    }

    /// `Ledger.recordFailure`.
    ///
    /// - Parameter pause: in seconds, if another attempt is to follow.
    package mutating func recordFailure(
        of run: ClaimedRun, _ state: RunState, followedAfter pause: Double?
    ) -> (state: RunState, next: NextAttempt?) {
        let identity = run.identity
        guard let found = row(identity.runID) else {
            return recordLostFailure(of: run, state, followedAfter: pause)
        }
        let isOurs =
            found.state == .queued || found.state == .running && found.node == identity.node
        guard isOurs else { return (found.state, attempt(after: identity)) }
        let final = state == .failed && found.cancelRequest != nil ? .cancelled : state
        let started = SimulatedTime(seconds: run.startedAt.timeIntervalSince1970)
        update(identity.runID) { [now] row in
            row.startedAt = row.startedAt ?? started
            row.end(final, nil, at: now, by: identity.node)
        }
        guard let pause, found.cancelRequest == nil else { return (final, nil) }
        return (final, queueAttempt(after: found, pauseSeconds: pause))
    }

    /// A crash of the server has lost the claim.
    private mutating func recordLostFailure(
        of run: ClaimedRun, _ state: RunState, followedAfter pause: Double?
    ) -> (state: RunState, next: NextAttempt?) {
        let identity = run.identity
        var row = SimulatedRow(
            runID: identity.runID, job: identity.job, instant: Instant(identity.scheduledFor),
            attempt: identity.attempt, trigger: identity.trigger, state: state, at: now)
        row.startedAt = SimulatedTime(seconds: run.startedAt.timeIntervalSince1970)
        row.finishedAt = max(now, row.startedAt ?? now)
        row.node = identity.node
        row.version = run.version
        guard insert(row), let pause else { return (state, nil) }
        return (state, queueAttempt(after: row, pauseSeconds: pause))
    }

    mutating func queueAttempt(
        after row: SimulatedRow, pauseSeconds: Double
    ) -> NextAttempt? {
        var next = SimulatedRow(
            runID: makeID(), job: row.job, instant: row.instant, attempt: row.attempt + 1,
            trigger: row.trigger, state: .queued, at: now)
        next.notBefore = now + SimulatedTime(seconds: pauseSeconds)
        next.isRetry = true
        next.isExclusive = row.isExclusive
        next.priority = row.priority
        next.version = row.version
        guard insert(next) else { return nil }
        return nextAttempt(next)
    }

    func attempt(after run: RunIdentity) -> NextAttempt? {
        row(run.job, Instant(run.scheduledFor), run.attempt + 1).map(nextAttempt)
    }

    private func nextAttempt(_ row: SimulatedRow) -> NextAttempt {
        let notBefore = row.notBefore ?? now
        return NextAttempt(
            runID: row.runID, number: row.attempt, notBefore: notBefore.date,
            pauseSeconds: Double(max(0, notBefore - now)) / 1_000_000)
    }

    /// `Ledger.markOrphans`.
    package mutating func markOrphans(
        except active: some Collection<UUID>, by node: String
    ) -> [Orphan] {
        let dead = openRows.filter { row in
            row.backend != nil && !active.contains(row.runID) && !isAlive(row.backend)
        }
        return dead.map { found in
            let isOrphaned = found.state == .running && found.cancelRequest == nil
            update(found.runID) { [now] row in
                row.state = isOrphaned ? .orphaned : .cancelled
                row.finishedAt = max(now, row.startedAt ?? now)
            }
            var next: NextAttempt?
            if isOrphaned, let pause = found.secondsIfOrphaned {
                next = queueAttempt(after: found, pauseSeconds: pause)
            }
            return Orphan(runID: found.runID, job: found.job, node: found.node ?? "", next: next)
        }
    }
}
