package import Foundation
import PostgresSession
package import Scheduling
import Synchronization

/// Writes what the scheduler itself has to write, on a thread and a connection of its own: the
/// planning never waits for the database, and no bookkeeping sits in a job's transaction.
package actor Bookkeeper {
    package nonisolated let thread = WorkerThread(name: "almanac-books")
    private let bench: Workbench
    private nonisolated let haste = Haste()

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        thread.asUnownedSerialExecutor()
    }

    package init(services: NodeServices) {
        bench = Workbench(services, name: "bookkeeper") { [haste] in
            haste.isOn.load(ordering: .relaxed)
        }
    }

    /// Brings the schema up to date.
    ///
    /// - Returns: the steps that were taken.
    package func migrate() throws -> [LedgerSchema.Migration] {
        try bench.ledger.migrate(on: try bench.connection())
    }

    /// Makes sure that jobs may run on this database, and says what should be known of it.
    ///
    /// - Throws: `LedgerError` when the ledger belongs to another one.
    package func confirmIdentity(environment: String?) throws -> [String] {
        try bench.ledger.confirmIdentity(environment: environment, on: try bench.connection())
    }

    /// Records that the ledger belongs to this database.
    package func adopt(
        environment: String?, by author: String
    ) throws -> (before: KeptIdentity?, now: DatabaseIdentity) {
        try bench.ledger.adopt(
            environment: environment, by: author, on: try bench.connection())
    }

    /// Puts a schedule in force.
    ///
    /// - Parameter before: the version that must still be the newest; nil for whatever is.
    /// - Throws: `ScheduleOvertaken` when it is not.
    package func activate(_ schedule: Schedule, after before: Int64? = nil) throws -> Activation {
        try bench.ledger.activate(schedule, after: before, on: try bench.connection())
    }

    /// What the ledger has of an occurrence of a job.
    package func past(_ instant: Date, of job: String) throws -> PastOccurrence? {
        try bench.ledger.past([instant], of: job, on: try bench.connection()).first
    }

    /// The schedule in force; nil while there is none.
    func newestSchedule() throws -> NewestSchedule? {
        try bench.ledger.newestSchedule(on: try bench.connection())
    }

    /// Writes the rows of occurrences that do not run.
    ///
    /// - Returns: how many had none yet.
    /// - Throws: `DefinitionNotInForce`.
    @discardableResult
    package func record(
        _ skips: SkippedOccurrences, job: AccountedJob, by mandate: Mandate
    ) async throws -> Int {
        try await bench.persist { ledger, connection in
            if skips.instants != nil {
                return try ledger.recordSkips(
                    skips, task: job.task, by: mandate, on: connection)
            }
            return try ledger.recordRange(skips, task: job.task, by: mandate, on: connection) {
                Self.gaps(in: skips, by: skips.recurrence ?? job.recurrence, recorded: $0)
            }
        }
    }

    /// Writes the rows of occurrences that wait in the queue.
    ///
    /// - Throws: `DefinitionNotInForce`.
    package func enqueue(_ entry: QueueEntry, by mandate: Mandate) async throws {
        try await bench.persist { ledger, connection in
            try ledger.enqueue(entry, by: mandate, on: connection)
        }
    }

    /// The newest schedule, if it is not that of the node, and how it differs from that.
    ///
    /// - Parameter definitions: the digest of each job's definition in the node's schedule.
    func newerSchedule(
        besides version: Int64?, _ definitions: [String: String]
    ) throws -> (NewestSchedule, ScheduleChange)? {
        do {
            let connection = try bench.connection()
            guard let newest = try bench.ledger.newestSchedule(on: connection),
                newest.version != version
            else { return nil }
            return (newest, try bench.ledger.difference(from: definitions, on: connection))
        } catch {
            bench.discard()
            throw error
        }
    }

    /// The ends of the latest occurrences of some jobs.
    package func completions(of jobs: [String]) throws -> [String: Completion] {
        try bench.ledger.completions(of: jobs, on: try bench.connection())
    }

    /// Moves the watermark.
    package func moveWatermark(to instant: Instant, by version: Int64?) async throws {
        try await bench.persist { ledger, connection in
            try ledger.moveWatermark(to: instant, by: version, on: connection)
        }
    }

    /// Writes when jobs are due next.
    package func writeDue(_ change: DueChange, by version: Int64?) throws {
        do {
            try bench.ledger.writeDue(change, by: version, on: try bench.connection())
        } catch {
            bench.discard()
            throw error
        }
    }

    /// Marks the runs whose backend is gone.
    package func markOrphans(except active: [UUID]) throws -> [Orphan] {
        do {
            return try bench.ledger.markOrphans(except: active, on: try bench.connection())
        } catch {
            bench.discard()
            throw error
        }
    }

    /// Of the runs that this node is working on those whose rows others have closed.
    package func endedRows(among active: [UUID]) throws -> [UUID: StopCause] {
        do {
            return try bench.ledger.endedRows(among: active, on: try bench.connection())
        } catch {
            bench.discard()
            throw error
        }
    }

    /// The runs of this node that somebody wants to be cancelled.
    package func cancelRequests() throws -> [UUID: StopCause] {
        do {
            return try bench.ledger.cancelRequests(on: try bench.connection())
        } catch {
            bench.discard()
            throw error
        }
    }

    /// Looks at the queue.
    ///
    /// - Parameter awaited: rows of which to say whether they are still queued.
    /// - Parameter pools: how many slots each pool has.
    package func queue(awaited: [UUID], pools: [String: Int]) throws -> QueueInSight {
        do {
            return try bench.ledger.queue(
                awaited: awaited, pools: pools, on: try bench.connection())
        } catch {
            bench.discard()
            throw error
        }
    }

    /// Asks the server for a sign of life.
    package func ping() throws {
        // The connection that is kept may be one of before the server went away.
        if (try? bench.connection().query("SELECT 1")) != nil { return }
        bench.discard()
        _ = try bench.connection().query("SELECT 1")
    }

    /// Waits no longer for a server that does not answer: the node is about to end.
    ///
    /// Heard at once, also while something waits for the server.
    package nonisolated func hurry() { haste.isOn.store(true, ordering: .relaxed) }

    /// Gives the connection and the thread up.
    package func stop() {
        bench.discard()
        thread.stop()
    }

    /// What of a long range has no row yet, cut where some of it has: a range is one row, so it
    /// must not cover an instant that has a row of its own.
    package static func gaps(
        in skips: SkippedOccurrences, by recurrence: Recurrence, recorded: [ClosedRange<Instant>]
    ) -> [SkippedOccurrences] {
        guard !recorded.isEmpty else { return [skips] }
        var gaps: [SkippedOccurrences] = []
        var gap: (first: Instant, last: Instant, count: Int)?
        func close() {
            guard let (first, last, count) = gap else { return }
            gaps.append(
                SkippedOccurrences(
                    job: skips.job, first: first, last: last, count: count, reason: skips.reason,
                    instants: count == 1 ? [first] : nil))
            gap = nil
        }
        var spans = recorded[...]
        let recurrence = recurrence.asSkipped(from: skips.first)
        var next: Instant? = skips.first
        while let instant = next, instant <= skips.last {
            while let span = spans.first, span.upperBound < instant { spans.removeFirst() }
            if let span = spans.first, span.contains(instant) {
                close()
            } else {
                gap = (gap?.first ?? instant, instant, (gap?.count ?? 0) + 1)
            }
            // Also what a calendar excludes: the range has no others.
            next = recurrence.nextNominal(after: instant)?.instant
        }
        close()
        return gaps
    }
}

/// Whether there is no time left, to be seen from every thread.
private final class Haste: Sendable {
    let isOn = Atomic<Bool>(false)
}
