import AlmanacCore
import Foundation
import Scheduling

/// The errands of a simulated node: what ``Bookkeeper`` does, statement by statement.
// Safe because a night and all that belongs to it is used by one thread.
final class SimulatedErrands: NodeErrands, @unchecked Sendable {
    private unowned let process: SimulatedProcess
    private var world: SimulatedWorld { process.world }
    private var books: SimulatedConnection { process.books }
    private static let trouble = LedgerTrouble(isGeneral: true, "the connection was lost")
    private static let text = "the connection was lost"

    init(process: SimulatedProcess) { self.process = process }

    func run(_ errand: NodeErrand) {
        let name = process.name
        switch errand {
        case .reload(let read): reload(read)
        case .takeUp(let schedule, let version): takeUp(schedule, version)
        case .record(let skips, let job, let mandate): record(skips, of: job, mandate)
        case .enqueue(let entry, let mandate): enqueue(entry, mandate)
        case .moveWatermark(let instant, let version): moveWatermark(to: instant, version)
        case .writeDue(let change, _):
            // The table is for those who look at it; nothing here does.
            ask({ _, _ in true }) { .dueWritten(change, $0 == nil ? Self.text : nil) }
        case .lookForAttempts(let awaited, _): lookForAttempts(awaited)
        case .lookForCompletions(let jobs):
            ask({ ledger, _ in ledger.completions(of: jobs) }) { .completionsFound($0 ?? [:]) }
        case .lookForOrphans(let active):
            ask({ ledger, _ in ledger.markOrphans(except: active, by: name) }) {
                .orphansChecked($0 ?? [], $0 == nil ? Self.text : nil)
            }
        case .lookForNewerSchedule(let version, let definitions):
            ask({ ledger, _ in ledger.newerSchedule(besides: version, definitions) }) { found in
                found?.map { .newerScheduleFound($0.0, $0.1) }
            }
        case .lookForCancels:
            ask({ ledger, _ in ledger.cancelRequests(of: name) }) { requests in
                (requests ?? [:]).isEmpty ? nil : .cancelsFound(requests ?? [:])
            }
        case .probe:
            ask({ _, _ in true }) { .databaseProbed($0 == nil ? Self.text : nil) }
        case .wait(let pause, let event):
            process.after(SimulatedTime(pause)) { [process] in process.handle(event) }
        case .hurry: process.hurry()
        }
    }

    private func ask<Answer>(
        _ statement: @escaping (inout SimulatedLedger, Int) -> Answer,
        then event: @escaping (Answer?) -> NodeEvent?
    ) {
        books.ask(statement) { [process] answer in
            if let event = event(answer) { process.post(event) }
        }
    }

    /// `BookErrands.reload`.
    private func reload(_ read: @escaping ScheduleReading) {
        books.ask({ ledger, _ in (ledger.versions.last?.number, true) }) { [self] answer in
            guard let (newest, _) = answer else {
                return process.post(.reloadFailed(read, Self.text))
            }
            guard let schedule = read(), let kept = kept(schedule) else { return }
            ask({ ledger, _ in (ledger.activate(kept, after: newest), true) }) { answer in
                guard let (activation, _) = answer else { return .reloadFailed(read, Self.text) }
                return activation.map { .activated(schedule, $0) } ?? .reload(read)
            }
        }
    }

    /// `BookErrands.takeUp`.
    private func takeUp(_ schedule: Schedule, _ version: Int64) {
        guard let kept = kept(schedule) else { return }
        ask({ ledger, _ in (ledger.activate(kept, after: version), true) }) { answer in
            let activation = answer.flatMap(\.0)
            return activation.map { .activated(schedule, $0) } ?? .takeUpFailed(Self.text)
        }
    }

    private func kept(_ schedule: Schedule) -> SimulatedSchedule? {
        schedule.files.first.flatMap { world.schedules[$0.path] }
    }

    private func lookForAttempts(_ awaited: Set<UUID>) {
        let name = process.name
        ask({ ledger, _ in ledger.look(awaited: awaited, by: name) }) { sight in
            .attemptsFound(
                sight ?? QueueInSight(), asked: sight == nil ? [] : awaited,
                sight == nil ? Self.text : nil)
        }
    }

    private func moveWatermark(to instant: Instant, _ version: Int64?) {
        books.persist({ ledger, _ in ledger.moveWatermark(to: instant, by: version) }) {
            [process] answer in
            process.post(
                answer == nil ? .watermarkNotMoved(Self.text) : .watermarkMoved(instant))
        }
    }

    private func enqueue(_ entry: QueueEntry, _ mandate: Mandate) {
        let call = world.call
        books.persist({ ledger, _ -> Bool in
            call(.queue)
            return ledger.enqueue(entry, by: mandate)
        }) { [process] answer in
            switch answer {
            case true?: process.post(.queueWritten(entry))
            case false?: process.post(.queueStale(entry, mandate))
            case nil: process.post(.queueNotWritten(entry, Self.trouble))
            }
        }
    }

    /// `Bookkeeper.record`.
    private func record(_ skips: SkippedOccurrences, of job: AccountedJob, _ mandate: Mandate) {
        let name = process.name
        books.persist({ ledger, _ -> Bool in
            skips.instants == nil
                ? ledger.recordRange(skips, of: job, by: mandate, on: name)
                : ledger.recordSkips(skips, by: mandate, on: name)
        }) { [process] answer in
            switch answer {
            case true?: process.post(.skipsWritten(skips, count: skips.count))
            case false?: process.post(.skipsStale(skips, mandate))
            case nil: process.post(.skipsNotWritten(skips, Self.trouble))
            }
        }
    }
}
