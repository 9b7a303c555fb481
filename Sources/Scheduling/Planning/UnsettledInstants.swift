/// A multiset of instants that knows its earliest.
struct UnsettledInstants: Sendable {
    private var counts: [Instant: Int] = [:]
    /// Each instant of `counts` at least once, and possibly some that are gone, but never on top.
    private var heap = MinHeap<Instant>()

    var earliest: Instant? { heap.min }

    mutating func insert(_ instant: Instant) {
        let count = counts[instant, default: 0]
        counts[instant] = count + 1
        if count == 0 { heap.insert(instant) }
    }

    mutating func remove(_ instant: Instant) {
        guard let count = counts[instant] else { return }
        counts[instant] = count > 1 ? count - 1 : nil
        while let top = heap.min, counts[top] == nil { _ = heap.removeMin() }
        // While an early instant stays, those that are gone pile up behind it.
        if heap.count > 2 * counts.count + 64 { heap = MinHeap(Array(counts.keys)) }
    }
}
