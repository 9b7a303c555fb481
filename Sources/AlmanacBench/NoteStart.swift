import AlmanacCore
import Foundation
import Glibc
import Scheduling
import Synchronization

/// What the runs of `lateness` do: they note that they have begun.
struct NoteStart: BatchTask {
    func run(_ context: TaskContext) async throws {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        StartBook.note(context.scheduledFor, begun: now)
    }
}

/// When runs of ``NoteStart`` have begun. One for the process: a task is made by the node and can
/// be given nothing but parameters.
enum StartBook {
    /// The beginning of a run.
    struct Start: Sendable {
        let scheduledFor: Instant
        let latenessMilliseconds: Double
    }

    private static let starts = Mutex<[Start]>([])

    static func note(_ scheduledFor: Date, begun: timespec) {
        let due = Instant(scheduledFor)
        let seconds = Double(Int64(begun.tv_sec) - due.secondsSinceEpoch)
        let start = Start(
            scheduledFor: due,
            latenessMilliseconds: seconds * 1e3 + Double(begun.tv_nsec) / 1e6)
        starts.withLock { $0.append(start) }
    }

    /// Takes out what was noted.
    static func take() -> [Start] {
        starts.withLock { starts in
            defer { starts = [] }
            return starts
        }
    }
}
