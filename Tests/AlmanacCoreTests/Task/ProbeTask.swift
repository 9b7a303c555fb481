import AlmanacCore
import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling
import Synchronization

/// What the stages of a run were seen to do, by the name that a test has given to its run.
enum Journal {
    struct Entry: Sendable, Equatable {
        var stage: String
        var runID: UUID
        var detail: String
    }

    private static let entries = Mutex<[String: [Entry]]>([:])

    static func note(_ stage: String, _ name: String, _ context: TaskContext, _ detail: String = "")
    {
        let entry = Entry(stage: stage, runID: context.runID, detail: detail)
        entries.withLock { $0[name, default: []].append(entry) }
    }

    static func of(_ name: String) -> [Entry] { entries.withLock { $0[name] ?? [] } }

    static func stages(_ name: String) -> [String] { of(name).map(\.stage) }
}

struct ProbeError: Error, CustomStringConvertible, Equatable {
    var description: String
}

/// Something that JSON has no form for.
struct Unencodable: Encodable {
    var number = Double.infinity
}

/// A clock that nobody advances.
let neverWakingClock = ManualClock(at: Instant(secondsSinceEpoch: 0))

/// A task that does in `run` what its parameter says and writes all its stages into the journal.
struct ProbeTask: BatchTask {
    enum Deed: String, Decodable, CaseIterable {
        case succeed, fail, ignore, reject, insert, readOnly, swallow, deferred, uncommitted
        case commitReserved, rawCommit, unencodable, result, hold, sleepInSQL, sleep, spin
        case insertThenFail, commitItself, lose, loseIdle, loseAndSwallow, print
    }

    static let name = "probe"
    var journal: String
    var deed: Deed
    var failingStage: String?

    func beforeStart(_ context: TaskContext) async throws {
        try note("beforeStart", context)
    }

    func run(_ context: TaskContext) async throws {
        try note("run", context)
        try await perform(context)
    }

    func onSuccess(_ context: TaskContext) async throws {
        try note("onSuccess", context)
    }

    func onRetry(_ context: TaskContext, error: any Error, next: NextAttempt) async throws {
        try note("onRetry", context, "\(error), then \(next.number)")
    }

    func onFailure(_ context: TaskContext, error: any Error) async throws {
        try note("onFailure", context, String(describing: error))
    }

    func afterReturn(_ context: TaskContext, outcome: TaskOutcome) async throws {
        let detail = outcome.error.map { String(describing: $0) } ?? "no error"
        try note("afterReturn", context, "\(outcome.state.rawValue): \(detail)")
    }

    private func note(_ stage: String, _ context: TaskContext, _ detail: String = "") throws {
        Journal.note(stage, journal, context, detail)
        if failingStage == stage { throw ProbeError(description: "\(stage) failed") }
    }

    private func perform(_ context: TaskContext) async throws {
        switch deed {
        case .succeed: break
        case .fail: throw ProbeError(description: "run failed")
        case .ignore: throw Ignore("nothing to do")
        case .reject: throw Reject("never will")
        case .print: context.output.append("one\ntwo\n")
        case .result: context.result = ["answer": 42]
        case .unencodable:
            try context.session.execute("INSERT INTO marks (mark) VALUES ('unencodable')")
            context.result = Unencodable()
        case .sleep: try await neverWakingClock.waitUntilAdvanced(by: .seconds(1))
        case .loseIdle:
            let other = try Connection(EngineConfiguration(context.connectionString))
            defer { other.close() }
            try other.execute(
                """
                SELECT pg_terminate_backend(backend_pid) FROM almanac.runs \
                WHERE run_id = \(context.runID)
                """)
        case .spin: while true { try context.checkStopped() }
        default: try performInSQL(context.session)
        }
    }

    private func performInSQL(_ session: Session) throws {
        switch deed {
        case .readOnly: _ = try session.scalar("SELECT count(*) FROM marks", as: Int.self)
        case .insert, .uncommitted: try insert("inserted", session)
        case .insertThenFail:
            try insert("lost", session)
            throw ProbeError(description: "after the insert")
        case .swallow:
            try insert("swallowed", session)
            _ = try? session.execute("SELECT 1 / 0")
        case .deferred:
            try session.execute("INSERT INTO pairs (id) VALUES (1)")
            try session.execute("INSERT INTO pairs (id) VALUES (1)")
        case .commitReserved: try session.commit()
        case .rawCommit: try session.execute("COMMIT")
        case .commitItself:
            try insert("own commit", session)
            try session.commit()
        case .hold: _ = try session.scalar("SELECT pg_sleep(0.05)::text", as: String.self)
        case .sleepInSQL: _ = try session.scalar("SELECT pg_sleep(60)::text", as: String.self)
        case .loseAndSwallow:
            try insert("on a lost connection", session)
            _ = try? session.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        case .lose:
            try insert("on a lost connection", session)
            try session.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        default: break
        }
    }

    private func insert(_ mark: String, _ session: Session) throws {
        try session.execute("INSERT INTO marks (mark) VALUES (\(mark))")
    }
}
