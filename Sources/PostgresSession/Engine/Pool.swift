internal import Dispatch

/// Who has which connection. Pure bookkeeping: it neither connects nor waits.
struct Pool {
    /// A connection nobody uses.
    // Safe because a connection is reachable either from here or from the one who checked it out.
    struct Parked: @unchecked Sendable {
        let connection: Connection
        let idleSince: Double

        init(_ connection: Connection, idleSince: Double) {
            self.connection = connection
            self.idleSince = idleSince
        }
    }

    /// The answer to a request for a connection.
    enum Answer: Sendable {
        /// This one.
        case idle(Parked, ticket: Int)
        /// A new one may be made.
        case open(ticket: Int)
        /// Wait for the signal and ask again.
        case wait(DispatchSemaphore)
        /// No more.
        case closed
    }

    private let size: Int
    private let overflow: Int
    private var idle: [Parked] = []
    private var holders: [Int: (name: String, since: Double)] = [:]
    private var waiting: [DispatchSemaphore] = []
    /// Who was told that a connection is free and has not asked for it yet. Their places are not
    /// given to others, who came later.
    private var called: [DispatchSemaphore] = []
    private var tickets = 0
    private var isClosed = false

    init(size: Int, overflow: Int = 0) {
        self.size = size
        self.overflow = overflow
    }

    /// - Parameter signal: the one that was waited for, if this is the second time of asking.
    mutating func take(
        for holder: String, at now: Double, after signal: DispatchSemaphore? = nil
    ) -> Answer {
        called.removeAll { $0 === signal }
        guard !isClosed else { return .closed }
        guard holders.count + called.count < size + overflow else {
            let signal = DispatchSemaphore(value: 0)
            waiting.append(signal)
            return .wait(signal)
        }
        tickets += 1
        holders[tickets] = (holder, now)
        return idle.popLast().map { .idle($0, ticket: tickets) } ?? .open(ticket: tickets)
    }

    /// Takes back what was taken by `ticket`; false if the connection is not to be kept.
    mutating func put(_ parked: Parked?, _ ticket: Int) -> Bool {
        holders[ticket] = nil
        // One more than the pool holds is of use only to somebody who waits.
        let isWanted = !waiting.isEmpty || holders.count + called.count + idle.count < size
        let isKept = parked != nil && !isClosed && isWanted
        if let parked, isKept { idle.append(parked) }
        wakeNext()
        return isKept
    }

    /// Gives up waiting; a signal that came too late goes to the next.
    mutating func stopWaiting(_ signal: DispatchSemaphore) {
        if let index = waiting.firstIndex(where: { $0 === signal }) {
            waiting.remove(at: index)
        } else {
            called.removeAll { $0 === signal }
            wakeNext()
        }
    }

    mutating func close() -> [Parked] {
        isClosed = true
        defer { idle = [] }
        while !waiting.isEmpty { wakeNext() }
        return idle
    }

    func holders(at now: Double) -> [Engine.Statistics.Holder] {
        holders.values.map { .init(name: $0.name, heldSeconds: now - $0.since) }
            .sorted { $0.heldSeconds > $1.heldSeconds }
    }

    func statistics(at now: Double) -> Engine.Statistics {
        .init(idle: idle.count, waiting: waiting.count, holders: holders(at: now))
    }

    private mutating func wakeNext() {
        guard !waiting.isEmpty else { return }
        let next = waiting.removeFirst()
        called.append(next)
        next.signal()
    }
}
