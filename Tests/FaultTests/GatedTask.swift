import AlmanacCore
import Foundation
import PostgresSession
import Synchronization

/// A task that goes on until the test lets it, whoever asks it to stop; or writes a mark and says
/// when it is done.
struct GatedTask: BatchTask {
    enum Way: String, Decodable, CaseIterable {
        /// Never yields its thread.
        case spin
        /// Sleeps without a look at anything.
        case sleep
        /// Waits on a continuation that nobody resumes.
        case wait
        /// Writes a mark and returns.
        case mark
    }

    static let name = "gated"
    var gate: String
    var way: Way

    private static let open = Mutex<Set<String>>([])
    private static let arrived = Mutex<Set<UUID>>([])

    /// Lets every run with that gate go on.
    static func release(_ gate: String) { open.withLock { _ = $0.insert(gate) } }

    /// Whether a run is about to write its mark.
    static func hasArrived(_ runID: UUID) -> Bool { arrived.withLock { $0.contains(runID) } }

    private var isOpen: Bool { Self.open.withLock { $0.contains(gate) } }

    func run(_ context: TaskContext) async throws {
        switch way {
        case .spin: while !isOpen {}
        case .sleep: while !isOpen { usleep(10_000) }
        case .wait:
            await withCheckedContinuation { continuation in
                Thread.detachNewThread {
                    while !isOpen { usleep(1_000) }
                    continuation.resume()
                }
            }
        case .mark:
            Self.arrived.withLock { _ = $0.insert(context.runID) }
            try context.session.execute("INSERT INTO marks (mark) VALUES (\(context.runID))")
        }
    }
}
