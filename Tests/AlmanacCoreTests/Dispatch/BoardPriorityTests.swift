import Foundation
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("The board and priorities")
struct BoardPriorityTests {
    private func due(_ job: String, _ seconds: Int64) -> DispatchBoard.Item {
        .occurrence(Occurrence(job: job, scheduledFor: Instant(secondsSinceEpoch: seconds)))
    }

    private func queued(_ job: String, _ seconds: Int64, priority: Int) -> DispatchBoard.Item {
        let instant = Date(timeIntervalSince1970: Double(seconds))
        return .queued(
            QueuedRun(
                runID: UUID(), job: job, scheduledFor: instant, number: 1, trigger: .manual,
                notBefore: instant, priority: priority, version: nil))
    }

    /// The jobs in the order in which one worker gets them.
    private func order(
        _ items: [DispatchBoard.Item], priorities: [String: Int]
    ) -> [String] {
        var board = DispatchBoard(workers: 1)
        _ = board.handle(.prioritize(priorities))
        _ = board.handle(.enqueue(due("busy", 0)))
        for item in items { _ = board.handle(.enqueue(item)) }
        var jobs: [String] = []
        while !board.isQuiet {
            for case .assign(let item, _) in board.handle(.freed(worker: 1)) {
                jobs.append(item.job)
            }
        }
        return jobs
    }

    @Test("the higher goes first, and of the same the one that was due first")
    func highest() {
        let items = [due("low", 1), due("usual", 3), due("high", 4), due("other", 2)]
        #expect(
            order(items, priorities: ["low": -5, "high": 7])
                == ["high", "other", "usual", "low"])
    }

    @Test("queued runs have the priority of their rows, and stand in the same line")
    func rows() {
        let items = [
            due("usual", 1), queued("urgent", 9, priority: 5), queued("later", 0, priority: -1),
            due("high", 2),
        ]
        #expect(
            order(items, priorities: ["high": 5, "urgent": -100])
                == ["high", "urgent", "usual", "later"])
    }

    @Test("what comes back from a worker keeps its place")
    func returned() {
        var board = DispatchBoard(workers: 1)
        _ = board.handle(.prioritize(["high": 1]))
        #expect(board.handle(.enqueue(due("high", 5))) == [.assign(due("high", 5), worker: 1)])
        _ = board.handle(.enqueue(due("usual", 1)))
        #expect(board.handle(.returned(due("high", 5), worker: 1)) == [])
        #expect(board.handle(.resume) == [.assign(due("high", 5), worker: 1)])
    }

    @Test("new priorities count for what comes from then on")
    func changed() {
        var board = DispatchBoard(workers: 1)
        _ = board.handle(.enqueue(due("busy", 0)))
        _ = board.handle(.enqueue(due("a", 2)))
        _ = board.handle(.prioritize(["b": 3]))
        _ = board.handle(.enqueue(due("b", 9)))
        #expect(board.handle(.freed(worker: 1)) == [.assign(due("b", 9), worker: 1)])
    }
}
