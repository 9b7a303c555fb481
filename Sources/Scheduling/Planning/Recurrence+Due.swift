/// What of one recurrence is due in a stretch of time.
struct DueInstants: Equatable {
    /// How many instants are listed one by one at most.
    static let listed = 100

    /// The latest instant.
    let latest: Instant
    /// The instants before the latest, if there are any.
    let earlier: InstantRange?
    /// The first instant that is not due yet.
    let following: Instant?

    /// The earlier ones and the latest together.
    var all: InstantRange {
        guard let earlier else {
            return InstantRange(first: latest, last: latest, count: 1, instants: [latest])
        }
        let isListed = earlier.count < Self.listed
        return InstantRange(
            first: earlier.first, last: latest, count: earlier.count + 1,
            instants: isListed ? earlier.instants.map { $0 + [latest] } : nil)
    }
}

/// Some consecutive instants of one recurrence.
struct InstantRange: Equatable {
    let first: Instant
    let last: Instant
    let count: Int
    /// All of them, if they are few.
    let instants: [Instant]?
}

extension Recurrence {
    /// The instants in `(start, end]`, of which `first` is known to be the first.
    ///
    /// Takes constant memory, and constant time for a fixed rate.
    func due(from first: Instant, through end: Instant) -> DueInstants {
        if case .every(let seconds, _) = self {
            return due(from: first, through: end, everySeconds: seconds)
        }
        var latest = first
        var beforeLatest = first
        var count = 0
        var list: [Instant] = []
        var following = next(after: first)
        while let next = following, next <= end {
            if count < DueInstants.listed { list.append(latest) }
            beforeLatest = latest
            latest = next
            count += 1
            following = self.next(after: latest)
        }
        guard count > 0 else {
            return DueInstants(latest: latest, earlier: nil, following: following)
        }
        let earlier = InstantRange(
            first: first, last: beforeLatest, count: count,
            instants: count <= DueInstants.listed ? list : nil)
        return DueInstants(latest: latest, earlier: earlier, following: following)
    }

    private func due(
        from first: Instant, through end: Instant, everySeconds seconds: Int64
    ) -> DueInstants {
        let lastSecond = min(end, Instant.distantFuture.advanced(bySeconds: -1))
        let count = max(0, lastSecond.seconds(since: first) / seconds)
        let latest = first.advanced(bySeconds: count * seconds)
        let following = next(after: latest)
        guard count > 0 else {
            return DueInstants(latest: latest, earlier: nil, following: following)
        }
        let list =
            count <= DueInstants.listed
            ? (0..<count).map { first.advanced(bySeconds: $0 * seconds) } : nil
        let earlier = InstantRange(
            first: first, last: latest.advanced(bySeconds: -seconds), count: Int(count),
            instants: list)
        return DueInstants(latest: latest, earlier: earlier, following: following)
    }
}
