import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling

@testable import AlmanacCore

// What is done to both.
extension LedgerTwins {
    /// Does something at random, and compares all rows.
    mutating func step() throws {
        deedCount += 1
        try setClock()
        let number = pickNode()
        switch random.int(0...23) {
        case 0: try reload(number)
        case 1...6: try claim(number)
        case 7...8: try claimQueued(number)
        case 9...10: try succeed()
        case 11...12: try fail()
        case 13: try loseConnection(number)
        case 14: try markOrphans(number)
        case 15...16: try look(number)
        case 17: try skip(number)
        case 18: try enqueue(number)
        case 19: try pauseOrResume()
        case 20: try requestCancel(number)
        case 21: try decideBacklog(number)
        case 22: try moveWatermark(number)
        default: try ask(number)
        }
        try compareRows()
    }

    // MARK: Schedules

    /// - Returns: whether nobody was faster.
    @discardableResult
    mutating func activate(_ number: Int) throws -> Bool {
        try setClock()
        let node = nodes[number]
        // Sometimes by what it knew.
        let before = random.chance(0.3) ? node.version : nil
        let answer = model.activate(node.schedule, after: before)
        let found = try unlessOvertaken {
            try node.ledger.activate(
                node.schedule.schedule, after: before, on: node.connection)
        }
        compare(found == nil, answer == nil)
        guard let real = found, let simulated = answer else { return false }
        nodes[number].version = simulated.version
        compare(real.version, simulated.version)
        compare(real.accountedFrom.keys.sorted(), simulated.accountedFrom.keys.sorted())
        // At the change from one second to the next they may see another one.
        let distance = abs(real.watermark.seconds(since: simulated.watermark))
        compare(distance <= 1, true)
        if distance == 0 {
            compare(real.since.map(\.definitions), simulated.since.map(\.definitions))
        }
        compare(
            real.completions.mapValues(\.scheduledFor),
            simulated.completions.mapValues(\.scheduledFor))
        try moveAccounts()
        try alignTimes()
        return true
    }

    /// Accounts begin with the clock, and the instants of this test are of another time.
    private mutating func moveAccounts() throws {
        for name in model.accounts.keys.sorted() {
            let instant = pickInstant().advanced(bySeconds: -4 * 3_600)
            model.accounts[name]?.accountedFrom = instant
            try watcher.execute(
                """
                UPDATE almanac.accounts SET accounted_from = \(instant.date) \
                WHERE job = \(name)
                """)
        }
    }

    private func unlessOvertaken(_ activate: () throws -> Activation) throws -> Activation? {
        do { return try activate() } catch is ScheduleOvertaken { return nil }
    }

    private mutating func reload(_ number: Int) throws {
        deed = "activate"
        let kept = nodes[number].schedule
        if random.chance(0.7) {
            nodes[number].schedule = try site.makeSchedule(
                path: "a", like: nodes[number].schedule, &random)
        } else {
            nodes[number].schedule = nodes[pickNode()].schedule
        }
        let isOvertaken = try !activate(number)
        if isOvertaken { nodes[number].schedule = kept }
    }

    // MARK: Claims

    private func order(
        _ job: SimulatedJob, at instant: Instant, on number: Int, runID: UUID, attempt: Int = 1,
        trigger: RunTrigger, isQueued: Bool = false
    ) -> RunOrder {
        let node = nodes[number]
        return RunOrder(
            identity: RunIdentity(
                runID: runID, job: job.name, scheduledFor: instant.date, attempt: attempt,
                trigger: trigger, node: node.ledger.node),
            job: job.definition, worker: 1, version: node.version, effects: .anywhere,
            active: [], isQueued: isQueued, definitionDigest: job.definitionDigest)
    }

    private func mandate(_ job: SimulatedJob, of number: Int) -> Mandate {
        Mandate(version: nodes[number].version, definitionDigest: job.definitionDigest)
    }

    private mutating func claim(_ number: Int) throws {
        guard let job = pickJob(of: number) else { return }
        let order = order(
            job, at: pickInstant(), on: number, runID: random.uuid(),
            trigger: random.chance(0.5) ? .schedule : .catchUp)
        deed = "claim \(job.name) \(order.identity.scheduledFor) by \(number)"
        let node = nodes[number]
        let real = try node.ledger.claim(
            order, clock: fixture.services.clock, on: node.connection)
        compare(real.kind, model.claim(order, on: node.backend))
        if case .claimed(let run) = real { runs.append(Run(claimed: run, node: number)) }
    }

    private mutating func claimQueued(_ number: Int) throws {
        guard let row = pickOpenRow({ $0.state == .queued }),
            let job = nodes[number].schedule.jobs[row.job]
        else { return }
        deed = "claim queued \(key(row)) by \(number)"
        let node = nodes[number]
        let real = try realID(of: row)
        func order(_ runID: UUID) -> RunOrder {
            self.order(
                job, at: row.instant, on: number, runID: runID, attempt: row.attempt,
                trigger: row.trigger, isQueued: true)
        }
        let result = try node.ledger.claim(
            order(real), clock: fixture.services.clock, on: node.connection)
        compare(result.kind, model.takeQueued(order(row.runID), on: node.backend).kind)
        if case .claimed(let run) = result { runs.append(Run(claimed: run, node: number)) }
    }

    // MARK: Ends

    private mutating func pickRun() -> Run? {
        guard !runs.isEmpty else { return nil }
        // Mostly once; sometimes a zombie tries again.
        let index = random.int(0...runs.count - 1)
        return random.chance(0.2) ? runs[index] : runs.remove(at: index)
    }

    /// The same run as the model knows it: of what was queued it has a key of its own.
    private func simulated(_ run: ClaimedRun) -> ClaimedRun? {
        let identity = run.identity
        let row = model.row(
            identity.job, Instant(identity.scheduledFor), identity.attempt)
        guard let row, let job = nodes.lazy.compactMap({ $0.schedule.jobs[identity.job] }).first
        else { return nil }
        var order = order(
            job, at: row.instant, on: 0, runID: row.runID, attempt: row.attempt,
            trigger: row.trigger)
        order = RunOrder(
            identity: RunIdentity(
                runID: row.runID, job: identity.job, scheduledFor: identity.scheduledFor,
                attempt: identity.attempt, trigger: identity.trigger, node: identity.node),
            job: order.job, worker: 1, version: run.version, effects: .anywhere)
        return ClaimedRun(order: order, startedAt: run.startedAt, deadline: nil)
    }

    private mutating func succeed() throws {
        guard let run = pickRun(), let twin = simulated(run.claimed) else { return }
        deed = "succeed \(run.claimed.identity.job) \(run.claimed.identity.scheduledFor)"
        let node = nodes[run.node]
        let statement = node.ledger.success(
            of: run.claimed.identity, rowsAffected: nil, result: nil, output: OutputTail())
        let count = try node.connection.execute(statement)
        compare(count == 1, model.succeed(twin.identity))
    }

    private mutating func fail() throws {
        guard let run = pickRun(), let twin = simulated(run.claimed) else { return }
        deed = "fail \(run.claimed.identity.job) \(run.claimed.identity.scheduledFor)"
        let pause = random.chance(0.6) ? random.pick([0.0, 3_600]) : nil
        let node = nodes[run.node]
        let real = try node.ledger.recordFailure(
            of: run.claimed, Failure(outcome: .failed(ProbeError(description: "x"))),
            output: OutputTail(),
            followedBy: pause.map { FollowUp(runID: UUID(), pauseSeconds: $0) },
            on: node.connection)
        let simulated = model.recordFailure(of: twin, .failed, followedAfter: pause)
        compare(real.state, simulated.state)
        compare(real.next?.number, simulated.next?.number)
    }

    private mutating func loseConnection(_ number: Int) throws {
        deed = "lose the connection of \(number)"
        let lost = nodes[number].connection.backendProcessID
        nodes[number].connection.close()
        for _ in 1...500 {
            let found = try watcher.query(
                "SELECT FROM pg_stat_get_activity(\(Int(lost))::int) WHERE state IS NOT NULL")
            if found.isEmpty { break }
            _ = try watcher.query("SELECT pg_sleep(0.01)::text AS done")
        }
        model.backends.remove(nodes[number].backend)
        lastBackend += 1
        nodes[number].connection = try fixture.connect()
        nodes[number].backend = lastBackend
        model.backends.insert(lastBackend)
    }

    private mutating func markOrphans(_ number: Int) throws {
        deed = "mark orphans by \(number)"
        let node = nodes[number]
        let kept = random.chance(0.3) ? pickOpenRow { $0.state == .running } : nil
        let real = try node.ledger.markOrphans(
            except: kept.map { [try realID(of: $0)] } ?? [], on: node.connection)
        let simulated = model.markOrphans(
            except: kept.map { [$0.runID] } ?? [], by: node.ledger.node)
        func texts(_ orphans: [Orphan]) -> [String] {
            orphans.map { "\($0.job) \($0.node) \($0.next?.number ?? 0)" }.sorted()
        }
        compare(texts(real), texts(simulated))
    }

    // MARK: The queue

    private mutating func look(_ number: Int) throws {
        deed = "look by \(number)"
        let node = nodes[number]
        let awaited = pickOpenRow { $0.state == .queued }
        let real = try node.ledger.queue(
            awaited: awaited.map { [try realID(of: $0)] } ?? [], on: node.connection)
        let simulated = model.look(
            awaited: Set(awaited.map { [$0.runID] } ?? []), by: node.ledger.node)
        func texts(_ sight: QueueInSight) -> [String] {
            sight.due.map { "\($0.job) \($0.scheduledFor) \($0.number) \($0.priority)" }.sorted()
        }
        compare(texts(real), texts(simulated))
        compare(real.waiting.count, simulated.waiting.count)
        compare(real.isPending, simulated.isPending)
    }

    private mutating func enqueue(_ number: Int) throws {
        guard let job = pickJob(of: number) else { return }
        deed = "enqueue \(job.name) by \(number)"
        let instants = Set((1...random.int(1...3)).map { _ in pickInstant() }).sorted()
        let entry = QueueEntry(
            job: job.definition,
            occurrences: instants.map {
                Occurrence(job: job.name, scheduledFor: $0, origin: .catchUp)
            }, obstacle: "turn", isHeld: random.chance(0.3))
        let node = nodes[number]
        let mandate = mandate(job, of: number)
        compare(
            try isTaken { try node.ledger.enqueue(entry, by: mandate, on: node.connection) },
            model.enqueue(entry, by: mandate))
    }

    private mutating func decideBacklog(_ number: Int) throws {
        let decision = random.pick(BacklogDecision.allCases)
        deed = "decide \(decision)"
        let node = nodes[number]
        _ = try node.ledger.decideBacklog(decision, by: "ada", on: node.connection)
        model.decideBacklog(decision, by: node.ledger.node)
    }

    /// Whether the ledger lets the node write it.
    private func isTaken(_ write: () throws -> Void) throws -> Bool {
        do {
            try write()
            return true
        } catch is DefinitionNotInForce {
            return false
        }
    }

    // MARK: Operators

    private mutating func pauseOrResume() throws {
        deed = "pause or resume"
        let jobs = ["job-\(random.int(0...SimulatedSite.jobCount - 1))"]
        let node = nodes[0]
        if random.chance(0.4) {
            _ = try node.ledger.pause(jobs, by: "ada", note: "n", on: node.connection)
            model.pauses.formUnion(jobs)
        } else {
            let all = model.pauses.sorted()
            _ = try node.ledger.resume(all, on: node.connection)
            model.pauses = []
        }
    }

    private mutating func requestCancel(_ number: Int) throws {
        guard let row = pickOpenRow({ _ in true }) else { return }
        deed = "cancel \(key(row))"
        let node = nodes[number]
        _ = try node.ledger.requestCancel(
            of: try realID(of: row), by: "ada", because: "r", on: node.connection)
        model.requestCancel(of: row.runID, by: "ada")
    }

    // MARK: Accounts

    private mutating func skip(_ number: Int) throws {
        guard let job = pickJob(of: number) else { return }
        deed = "skip \(job.name) by \(number)"
        let first = pickInstant()
        let count = random.int(1...4)
        let instants = (0..<count).map { first.advanced(bySeconds: Int64($0) * 3_600) }
        let isRange = random.chance(0.4)
        let skips = SkippedOccurrences(
            job: job.name, first: first, last: instants[count - 1], count: count,
            reason: .coalesced, instants: isRange && count > 1 ? nil : instants)
        let node = nodes[number]
        let mandate = mandate(job, of: number)
        compare(
            try isTaken {
                try node.ledger.recordSkips(
                    skips, task: "work", by: mandate, on: node.connection)
            }, model.recordSkips(skips, by: mandate, on: node.ledger.node))
    }

    private mutating func moveWatermark(_ number: Int) throws {
        deed = "move the watermark by \(number)"
        let node = nodes[number]
        let instant = Instant(
            secondsSinceEpoch: 1_900_000_000 + Int64(random.int(0...100_000)))
        try node.ledger.moveWatermark(to: instant, by: node.version, on: node.connection)
        model.moveWatermark(to: instant, by: node.version)
        let row = try watcher.query("SELECT accounted_until FROM almanac.watermark").first
        let mark = try row?.get("accounted_until", as: Date.self)
        compare(mark.map { Instant($0) }, model.watermark)
    }

    /// What only looks.
    private mutating func ask(_ number: Int) throws {
        deed = "ask"
        let node = nodes[number]
        let jobs = (0..<SimulatedSite.jobCount).map { "job-\($0)" }
        let completions = try node.ledger.completions(of: jobs, on: node.connection)
        compare(
            completions.mapValues(\.scheduledFor),
            model.completions(of: jobs).mapValues(\.scheduledFor))
        compare(
            try node.ledger.cancelRequests(on: node.connection).count,
            model.cancelRequests(of: node.ledger.node).count)
        let definitions = node.schedule.jobs.mapValues(\.definitionDigest)
        let newer = model.newerSchedule(besides: nil, definitions)
        compare(try node.ledger.newestSchedule(on: node.connection)?.version, newer?.0.version)
        compare(try node.ledger.difference(from: definitions, on: node.connection), newer?.1)
        let (one, other) = (pickInstant(), pickInstant())
        let job = random.pick(jobs)
        compare(
            try node.ledger.recorded(
                job: job, from: min(one, other), to: max(one, other), on: node.connection),
            model.recorded(job: job, from: min(one, other), to: max(one, other)))
    }
}

extension SimulatedLedger.ClaimedQueued {
    fileprivate var kind: String {
        switch self {
        case .claimed: "claimed"
        case .waits: "waits turn"
        case .stale: "stale"
        case .taken(let state): "taken \(state.rawValue)"
        }
    }
}

extension SimulatedLedger {
    /// The statements of a claim, one after the other; the kind of the result.
    fileprivate mutating func claim(_ order: RunOrder, on backend: Int) -> String {
        for _ in 1...3 {
            if insertClaim(order, on: backend) { return "claimed" }
            if let state = state(of: order.identity) { return "taken \(state.rawValue)" }
            guard isInForce(order) else { return "stale" }
            if let result = recordPause(of: order) { return result.kind }
            if obstacle(to: order) != nil { return giveWay(order) }
            _ = markOrphans(except: order.active, by: order.identity.node)
        }
        return "too fast"
    }

    private mutating func giveWay(_ order: RunOrder) -> String {
        switch order.job.dispatch.concurrency {
        case .forbid, .allow:
            _ = recordSkip(of: order, .overlap)
            return "overlap"
        case .queue: return enqueue(order, behind: "turn").kind
        case .replace: return replace(by: order).kind
        }
    }
}
