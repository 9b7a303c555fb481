import HeapModule
package import Scheduling

/// Which occurrence goes to which worker: the decision alone, without thread or clock.
///
/// Occurrences wait in the order in which they were due. One is handed out only when a worker is
/// free, because being handed out leads to its claim, and a claim without a worker would keep it
/// from every other node.
package struct DispatchBoard: Sendable {
    /// What happens around the board.
    package enum Event: Sendable, Hashable {
        /// An occurrence has come due.
        case enqueue(Occurrence)
        /// An occurrence need not be run any more.
        case withdraw(Occurrence)
        /// A worker has ended what it was given and is free.
        case freed(worker: Int)
        /// A worker could not reach the database; it is free, its occurrence was not claimed.
        case returned(Occurrence, worker: Int)
        /// The database refused the claim of this one; its worker is free, and it waits apart.
        case refused(Occurrence, worker: Int)
        /// What was refused may be tried again.
        case renewed(Occurrence)
        /// The database may be back.
        case resume
        /// Nothing more is to be handed out.
        case drain
    }

    /// What is to be done.
    package enum Action: Sendable, Hashable {
        /// Give this occurrence to this worker.
        case assign(Occurrence, worker: Int)
        /// Everything that was handed out has come back after `drain`.
        case drained
    }

    private struct Waiting: Comparable, Sendable {
        let occurrence: Occurrence
        let number: Int

        static func < (one: Waiting, other: Waiting) -> Bool {
            (one.occurrence.scheduledFor, one.number)
                < (other.occurrence.scheduledFor, other.number)
        }
    }

    private var waiting = Heap<Waiting>()
    /// What of `waiting` is still wanted: a heap has no removal from its middle.
    private var wanted: Set<Occurrence> = []
    private var idle: [Int]
    private var arrivals = 0
    private var isHeld = false
    private var isDraining = false

    /// How many workers have something to do.
    package private(set) var busyCount = 0
    /// How many occurrences wait for a worker.
    package var waitingCount: Int { wanted.count }
    /// Whether nothing waits and nobody works.
    package var isQuiet: Bool { waitingCount == 0 && busyCount == 0 }

    /// A board with workers 1 to `workers`, all free.
    package init(workers: Int) {
        idle = Array((1...max(1, workers)).reversed())
    }

    /// Takes note of what has happened and says what is to be done.
    package mutating func handle(_ event: Event) -> [Action] {
        switch event {
        case .enqueue(let occurrence): enqueue(occurrence)
        case .withdraw(let occurrence): wanted.remove(occurrence)
        case .freed(let worker): free(worker)
        case .returned(let occurrence, let worker):
            free(worker)
            enqueue(occurrence)
            isHeld = true
        case .refused(let occurrence, let worker):
            free(worker)
            wanted.insert(occurrence)
        case .renewed(let occurrence):
            // Not if it was withdrawn meanwhile.
            if wanted.contains(occurrence) { enqueue(occurrence) }
        case .resume: isHeld = false
        case .drain: isDraining = true
        }
        if isDraining { return busyCount == 0 ? [.drained] : [] }
        return isHeld ? [] : assignments()
    }

    private mutating func enqueue(_ occurrence: Occurrence) {
        arrivals += 1
        wanted.insert(occurrence)
        waiting.insert(Waiting(occurrence: occurrence, number: arrivals))
    }

    private mutating func free(_ worker: Int) {
        busyCount -= 1
        idle.append(worker)
    }

    private mutating func assignments() -> [Action] {
        var actions: [Action] = []
        while !idle.isEmpty, let first = waiting.popMin() {
            guard wanted.remove(first.occurrence) != nil else { continue }
            // The one that was free last: its connection is the warmest.
            let worker = idle.removeLast()
            busyCount += 1
            actions.append(.assign(first.occurrence, worker: worker))
        }
        return actions
    }
}
