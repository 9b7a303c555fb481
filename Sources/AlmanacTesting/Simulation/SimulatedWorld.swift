import AlmanacCore
import Foundation
import Logging
import PostgresSession
import Scheduling

/// Time, the server, and the wires between it and the processes.
///
/// True time is that of the server's clock. All that happens is a closure with its moment; of two
/// at one moment the one that was asked for first comes first.
// Safe because a night and all that belongs to it is used by one thread.
final class SimulatedWorld: @unchecked Sendable {
    private(set) var now: SimulatedTime
    var ledger: SimulatedLedger
    /// For what the wires and the server do.
    var random: SimulatedRandom
    var isServerUp = true
    /// How likely it is that a statement or its answer is lost.
    var lossRate = 0.0
    /// How likely it is that a statement takes long.
    var slowRate = 0.0
    /// Called after each statement.
    var check: () -> Void = {}
    /// Whom calls on the ledger's channel reach.
    var call: (LedgerCall) -> Void = { _ in }
    let site: SimulatedSite
    let engine = Engine("")
    var schedules: [String: SimulatedSchedule] = [:]
    /// What happened, if that is wanted.
    private(set) var trace: [String]?
    private(set) var eventCount = 0
    private var upcoming = MomentQueue()
    private var lastBackend = 0

    init(at start: SimulatedTime, site: SimulatedSite, random: SimulatedRandom, isTraced: Bool) {
        now = start
        self.site = site
        self.random = random
        ledger = SimulatedLedger(now: start, random: self.random.fork())
        trace = isTraced ? [] : nil
    }

    // MARK: Time

    func after(_ span: SimulatedTime, _ deed: @escaping () -> Void) {
        upcoming.insert(at: now + max(0, span), deed)
    }

    /// Lets the next thing happen.
    ///
    /// - Returns: false when nothing is left up to the end.
    func step(until end: SimulatedTime) -> Bool {
        guard let (moment, deed) = upcoming.removeFirst(until: end) else {
            now = max(now, end)
            return false
        }
        now = moment
        eventCount += 1
        deed()
        return true
    }

    /// Lets nothing happen any more: what would, holds on to all that it is about.
    func end() { upcoming = MomentQueue() }

    func note(_ text: @autoclosure () -> String) {
        guard trace != nil else { return }
        let second = Instant(now.date)
        let fraction = String(now % 1_000_000 + 1_000_000).dropFirst()
        trace?.append("\(second) .\(fraction) \(text())")
    }

    // MARK: The server

    func makeBackend() -> Int {
        lastBackend += 1
        ledger.backends.insert(lastBackend)
        return lastBackend
    }

    func end(_ backend: Int?) {
        if let backend { ledger.backends.remove(backend) }
    }

    /// Executes a statement, or a transaction.
    func execute<Answer>(
        on backend: Int, _ statement: (inout SimulatedLedger, Int) -> Answer
    ) -> Answer {
        ledger.now = now
        let answer = statement(&ledger, backend)
        check()
        return answer
    }

    /// How long a message is under way.
    func latency() -> SimulatedTime {
        if slowRate > 0, random.chance(slowRate) {
            return random.span(.milliseconds(100) ... .seconds(20))
        }
        return SimulatedTime(random.int(100...2_000))
    }
}

/// Deeds by their moments.
private struct MomentQueue {
    private struct Entry {
        let moment: SimulatedTime
        let number: Int
        let deed: () -> Void

        static func < (one: Entry, other: Entry) -> Bool {
            one.moment == other.moment ? one.number < other.number : one.moment < other.moment
        }
    }

    private var heap: [Entry] = []
    private var count = 0

    mutating func insert(at moment: SimulatedTime, _ deed: @escaping () -> Void) {
        count += 1
        heap.append(Entry(moment: moment, number: count, deed: deed))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child] < heap[parent] else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst(
        until end: SimulatedTime
    ) -> (moment: SimulatedTime, deed: () -> Void)? {
        guard let first = heap.first, first.moment <= end else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        return (first.moment, first.deed)
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child] < heap[least] {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
