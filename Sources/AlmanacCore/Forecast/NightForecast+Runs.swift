import Foundation
import HeapModule
import Scheduling

/// A run that goes on.
struct ForecastRun {
    let number: Int
    let occurrence: Occurrence
    /// When it is stopped, in milliseconds since the epoch.
    let deadline: Int64?
    /// How many of its job's locks it holds.
    var lockCount = 0
    /// When it is over by itself; nil while it waits for a lock.
    var end: Int64?
}

/// A lock that runs hold or wait for.
struct ForecastLock {
    var holders: [Int: LockUse.Mode] = [:]
    /// The workers that wait, the first to get it first.
    var waiting: [(worker: Int, mode: LockUse.Mode)] = []

    func admits(_ mode: LockUse.Mode) -> Bool {
        holders.isEmpty || mode == .shared && holders.values.allSatisfy { $0 == .shared }
    }
}

extension NightForecast {
    mutating func perform(_ actions: [DispatchBoard.Action]) {
        for case .assign(let item, let worker) in actions { claim(item, by: worker) }
    }

    mutating func handle(_ event: Event) {
        switch event.kind {
        case .end(let worker, let number):
            guard let run = running[worker], run.number == number else { return }
            let hasEnded = run.end.map { $0 <= now } ?? false
            end(worker, hasEnded ? nil : .timedOut)
        case .lockTimeout(let worker, let number):
            guard let run = running[worker], run.number == number, run.end == nil else { return }
            end(worker, .withoutLock)
        case .look: break
        }
    }

    // MARK: The claim

    private mutating func claim(_ item: DispatchBoard.Item, by worker: Int) {
        guard let (occurrence, row) = asked(item), let job = definitions[occurrence.job] else {
            return perform(board.handle(.freed(worker: worker)))
        }
        if row == nil { plan(.started(occurrence)) }
        if let pool = job.dispatch.pool, count(in: pool.name) >= pool.slots {
            return wait(occurrence, row, behind: "pool \(pool.name)", worker)
        }
        guard job.dispatch.concurrency != .allow, let other = workers[job.name]?.first else {
            let isBehindOthers =
                row == nil && job.dispatch.concurrency == .queue
                && queue.values.contains { $0.occurrence.job == job.name }
            if isBehindOthers { return wait(occurrence, row, behind: "turn", worker) }
            if let row { queue[row] = nil }
            return start(occurrence, of: job, on: worker)
        }
        guard job.dispatch.concurrency != .forbid || row != nil else {
            let text = running[other].map { "the run of \($0.occurrence.scheduledFor) goes on" }
            skip(occurrence, .overlap, text)
            plan(.settled(occurrence))
            return perform(board.handle(.freed(worker: worker)))
        }
        wait(occurrence, row, behind: "turn", worker)
        if row == nil, job.dispatch.concurrency == .replace {
            supersede(of: job.name, but: occurrence)
            end(other, .replaced)
        }
    }

    private func asked(_ item: DispatchBoard.Item) -> (Occurrence, Int?)? {
        switch item {
        case .occurrence(let occurrence): return (occurrence, nil)
        case .queued(let run): return queue[run.number].map { ($0.occurrence, run.number) }
        }
    }

    private func count(in pool: String) -> Int {
        running.values.count { definitions[$0.occurrence.job]?.dispatch.pool?.name == pool }
    }

    private mutating func wait(
        _ occurrence: Occurrence, _ row: Int?, behind obstacle: String, _ worker: Int
    ) {
        let others = queue.values.count { $0.occurrence.job == occurrence.job }
        if let row {
            queue[row]?.isHandedOut = false
            pending[occurrence]?.obstacle = obstacle
        } else if others >= Ledger.longestQueue {
            skip(occurrence, .backlog, "\(others) others wait")
            plan(.settled(occurrence))
        } else {
            enqueue(occurrence, behind: obstacle)
        }
        perform(board.handle(.freed(worker: worker)))
    }

    /// What of the job waits gives way to the occurrence that replaces it.
    private mutating func supersede(of job: String, but occurrence: Occurrence) {
        for row in queue.values
        where row.occurrence.job == job && row.occurrence != occurrence {
            queue[row.number] = nil
            skip(row.occurrence, .superseded, "the run of \(occurrence.scheduledFor) came due")
        }
    }

    // MARK: The run

    private mutating func start(
        _ occurrence: Occurrence, of job: JobDefinition, on worker: Int
    ) {
        startedCount += 1
        let limit = job.activeDeadlineSeconds.map { now + Int64($0) * 1_000 }
        running[worker] = ForecastRun(
            number: startedCount, occurrence: occurrence, deadline: limit)
        workers[job.name, default: []].insert(worker)
        settle(occurrence, isSuccess: nil)
        if let limit {
            events.insert(
                Event(moment: limit, kind: .end(worker: worker, run: startedCount)))
        }
        noteWait(of: occurrence)
        plan(.settled(occurrence))
        report.mostBusy.note(running.count, at: date)
        takeLocks(worker)
    }

    private mutating func noteWait(of occurrence: Occurrence) {
        guard let pending = pending.removeValue(forKey: occurrence) else { return }
        let seconds = Double(now - pending.since) / 1_000
        change(occurrence.job) { job in
            guard seconds > 0, seconds > job.longestWait?.seconds ?? 0 else { return }
            job.longestWait = (seconds, pending.obstacle)
        }
    }

    /// Goes on taking the run's locks, one after the other; when it has all, its work begins.
    private mutating func takeLocks(_ worker: Int) {
        guard let run = running[worker], let job = definitions[run.occurrence.job] else { return }
        for (place, lock) in job.dispatch.locks.enumerated().dropFirst(run.lockCount) {
            guard locks[lock.name, default: ForecastLock()].admits(lock.mode),
                locks[lock.name]?.waiting.isEmpty ?? true
            else {
                locks[lock.name, default: ForecastLock()].waiting.append((worker, lock.mode))
                events.insert(
                    Event(
                        moment: now + lock.waitSeconds * 1_000,
                        kind: .lockTimeout(worker: worker, run: run.number)))
                return
            }
            locks[lock.name, default: ForecastLock()].holders[worker] = lock.mode
            running[worker]?.lockCount = place + 1
        }
        let end = now + Int64((estimate(of: job.name).seconds * 1_000).rounded(.up))
        running[worker]?.end = end
        events.insert(Event(moment: end, kind: .end(worker: worker, run: run.number)))
    }

    /// Ends a run, and lets what waited for it go on.
    ///
    /// - Parameter incident: what has ended it before its time.
    private mutating func end(_ worker: Int, _ incident: ForecastIncident.Kind?) {
        guard let run = running.removeValue(forKey: worker) else { return }
        let occurrence = run.occurrence
        workers[occurrence.job]?.remove(worker)
        let moment = date
        change(occurrence.job) { job in
            if let incident {
                job.cutShort[incident, default: 0] += 1
            } else {
                job.runCount += 1
            }
            job.end = moment
        }
        report.end = date
        if let incident { note(incident, of: occurrence) }
        settle(occurrence, isSuccess: incident == nil)
        plan(.completed(occurrence, at: instant))
        release(worker)
        perform(board.handle(.freed(worker: worker)))
    }

    private mutating func release(_ worker: Int) {
        for name in locks.keys.sorted() {
            locks[name]?.holders[worker] = nil
            locks[name]?.waiting.removeAll { $0.worker == worker }
            while let next = locks[name]?.waiting.first, let mode = locks[name],
                mode.admits(next.mode)
            {
                locks[name]?.waiting.removeFirst()
                locks[name]?.holders[next.worker] = next.mode
                running[next.worker]?.lockCount += 1
                takeLocks(next.worker)
            }
        }
    }
}
