import AlmanacCore
import Foundation
import PostgresSession
import Synchronization

/// A task that does not stop when it is asked to, until the test lets it go.
struct StubbornTask: BatchTask {
    enum Way: String, Decodable, CaseIterable {
        /// Never yields its thread and looks at nothing.
        case spin
        /// Waits for what does not come, on a continuation that heeds no cancellation.
        case wait
        /// Catches on the server what cancels its statement.
        case catchInSQL
        /// Works on over a connection of its own.
        case ownConnection
        /// Its cancellation handler does not return.
        case handler
        /// Its commit takes long.
        case commit
        /// The hook after it does not end.
        case hook
        /// Sleeps as it should.
        case sleepInSQL
    }

    static let name = "stubborn"
    var journal: String
    var way: Way

    private static let released = Mutex<Set<String>>([])

    static func release(_ name: String) { released.withLock { _ = $0.insert(name) } }

    private var isReleased: Bool { Self.released.withLock { $0.contains(journal) } }

    private func spin() { while !isReleased { sched_yield() } }

    func run(_ context: TaskContext) async throws {
        Journal.note("run", journal, context)
        switch way {
        case .spin: spin()
        case .wait:
            try context.session.execute("INSERT INTO marks (mark) VALUES ('waiting')")
            await withCheckedContinuation { continuation in
                Thread.detachNewThread {
                    spin()
                    continuation.resume()
                }
            }
        case .handler:
            await withTaskCancellationHandler {
                while !Task.isCancelled { await Task.yield() }
                spin()
            } onCancel: {
                spin()
            }
        case .ownConnection:
            let other = try Connection(EngineConfiguration(context.connectionString))
            defer { other.close() }
            while !isReleased { _ = try other.query("SELECT pg_sleep(0.01)::text") }
        case .hook: break
        default: try runInSQL(context.session)
        }
        Journal.note("end of run", journal, context)
    }

    private func runInSQL(_ session: Session) throws {
        switch way {
        case .catchInSQL:
            try session.execute("INSERT INTO marks (mark) VALUES ('caught')")
            try session.execute(
                """
                DO 'BEGIN LOOP BEGIN PERFORM pg_sleep(60); \
                EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END'
                """)
        case .commit:
            try session.execute(
                """
                CREATE FUNCTION pg_temp.dawdle() RETURNS trigger LANGUAGE plpgsql \
                AS 'BEGIN PERFORM pg_sleep(60); RETURN NULL; END'
                """)
            try session.execute(
                """
                CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON marks DEFERRABLE \
                INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pg_temp.dawdle()
                """)
            try session.execute("INSERT INTO marks (mark) VALUES ('dawdling')")
        default: _ = try session.scalar("SELECT pg_sleep(60)::text", as: String.self)
        }
    }

    func onFailure(_ context: TaskContext, error: any Error) async throws {
        Journal.note("onFailure", journal, context, "\(error)")
    }

    func afterReturn(_ context: TaskContext, outcome: TaskOutcome) async throws {
        if way == .hook { spin() }
        Journal.note("afterReturn", journal, context, outcome.state.rawValue)
    }
}
