package import Foundation
import Logging
package import Scheduling

/// Something that the desk of a node has done elsewhere, because it takes time and may fail: the
/// desk itself never waits. What came of it comes back as a ``NodeEvent``.
package enum NodeErrand: Sendable {
    /// Read the schedule files and put what they say in force.
    case reload(ScheduleReading)
    /// Take part again in a schedule that is in force by another version than it was, unless there
    /// is a newer one by now.
    case takeUp(Schedule, version: Int64)
    /// Write the rows of occurrences that do not run.
    case record(SkippedOccurrences, of: AccountedJob, by: Mandate)
    /// Write the rows of occurrences that wait in the queue.
    case enqueue(QueueEntry, by: Mandate)
    /// Move the watermark.
    case moveWatermark(to: Instant, version: Int64?)
    /// Write when jobs are due next.
    case writeDue(DueChange, version: Int64?)
    /// See what of the queue may run.
    case lookForAttempts(awaited: Set<UUID>, pools: [String: Int])
    /// See whether another schedule than the node's is in force, and how it differs.
    case lookForNewerSchedule(besides: Int64?, definitionDigests: [String: String])
    /// See when the latest occurrences of jobs have ended.
    case lookForCompletions(of: [String])
    /// Mark the runs whose backend is gone.
    case lookForOrphans(except: [UUID])
    /// See which runs of the node somebody wants to be cancelled.
    case lookForCancels
    /// Ask the server for a sign of life.
    case probe
    /// Have the event happen after a while.
    case wait(Duration, then: NodeEvent)
    /// Wait no longer for a server that does not answer.
    case hurry
}

/// Reads the schedule files; nil when they cannot be put in force, which it has told of.
package typealias ScheduleReading = @Sendable () -> Schedule?

/// Who does the errands of a desk.
///
/// All that a node does beside its decisions and its runs goes through here, so that a simulation
/// can take the place of the database and of time.
package protocol NodeErrands: Sendable {
    /// Begins an errand and returns at once.
    func run(_ errand: NodeErrand)
}

/// The errands as a bookkeeper does them.
struct BookErrands: NodeErrands {
    let bookkeeper: Bookkeeper
    let pulse: Pulse
    let messenger: Messenger
    let services: NodeServices
    let mail: @Sendable (NodeEvent) -> Void

    func run(_ errand: NodeErrand) {
        // Heard at once, also while something waits for the server.
        if case .hurry = errand { return bookkeeper.hurry() }
        Task(executorPreference: WorkerThread.errands) {
            if let event = await event(of: errand) { mail(event) }
        }
    }

    /// What came of an errand; nil for nothing that the desk has to know.
    private func event(of errand: NodeErrand) async -> NodeEvent? {
        switch errand {
        case .reload(let read): await reload(read)
        case .takeUp(let schedule, let version): await takeUp(schedule, version)
        case .record(let skips, let job, let mandate): await record(skips, of: job, mandate)
        case .enqueue(let entry, let mandate): await enqueue(entry, mandate)
        case .moveWatermark(let instant, let version): await moveWatermark(to: instant, version)
        case .writeDue(let change, let version): await writeDue(change, version)
        case .lookForAttempts(let awaited, let pools): await lookForAttempts(awaited, pools)
        case .lookForNewerSchedule(let version, let digests):
            await lookForNewerSchedule(version, digests)
        case .lookForCompletions(let jobs): await lookForCompletions(of: jobs)
        case .lookForOrphans(let active): await lookForOrphans(except: active)
        case .lookForCancels: await lookForCancels()
        case .probe: await probe()
        case .wait(let pause, let event): await wait(pause, then: event)
        case .hurry: nil
        }
    }

    private func wait(_ pause: Duration, then event: NodeEvent) async -> NodeEvent {
        try? await services.clock.sleep(for: pause)
        return event
    }

    /// First what is in force, then the files: whatever comes in force after that may be newer
    /// than the files were, and they are read once more.
    private func reload(_ read: @escaping ScheduleReading) async -> NodeEvent? {
        do {
            let newest = try await bookkeeper.newestSchedule()
            guard let schedule = read() else { return nil }
            return try await activate(schedule, after: newest?.version)
        } catch is ScheduleOvertaken {
            return .reload(read)
        } catch {
            return .reloadFailed(read, String(describing: error))
        }
    }

    private func takeUp(_ schedule: Schedule, _ version: Int64) async -> NodeEvent {
        do {
            return try await activate(schedule, after: version)
        } catch {
            return .takeUpFailed(String(describing: error))
        }
    }

    private func activate(_ schedule: Schedule, after before: Int64?) async throws -> NodeEvent {
        let activation = try await bookkeeper.activate(schedule, after: before)
        pulse.note(version: activation.version)
        messenger.note(schedule, definitionDigests: activation.definitionDigests)
        return .activated(schedule, activation)
    }

    private func record(
        _ skips: SkippedOccurrences, of job: AccountedJob, _ mandate: Mandate
    ) async -> NodeEvent {
        do {
            let count = try await bookkeeper.record(skips, job: job, by: mandate)
            return .skipsWritten(skips, count: count)
        } catch is DefinitionNotInForce {
            return .skipsStale(skips, mandate)
        } catch {
            return .skipsNotWritten(skips, LedgerTrouble(error))
        }
    }

    private func enqueue(_ entry: QueueEntry, _ mandate: Mandate) async -> NodeEvent {
        do {
            try await bookkeeper.enqueue(entry, by: mandate)
            return .queueWritten(entry)
        } catch is DefinitionNotInForce {
            return .queueStale(entry, mandate)
        } catch {
            return .queueNotWritten(entry, LedgerTrouble(error))
        }
    }

    private func moveWatermark(to instant: Instant, _ version: Int64?) async -> NodeEvent {
        do {
            try await bookkeeper.moveWatermark(to: instant, by: version)
            return .watermarkMoved(instant)
        } catch {
            return .watermarkNotMoved(String(describing: error))
        }
    }

    private func writeDue(_ change: DueChange, _ version: Int64?) async -> NodeEvent {
        do {
            try await bookkeeper.writeDue(change, by: version)
            return .dueWritten(change, nil)
        } catch {
            return .dueWritten(change, String(describing: error))
        }
    }

    private func lookForAttempts(
        _ awaited: Set<UUID>, _ pools: [String: Int]
    ) async -> NodeEvent {
        do {
            let sight = try await bookkeeper.queue(awaited: Array(awaited), pools: pools)
            return .attemptsFound(sight, asked: awaited, nil)
        } catch {
            return .attemptsFound(QueueInSight(), asked: [], String(describing: error))
        }
    }

    private func lookForNewerSchedule(
        _ version: Int64?, _ digests: [String: String]
    ) async -> NodeEvent? {
        do {
            return try await bookkeeper.newerSchedule(besides: version, digests).map {
                .newerScheduleFound($0, $1)
            }
        } catch {
            log("the schedule in force could not be looked at", error)
            return nil
        }
    }

    private func lookForCompletions(of jobs: [String]) async -> NodeEvent {
        do {
            return .completionsFound(try await bookkeeper.completions(of: jobs))
        } catch {
            log("the ends of runs could not be looked for", error)
            return .completionsFound([:])
        }
    }

    private func lookForOrphans(except active: [UUID]) async -> NodeEvent {
        await lookForEndedRows(among: active)
        do {
            return .orphansChecked(try await bookkeeper.markOrphans(except: active), nil)
        } catch {
            return .orphansChecked([], String(describing: error))
        }
    }

    private func lookForEndedRows(among active: [UUID]) async {
        guard !active.isEmpty else { return }
        do {
            let ended = try await bookkeeper.endedRows(among: active)
            if !ended.isEmpty { mail(.cancelsFound(ended)) }
        } catch {
            log("the rows of the node's runs could not be looked at", error)
        }
    }

    private func lookForCancels() async -> NodeEvent? {
        do {
            let requests = try await bookkeeper.cancelRequests()
            return requests.isEmpty ? nil : .cancelsFound(requests)
        } catch {
            log("requests to cancel could not be looked for", error)
            return nil
        }
    }

    private func probe() async -> NodeEvent {
        do {
            try await bookkeeper.ping()
            return .databaseProbed(nil)
        } catch {
            return .databaseProbed(String(describing: error))
        }
    }

    private func log(_ message: String, _ error: any Error) {
        services.logger.debug("\(message)", metadata: ["error": "\(error)"])
    }
}
