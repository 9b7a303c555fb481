import Foundation

/// What of the queue a node waits for, and how it goes about looking for what may run.
struct AttemptBook {
    /// The attempts that this node has queued itself and that have not ended yet: it stays for
    /// them when it is to stop once it is idle.
    private(set) var awaited: Set<UUID> = []
    private var hasLooked = false
    private var isLooking = false
    private var isAskedAgain = false
    /// Whether anything in the queue waits for what happens by itself, such as the end of a run.
    var isPending = false

    /// Whether nothing is waited for, and it is known what others have left.
    var isSettled: Bool { hasLooked && !isLooking && awaited.isEmpty && !isPending }

    /// An attempt was queued.
    mutating func expect(_ runID: UUID) { awaited.insert(runID) }

    /// An attempt has ended, or is another node's.
    mutating func settle(_ runID: UUID) { awaited.remove(runID) }

    /// Whether to look now. One look at a time: what is asked for meanwhile is seen by the next.
    mutating func beginsLook() -> Bool {
        isAskedAgain = isLooking
        guard !isLooking else { return false }
        isLooking = true
        return true
    }

    /// A look has ended.
    ///
    /// - Returns: whether to look again at once.
    mutating func endLook(hasFailed: Bool) -> Bool {
        if !hasFailed { hasLooked = true }
        isLooking = false
        return isAskedAgain && !hasFailed
    }

    /// Forgets those of the ones asked for that are neither queued any more nor held here: another
    /// node has them, or they were given up.
    mutating func keep(_ waiting: Set<UUID>, of asked: Set<UUID>, held: (UUID) -> Bool) {
        awaited = awaited.filter { !asked.contains($0) || waiting.contains($0) || held($0) }
    }
}
