import Foundation
import Logging
import PostgresSession

extension TaskContext {
    /// The context of a run over the connection that it was claimed by.
    ///
    /// - Parameter rehearsal: takes notes of a run that is to be rolled back.
    convenience init(
        _ run: ClaimedRun, _ connection: Connection, _ bench: Workbench, _ control: RunControl,
        _ logger: Logger, _ rehearsal: RehearsalNotes? = nil
    ) {
        var logger = logger
        logger.add(run.identity.metadata)
        self.init(
            identity: run.identity, window: run.window, maxAttempts: run.job.retry.attempts,
            worker: run.worker, deadline: run.deadline?.date, baseDirectory: run.job.baseDirectory,
            connectionString: bench.connectionString, logger: logger, control: control,
            sessions: RunSessions(
                run: run, connection: connection, bench: bench, control: control,
                logger: logger, rehearsal: rehearsal))
    }

    /// The result as JSON, if the task has left one.
    ///
    /// - Throws: `EncodingError`.
    func encodedResult() throws -> String? {
        guard let result else { return nil }
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(result), as: UTF8.self)
    }
}

extension ClaimedRun {
    /// The deadline, when the server's limit on the statement came before this process's own clock.
    func passedDeadline(_ error: any Error, by clock: any WallClock) -> StopCause? {
        guard let deadline, let seconds = job.activeDeadlineSeconds,
            (error as? PostgresError)?.code == .statementTimeout,
            deadline.secondsLeft(by: clock) < 0.1
        else { return nil }
        return .deadline(seconds: seconds)
    }
}

extension TaskRegistry {
    /// The task of a run, with its parameters.
    ///
    /// - Throws: `UnknownTask`, `DiagnosticsError`, `UnresolvedPlaceholder`.
    func makeTask(of run: ClaimedRun) throws -> any BatchTask {
        guard let type = type(named: run.job.task) else { throw UnknownTask(name: run.job.task) }
        let values = PlaceholderValues(
            scheduledFor: run.identity.scheduledFor, window: run.window,
            baseDirectory: run.job.baseDirectory)
        return try makeTask(
            of: type, parameters: run.job.parameters.overridden(by: run.overrides), values: values)
    }
}
