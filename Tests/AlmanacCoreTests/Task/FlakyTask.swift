import AlmanacCore
import AlmanacTesting
import Foundation
import PostgresSession

/// A task that does something else in each attempt and writes all its stages into the journal.
struct FlakyTask: BatchTask {
    enum Deed: String, Decodable {
        case succeed, fail, insertAndFail, update, updateAndRetry, divide, ignore, reject
        case retryLater, lose, sleepInSQL, cancelled
    }

    static let name = "flaky"
    var journal: String
    /// What each attempt does, the last one for all that follow.
    var deeds: [Deed]
    var failingStage: String?

    func beforeStart(_ context: TaskContext) async throws { try note("beforeStart", context) }

    func run(_ context: TaskContext) async throws {
        try note("run", context)
        let deed = deeds[min(context.attempt, deeds.count) - 1]
        switch deed {
        case .succeed: break
        case .fail: throw ProbeError(description: "attempt \(context.attempt)")
        case .ignore: throw Ignore("nothing to do")
        case .reject: throw Reject("never will")
        case .cancelled: throw CancellationError()
        case .retryLater: throw Retry("not yet", after: .milliseconds(1))
        default: try perform(deed, context.session)
        }
    }

    private func perform(_ deed: Deed, _ session: Session) throws {
        switch deed {
        case .insertAndFail:
            try session.execute("INSERT INTO marks (mark) VALUES ('lost')")
            throw ProbeError(description: "after the insert")
        case .update: try session.execute("UPDATE marks SET mark = mark || '!'")
        case .updateAndRetry:
            try session.execute("UPDATE marks SET mark = mark || '?'")
            _ = try session.scalar("SELECT pg_advisory_lock(4711)::text", as: String.self)
            throw Retry(after: .zero)
        case .divide: _ = try session.scalar("SELECT 1 / 0", as: Int.self)
        case .lose:
            try session.execute("UPDATE marks SET mark = mark || '?'")
            try session.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        case .sleepInSQL: _ = try session.scalar("SELECT pg_sleep(60)::text", as: String.self)
        default: break
        }
    }

    func onSuccess(_ context: TaskContext) async throws { try note("onSuccess", context) }

    func onRetry(_ context: TaskContext, error: any Error, next: NextAttempt) async throws {
        try note("onRetry", context, "\(error), then \(next.number) of \(context.maxAttempts)")
    }

    func onFailure(_ context: TaskContext, error: any Error) async throws {
        try note("onFailure", context, "\(error)")
    }

    func afterReturn(_ context: TaskContext, outcome: TaskOutcome) async throws {
        let isRetried = if case .retrying = outcome { "retrying" } else { "over" }
        try note("afterReturn", context, "\(outcome.state.rawValue), \(isRetried)")
    }

    private func note(_ stage: String, _ context: TaskContext, _ detail: String = "") throws {
        let detail = detail.isEmpty ? "" : ": \(detail)"
        Journal.note("\(context.attempt) \(stage)\(detail)", journal, context)
        if failingStage == stage { throw ProbeError(description: "\(stage) failed") }
    }
}

extension RunFixture {
    /// Runs the flaky task with all its attempts, and returns the last one's row.
    func runFlaky(
        _ deeds: [FlakyTask.Deed], failing stage: String? = nil, limit: Int = 2, job: String = ""
    ) async throws -> RunRecord {
        let failing = stage.map { "\nfailingStage: \($0)" } ?? ""
        let list = deeds.map(\.rawValue).joined(separator: ", ")
        return try await runner.run(
            "flaky", parameters: "journal: \(name)\ndeeds: [\(list)]\(failing)",
            job: "backoffLimit: \(limit)\nbackoff: {initial: 0s}\n\(job)")
    }

    /// All rows, in order: the attempt and how many there may be, state and error.
    func attempts() throws -> [String] {
        try withConnection { connection in
            try connection.query(
                """
                SELECT attempt || ' ' || state || coalesce(' ' || reason, '') || \
                coalesce(' ' || error_type, '') AS text FROM almanac.runs \
                ORDER BY scheduled_for, attempt
                """
            ).map { try $0.get("text") }
        }
    }
}
