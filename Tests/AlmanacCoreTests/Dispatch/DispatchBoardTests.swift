import AlmanacTesting
import Foundation
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("The board that hands occurrences to workers")
struct DispatchBoardTests {
    private func due(_ job: String, _ seconds: Int64 = 0) -> DispatchBoard.Item {
        .occurrence(Occurrence(job: job, scheduledFor: Instant(secondsSinceEpoch: seconds)))
    }

    private func attempt(_ job: String, _ seconds: Int64 = 0, number: Int = 2) -> DispatchBoard.Item
    {
        let due = Date(timeIntervalSince1970: Double(seconds) + 0.5)
        let digits = String(seconds, radix: 16)
        let id =
            "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
        return .queued(
            QueuedRun(
                runID: UUID(uuidString: id) ?? UUID(), job: job,
                scheduledFor: Date(timeIntervalSince1970: 0), number: number, trigger: .schedule,
                notBefore: due, priority: 0, version: nil))
    }

    @Test("attempts and occurrences wait in one line, in the order in which they were due")
    func mixed() {
        var board = DispatchBoard(workers: 1)
        _ = board.handle(.enqueue(due("busy")))
        let items = [due("late", 30), attempt("again", 20), due("early", 10), attempt("x", 25)]
        for item in items { _ = board.handle(.enqueue(item)) }
        var handed: [DispatchBoard.Item] = []
        for _ in 1...4 {
            for case .assign(let item, _) in board.handle(.freed(worker: 1)) { handed.append(item) }
        }
        #expect(handed == [items[2], items[1], items[3], items[0]])
    }

    @Test("an attempt that is found queued again and again waits once")
    func foundAgain() {
        var board = DispatchBoard(workers: 1)
        _ = board.handle(.enqueue(due("busy")))
        for _ in 1...3 { #expect(board.handle(.enqueue(attempt("a", 5))) == []) }
        #expect(board.waitingCount == 1)
        #expect(board.handle(.freed(worker: 1)) == [.assign(attempt("a", 5), worker: 1)])
        #expect(board.handle(.freed(worker: 1)) == [])
        #expect(board.isQuiet)
    }

    @Test("an attempt whose claim was refused is not handed out again before its time")
    func refusedAttempt() {
        var board = DispatchBoard(workers: 1)
        _ = board.handle(.enqueue(attempt("a", 5)))
        _ = board.handle(.refused(attempt("a", 5), worker: 1))
        #expect(board.handle(.enqueue(attempt("a", 5))) == [])
        #expect(board.handle(.renewed(attempt("a", 5))) == [.assign(attempt("a", 5), worker: 1)])
    }

    @Test("hands out at once while a worker is free, then one for each worker that comes back")
    func handsOut() {
        var board = DispatchBoard(workers: 2)
        #expect(board.handle(.enqueue(due("a"))) == [.assign(due("a"), worker: 1)])
        #expect(board.handle(.enqueue(due("b"))) == [.assign(due("b"), worker: 2)])
        #expect(board.handle(.enqueue(due("c"))) == [])
        #expect(board.waitingCount == 1)
        #expect(board.handle(.freed(worker: 2)) == [.assign(due("c"), worker: 2)])
        #expect(board.handle(.freed(worker: 1)) == [])
        #expect(board.busyCount == 1)
        #expect(board.handle(.freed(worker: 2)) == [])
        #expect(board.isQuiet)
    }

    @Test("hands out in the order in which they were due, then in that of their arrival")
    func order() {
        var board = DispatchBoard(workers: 1)
        _ = board.handle(.enqueue(due("busy")))
        for occurrence in [due("late", 30), due("x", 20), due("early", 10), due("y", 20)] {
            _ = board.handle(.enqueue(occurrence))
        }
        var handed: [String] = []
        for _ in 1...4 {
            for case .assign(let item, _) in board.handle(.freed(worker: 1)) {
                handed.append(item.job)
            }
        }
        #expect(handed == ["early", "x", "y", "late"])
    }

    @Test("a withdrawn occurrence is not handed out, unless it comes again")
    func withdrawn() {
        var board = DispatchBoard(workers: 1)
        _ = board.handle(.enqueue(due("busy")))
        _ = board.handle(.enqueue(due("a")))
        _ = board.handle(.withdraw(due("a")))
        #expect(board.waitingCount == 0)
        #expect(board.handle(.freed(worker: 1)) == [])
        _ = board.handle(.enqueue(due("busy")))
        _ = board.handle(.enqueue(due("a")))
        _ = board.handle(.withdraw(due("a")))
        _ = board.handle(.enqueue(due("a")))
        #expect(board.handle(.freed(worker: 1)) == [.assign(due("a"), worker: 1)])
        #expect(board.handle(.freed(worker: 1)) == [])
    }

    @Test("an occurrence whose claim was refused waits apart, and holds up nobody")
    func refused() {
        var board = DispatchBoard(workers: 1)
        _ = board.handle(.enqueue(due("bad", 1)))
        _ = board.handle(.enqueue(due("good", 2)))
        #expect(
            board.handle(.refused(due("bad", 1), worker: 1)) == [.assign(due("good", 2), worker: 1)]
        )
        #expect(board.waitingCount == 1)
        #expect(!board.isQuiet)
        #expect(board.handle(.freed(worker: 1)) == [])
        #expect(board.handle(.renewed(due("bad", 1))) == [.assign(due("bad", 1), worker: 1)])
        _ = board.handle(.freed(worker: 1))
        #expect(board.isQuiet)
    }

    @Test("what was withdrawn after its claim was refused does not come back")
    func refusedAndWithdrawn() {
        var board = DispatchBoard(workers: 1)
        _ = board.handle(.enqueue(due("bad")))
        _ = board.handle(.refused(due("bad"), worker: 1))
        _ = board.handle(.withdraw(due("bad")))
        #expect(board.isQuiet)
        #expect(board.handle(.renewed(due("bad"))) == [])
    }

    @Test("what was refused does not keep a node from ending")
    func refusedAtTheEnd() {
        var board = DispatchBoard(workers: 1)
        _ = board.handle(.enqueue(due("bad")))
        _ = board.handle(.drain)
        #expect(board.handle(.refused(due("bad"), worker: 1)) == [.drained])
        #expect(board.handle(.renewed(due("bad"))) == [.drained])
    }

    @Test("an occurrence that could not be claimed waits until the database may be back")
    func returned() {
        var board = DispatchBoard(workers: 2)
        _ = board.handle(.enqueue(due("a")))
        #expect(board.handle(.returned(due("a"), worker: 1)) == [])
        #expect(board.handle(.enqueue(due("b"))) == [])
        #expect(board.busyCount == 0)
        #expect(board.waitingCount == 2)
        let resumed = board.handle(.resume)
        #expect(resumed.count == 2)
    }

    @Test("draining hands out nothing more and ends with the last worker")
    func drain() {
        var board = DispatchBoard(workers: 2)
        _ = board.handle(.enqueue(due("a")))
        _ = board.handle(.enqueue(due("b")))
        #expect(board.handle(.drain) == [])
        #expect(board.handle(.enqueue(due("c"))) == [])
        #expect(board.handle(.freed(worker: 1)) == [])
        #expect(board.handle(.freed(worker: 2)) == [.drained])
    }

    @Test("draining an idle board ends at once")
    func drainIdle() {
        var board = DispatchBoard(workers: 3)
        #expect(board.handle(.drain) == [.drained])
    }

    @Test(
        "in any order of events each item is out at most once and no worker has two",
        arguments: [1, 2, 3, 4, 5] as [UInt64])
    func random(seed: UInt64) {
        var generator = SimulatedRandom(seed: seed)
        var board = DispatchBoard(workers: 3)
        var busy: [Int: DispatchBoard.Item] = [:]
        var waiting: Set<DispatchBoard.Item> = []
        func carryOut(_ actions: [DispatchBoard.Action]) {
            for case .assign(let item, let worker) in actions {
                #expect(busy[worker] == nil, "seed \(seed): worker \(worker) has two")
                #expect(
                    waiting.remove(item) != nil, "seed \(seed): \(item) was not waiting"
                )
                busy[worker] = item
            }
        }
        for step in 1...2_000 {
            let job = "job \(step % 7)"
            let item =
                Bool.random(using: &generator)
                ? due(job, Int64(step)) : attempt(job, Int64(step))
            switch Int.random(in: 0..<6, using: &generator) {
            case 0, 1:
                waiting.insert(item)
                carryOut(board.handle(.enqueue(item)))
            case 4:
                // The next look finds it still queued.
                guard let found = waiting.randomElement(using: &generator) else { continue }
                carryOut(board.handle(.enqueue(found)))
            case 2:
                guard let gone = waiting.randomElement(using: &generator) else { continue }
                waiting.remove(gone)
                carryOut(board.handle(.withdraw(gone)))
            case 3:
                guard let worker = busy.keys.randomElement(using: &generator) else { continue }
                busy[worker] = nil
                carryOut(board.handle(.freed(worker: worker)))
            default:
                guard let (worker, held) = busy.randomElement(using: &generator) else { continue }
                busy[worker] = nil
                waiting.insert(held)
                carryOut(board.handle(.returned(held, worker: worker)))
                carryOut(board.handle(.resume))
            }
            #expect(board.waitingCount == waiting.count, "seed \(seed), step \(step)")
            #expect(board.busyCount == busy.count, "seed \(seed), step \(step)")
            #expect(waiting.isEmpty || busy.count == 3, "seed \(seed): idle while work waits")
        }
    }
}
