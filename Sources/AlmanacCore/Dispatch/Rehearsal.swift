package import Foundation
import Logging
import PostgresSession
import Synchronization

/// A run of a job that is always rolled back and leaves no row: the real task, over a connection
/// and on a thread of its own.
package actor Rehearsal {
    private nonisolated let thread = WorkerThread(name: "almanac-rehearsal")
    private nonisolated let control = RunControl()
    private nonisolated let notes = RehearsalNotes()
    private nonisolated let services: NodeServices
    private let bench: Workbench

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        thread.asUnownedSerialExecutor()
    }

    /// Nothing is connected yet.
    package init(services: NodeServices) {
        self.services = services
        bench = Workbench(services, name: "rehearsal")
    }

    /// Rehearses the occurrence of a job.
    ///
    /// - Throws: `RehearsalRefused`; `PostgresError` when the database cannot be reached.
    package nonisolated func run(_ job: JobDefinition, at instant: Date) async throws
        -> RehearsalReport
    {
        let effects = services.registry.type(named: job.task)?.effects ?? .anywhere
        if let refusal = RehearsalRefused(job, effects: effects) { throw refusal }
        let task = Task(executorPreference: thread) {
            try await RunSecrets.$current.withValue(RunSecrets()) {
                try await self.perform(job, at: instant)
            }
        }
        control.attach { task.cancel() }
        defer { thread.stop() }
        return try await task.value
    }

    /// Ends it: the statement that runs is cancelled, and all of it is rolled back.
    package nonisolated func stop() { stop(.shutdown) }

    private nonisolated func stop(_ cause: StopCause) {
        control.stop(cause)
        notes.cancelStatement()
    }

    private func perform(_ job: JobDefinition, at instant: Date) async throws -> RehearsalReport {
        defer { bench.discard() }
        let connection = try bench.connection()
        let run = try claimed(job, at: instant, on: connection)
        let watch = job.activeDeadlineSeconds.map { seconds in
            let clock = services.clock
            return Task(executorPreference: WorkerThread.errands) {
                try await clock.sleep(for: .seconds(seconds))
                self.stop(.deadline(seconds: seconds))
            }
        }
        defer { watch?.cancel() }
        let start = services.clock.uptime
        let context = TaskContext(run, connection, bench, control, services.logger, notes)
        let (outcome, locks) = await perform(run, context)
        context.concludeSession()
        return report(
            of: run, outcome, locks, rows: context.rowsAffected,
            milliseconds: (services.clock.uptime - start) / .milliseconds(1))
    }

    /// The stages of a run up to where it would commit, and then a rollback.
    private func perform(
        _ run: ClaimedRun, _ context: TaskContext
    ) async -> (TaskOutcome, [RehearsalReport.Lock]?) {
        do {
            let usualRows = try usualRows(of: run.job)
            let task = try services.registry.makeTask(of: run)
            do {
                try await task.beforeStart(context)
                try context.checkStopped()
                try await task.run(context)
                try context.check(run.job.expectation, usualRows: usualRows)
            } catch is EndOfRehearsal {
                // The first chunk alone says nothing of what the whole run comes to.
            }
            _ = try context.encodedResult()
            guard let session = context.openedSession, !session.isUntouched else {
                return (.succeeded, [])
            }
            try session.flush()
            notes.close()
            // What would be found out at COMMIT.
            try session.execute("SET CONSTRAINTS ALL IMMEDIATE")
            let locks = try locks(of: session)
            try session.rollback()
            return (.succeeded, locks)
        } catch {
            let error = run.job.session.explained(error)
            let cause = control.stopCause ?? run.passedDeadline(error, by: services.clock)
            return (TaskOutcome(error: error, stop: cause), nil)
        }
    }

    /// How many rows a run of the job usually changes, if it matters and there is a ledger.
    private func usualRows(of job: JobDefinition) throws -> Double? {
        let connection = try bench.connection()
        guard job.expectation?.deviation != nil,
            try services.ledger.version(on: connection) > 0
        else { return nil }
        return try services.ledger.usualRows(of: job.name, on: connection)
    }

    private func locks(of session: Session) throws -> [RehearsalReport.Lock] {
        try session.rows(
            """
            SELECT CASE l.locktype WHEN 'relation' THEN c.oid::regclass::text \
            ELSE l.locktype || ' lock' END AS name, \
            array_agg(DISTINCT l.mode ORDER BY l.mode) AS modes \
            FROM pg_catalog.pg_locks AS l LEFT JOIN pg_catalog.pg_class AS c \
            ON l.locktype = 'relation' AND c.oid = l.relation \
            WHERE l.pid = pg_backend_pid() AND l.granted AND (l.locktype = 'advisory' \
            OR l.locktype = 'relation' AND c.relnamespace NOT IN \
            ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)) GROUP BY 1 ORDER BY 1 LIMIT 1000
            """
        ).map { RehearsalReport.Lock(name: try $0.get("name"), modes: try $0.get("modes")) }
    }

    private func claimed(
        _ job: JobDefinition, at instant: Date, on connection: Connection
    ) throws -> ClaimedRun {
        let order = RunOrder(
            identity: RunIdentity(
                runID: UUID(), job: job.name, scheduledFor: instant, trigger: .exec,
                node: services.ledger.node),
            job: job, worker: 0, version: nil, effects: .database, isInForeground: true)
        let deadline = job.activeDeadlineSeconds.map {
            RunDeadline(afterSeconds: $0, by: services.clock)
        }
        let window = try services.ledger.presentWindow(of: order, on: connection)
        return ClaimedRun(
            order: order, row: ClaimedRow(startedAt: services.clock.now, window: window),
            deadline: deadline)
    }

    private func report(
        of run: ClaimedRun, _ outcome: TaskOutcome, _ locks: [RehearsalReport.Lock]?, rows: Int?,
        milliseconds: Double
    ) -> RehearsalReport {
        let failure = Failure(outcome: outcome)
        return RehearsalReport(
            job: run.job.name, scheduledFor: run.identity.scheduledFor,
            windowStart: run.window?.lowerBound, windowEnd: run.window?.upperBound,
            state: outcome.state,
            problem: failure.message.map {
                .init(type: failure.errorType, sqlstate: failure.sqlState, message: $0)
            },
            rowsAffected: rows, milliseconds: milliseconds, statements: notes.statements,
            otherStatements: notes.others, locks: locks,
            isFirstChunkOnly: notes.isFirstChunkDone,
            caveats: RehearsalReport.caveats(isFirstChunkOnly: notes.isFirstChunkDone))
    }
}
