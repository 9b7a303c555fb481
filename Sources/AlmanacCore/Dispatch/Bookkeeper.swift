package import Foundation
import PostgresSession
package import Scheduling

/// Writes what the scheduler itself has to write, on a thread and a connection of its own: the
/// planning never waits for the database, and no bookkeeping sits in a job's transaction.
package actor Bookkeeper {
    package nonisolated let thread = WorkerThread(name: "almanac-books")
    private let bench: Workbench

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        thread.asUnownedSerialExecutor()
    }

    package init(services: NodeServices) {
        bench = Workbench(services, name: "bookkeeper")
    }

    /// Brings the schema up to date.
    ///
    /// - Returns: the steps that were taken.
    package func migrate() throws -> [LedgerSchema.Migration] {
        try bench.ledger.migrate(on: try bench.connection())
    }

    /// Puts a schedule in force.
    package func activate(_ schedule: Schedule) throws -> Activation {
        try bench.ledger.activate(schedule, on: try bench.connection())
    }

    /// Writes the rows of occurrences that do not run.
    package func record(_ skips: SkippedOccurrences, job: AccountedJob, version: Int64?)
        async throws
    {
        try await bench.persist { ledger, connection in
            let open = try Self.trim(skips, by: job.recurrence) { first, last in
                try ledger.recorded(job: job.name, from: first, to: last, on: connection)
            }
            guard let open else { return }
            try ledger.recordSkips(open, task: job.task, version: version, on: connection)
        }
    }

    /// Moves the watermark.
    package func moveWatermark(to instant: Instant) async throws {
        try await bench.persist { ledger, connection in
            try ledger.moveWatermark(to: instant, on: connection)
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

    /// Asks the server for a sign of life.
    package func ping() throws {
        // The connection that is kept may be one of before the server went away.
        if (try? bench.connection().query("SELECT 1")) != nil { return }
        bench.discard()
        _ = try bench.connection().query("SELECT 1")
    }

    /// Waits no longer for a server that does not answer: the node is about to end.
    package func hurry() { bench.isHurried = true }

    /// Gives the connection and the thread up.
    package func stop() {
        bench.discard()
        thread.stop()
    }

    /// Takes from the front of a long range the instants that have a row already, since the range
    /// becomes one row under the key of its first instant.
    static func trim(
        _ skips: SkippedOccurrences, by recurrence: Recurrence,
        recorded: (Instant, Instant) throws -> [Instant]
    ) throws -> SkippedOccurrences? {
        guard skips.instants == nil else { return skips }
        let existing = Set(try recorded(skips.first, skips.last))
        var first = skips.first
        var count = skips.count
        while existing.contains(first) {
            guard let next = recurrence.next(after: first), next <= skips.last else { return nil }
            first = next
            count -= 1
        }
        return SkippedOccurrences(
            job: skips.job, first: first, last: skips.last, count: count, reason: skips.reason,
            instants: count == 1 ? [first] : nil)
    }
}
