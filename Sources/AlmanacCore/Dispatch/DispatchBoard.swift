import HeapModule
package import Scheduling

/// What is to be run goes to which worker: the decision alone, without thread or clock.
///
/// Items wait by priority, and those of one priority in the order in which they were due. One is
/// handed out only when a worker is free, because being handed out leads to its claim, and a claim
/// without a worker would keep it from every other node.
package struct DispatchBoard: Sendable {
    /// What is to be run.
    package enum Item: Sendable, Hashable {
        /// An occurrence, which has no row yet.
        case occurrence(Occurrence)
        /// A run that is queued in the ledger.
        case queued(QueuedRun)

        /// The job to run.
        var job: String {
            switch self {
            case .occurrence(let occurrence): occurrence.job
            case .queued(let run): run.job
            }
        }

        /// When it was due.
        fileprivate var due: Instant {
            switch self {
            case .occurrence(let occurrence): occurrence.scheduledFor
            case .queued(let run): Instant(run.notBefore)
            }
        }
    }

    /// What happens around the board.
    package enum Event: Sendable, Hashable {
        /// An item has come due; nothing new if it waits already.
        case enqueue(Item)
        /// An item need not be run any more.
        case withdraw(Item)
        /// Nothing that waits need be run any more.
        case withdrawAll
        /// A worker has ended what it was given and is free.
        case freed(worker: Int)
        /// A worker could not reach the database; it is free, its item was not claimed.
        case returned(Item, worker: Int)
        /// The database refused the claim of this one; its worker is free, and it waits apart.
        case refused(Item, worker: Int)
        /// What was refused may be tried again.
        case renewed(Item)
        /// The database may be back.
        case resume
        /// The jobs whose occurrences go before others or after them: what comes from now on.
        case prioritize([String: Int])
        /// Nothing more is to be handed out.
        case drain
    }

    /// What is to be done.
    package enum Action: Sendable, Hashable {
        /// Give this item to this worker.
        case assign(Item, worker: Int)
        /// Everything that was handed out has come back after `drain`.
        case drained
    }

    private struct Waiting: Comparable, Sendable {
        let item: Item
        let priority: Int
        let number: Int

        static func < (one: Waiting, other: Waiting) -> Bool {
            guard one.priority == other.priority else { return one.priority > other.priority }
            return (one.item.due, one.number) < (other.item.due, other.number)
        }
    }

    /// Jobs whose occurrences do not have priority 0.
    private var priorities: [String: Int] = [:]

    private var waiting = Heap<Waiting>()
    /// What of `waiting` is still wanted: a heap has no removal from its middle.
    private var wanted: Set<Item> = []
    private var idle: [Int]
    private var arrivals = 0
    private var isHeld = false
    private var isDraining = false

    /// How many workers have something to do.
    package private(set) var busyCount = 0
    /// How many items wait for a worker.
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
        case .enqueue(let item):
            if !wanted.contains(item) { enqueue(item) }
        case .withdraw(let item): wanted.remove(item)
        case .withdrawAll: wanted = []
        case .freed(let worker): free(worker)
        case .returned(let item, let worker):
            free(worker)
            enqueue(item)
            isHeld = true
        case .refused(let item, let worker):
            free(worker)
            wanted.insert(item)
        case .renewed(let item):
            // Not if it was withdrawn meanwhile.
            if wanted.contains(item) { enqueue(item) }
        case .resume: isHeld = false
        case .prioritize(let jobs): priorities = jobs
        case .drain: isDraining = true
        }
        if isDraining { return busyCount == 0 ? [.drained] : [] }
        return isHeld ? [] : assignments()
    }

    private mutating func enqueue(_ item: Item) {
        arrivals += 1
        wanted.insert(item)
        waiting.insert(Waiting(item: item, priority: priority(of: item), number: arrivals))
    }

    private func priority(of item: Item) -> Int {
        switch item {
        case .occurrence(let occurrence): priorities[occurrence.job] ?? 0
        case .queued(let run): run.priority
        }
    }

    private mutating func free(_ worker: Int) {
        busyCount -= 1
        idle.append(worker)
    }

    private mutating func assignments() -> [Action] {
        var actions: [Action] = []
        while !idle.isEmpty, let first = waiting.popMin() {
            guard wanted.remove(first.item) != nil else { continue }
            // The one that was free last: its connection is the warmest.
            let worker = idle.removeLast()
            busyCount += 1
            actions.append(.assign(first.item, worker: worker))
        }
        return actions
    }
}
