import Foundation
import HeapModule
import Scheduling

/// An occurrence that waits in the queue of the ledger.
struct QueuedOccurrence {
    let number: Int
    let occurrence: Occurrence
    /// When it starts at the latest, in milliseconds since the epoch.
    let startBy: Int64?
    /// Whether the board has it.
    var isHandedOut = false
}

// The queue, by the rules of the ledger's own (`Ledger.queue`).
extension NightForecast {
    mutating func enqueue(_ occurrence: Occurrence, behind obstacle: String) {
        guard let job = definitions[occurrence.job] else { return }
        let due = occurrence.scheduledFor.secondsSinceEpoch * 1_000
        let startBy = job.dispatch.startingDeadlineSeconds.map { due + Int64($0) * 1_000 }
        queuedCount += 1
        queue[queuedCount] = QueuedOccurrence(
            number: queuedCount, occurrence: occurrence, startBy: startBy)
        pending[occurrence]?.obstacle = obstacle
        settle(occurrence, isSuccess: nil)
        plan(.settled(occurrence))
        let bounds = job.dispatch.needs.compactMap(\.withinSeconds).map { due + $0 * 1_000 }
        for moment in bounds + (startBy.map { [$0] } ?? []) {
            events.insert(Event(moment: moment + 1, kind: .look))
        }
    }

    /// Hands out what may run, ends what may not run any more, and notes what the rest waits for.
    mutating func lookAtQueue() {
        guard !queue.isEmpty else { return }
        var claimed: [String: Int] = [:]
        for run in running.values {
            if let pool = definitions[run.occurrence.job]?.dispatch.pool {
                claimed[pool.name, default: 0] += 1
            }
        }
        var taken: Set<String> = []
        for number in queueInOrder {
            guard let row = queue[number], let job = definitions[row.occurrence.job] else {
                continue
            }
            if let (reason, obstacle) = refusal(of: row, job) {
                drop(row, reason, obstacle)
                continue
            }
            var obstacle = awaited(by: row, job)
            if obstacle == nil, job.dispatch.concurrency != .allow {
                let isBusy = !(workers[job.name]?.isEmpty ?? true)
                if isBusy || !taken.insert(job.name).inserted { obstacle = "turn" }
            }
            if obstacle == nil, let pool = job.dispatch.pool {
                claimed[pool.name, default: 0] += 1
                if claimed[pool.name, default: 0] > pool.slots { obstacle = "pool \(pool.name)" }
            }
            if let obstacle {
                pending[row.occurrence]?.obstacle = obstacle
            } else if !row.isHandedOut {
                queue[number]?.isHandedOut = true
                perform(board.handle(.enqueue(.queued(boardItem(row, job)))))
                report.mostWaiting.note(board.waitingCount, at: date)
            }
        }
    }

    private var queueInOrder: [Int] {
        queue.values.sorted { one, other in
            let (first, second) = (priority(of: one), priority(of: other))
            guard first == second else { return first > second }
            return (one.occurrence.scheduledFor, one.number)
                < (other.occurrence.scheduledFor, other.number)
        }.map(\.number)
    }

    private func priority(of row: QueuedOccurrence) -> Int {
        definitions[row.occurrence.job]?.dispatch.priority ?? 0
    }

    private mutating func drop(_ row: QueuedOccurrence, _ reason: SkipReason, _ text: String) {
        queue[row.number] = nil
        if row.isHandedOut, let job = definitions[row.occurrence.job] {
            perform(board.handle(.withdraw(.queued(boardItem(row, job)))))
        }
        skip(row.occurrence, reason, text)
        let end = Instant(secondsSinceEpoch: now / 1_000)
        plan(.completed(row.occurrence, at: end))
    }

    /// Why it is not to run any more.
    private func refusal(
        of row: QueuedOccurrence, _ job: JobDefinition
    ) -> (SkipReason, String)? {
        if let startBy = row.startBy, startBy < now {
            return (.deadline, "it waited for \(pending[row.occurrence]?.obstacle ?? "a worker")")
        }
        let due = row.occurrence.scheduledFor
        for need in job.dispatch.needs {
            let fate = latest(of: need.job, at: due)
            if isAwaited(fate, due) {
                let isLate = need.withinSeconds.map {
                    (due.secondsSinceEpoch + $0) * 1_000 < now
                }
                if isLate == true { return (.dependency, "\(need.job) had not ended in time") }
            } else if need.when == .success, fate?.isSuccess == false {
                return (.dependency, "\(need.job) does not succeed")
            }
        }
        return nil
    }

    private func awaited(by row: QueuedOccurrence, _ job: JobDefinition) -> String? {
        let due = row.occurrence.scheduledFor
        let names = job.dispatch.needs.map(\.job).filter {
            isAwaited(latest(of: $0, at: due), due)
        }
        return names.isEmpty ? nil : names.joined(separator: ", ")
    }

    private func latest(of job: String, at instant: Instant) -> Fate? {
        fates[job]?.filter { $0.instant <= instant }.max { $0.instant < $1.instant }
    }

    private func isAwaited(_ fate: Fate?, _ due: Instant) -> Bool {
        if let fate, fate.isSuccess == nil { return true }
        return planner.watermark < due
    }

    private func boardItem(_ row: QueuedOccurrence, _ job: JobDefinition) -> QueuedRun {
        let number = UInt64(row.number)
        func byte(_ place: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: number >> (8 * place)) }
        let identity = UUID(
            uuid: (
                byte(7), byte(6), byte(5), byte(4), byte(3), byte(2), byte(1), byte(0), 0, 0, 0, 0,
                0, 0, 0, 0
            ))
        let due = row.occurrence.scheduledFor.date
        return QueuedRun(
            runID: identity, job: job.name, scheduledFor: due, number: row.number,
            trigger: .schedule, notBefore: due, priority: job.dispatch.priority, version: nil)
    }
}
