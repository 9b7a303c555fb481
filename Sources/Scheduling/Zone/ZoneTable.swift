internal import Foundation
internal import Synchronization

/// All changes of one zone's offset, as segments of constant offset.
final class ZoneTable: Sendable {
    /// The first second of each segment; the first segment begins at `Int64.min`.
    let starts: [Int64]

    /// The offset from UTC in each segment, in seconds.
    let offsets: [Int64]

    /// For each segment, the wall-clock time that lies right behind all that the clock has shown
    /// before the segment began. It only grows, where the clock itself is set back.
    private let highWater: [Int64]

    /// A zone that begins with an offset and changes it at the given seconds, in ascending order.
    init(initialOffset: Int64, changes: [(second: Int64, offset: Int64)]) {
        var starts = [Int64.min]
        var offsets = [initialOffset]
        var highWater = [Int64.min]
        for change in changes {
            guard let lastOffset = offsets.last, let lastHigh = highWater.last,
                change.offset != lastOffset
            else { continue }
            highWater.append(max(lastHigh, change.second + lastOffset))
            starts.append(change.second)
            offsets.append(change.offset)
        }
        self.starts = starts
        self.offsets = offsets
        self.highWater = highWater
    }

    /// The segment of an instant.
    func index(at second: Int64) -> Int {
        Self.lastIndex(in: starts, notAbove: second)
    }

    /// The first second after a segment.
    func end(of index: Int) -> Int64 {
        index + 1 < starts.count ? starts[index + 1] : .max
    }

    /// The latest wall-clock time shown up to and including an instant. In the second pass of a
    /// repeated hour that is the end of the first.
    func highestWall(at second: Int64) -> Int64 {
        let index = index(at: second)
        let shown = second + offsets[index]
        return index == 0 ? shown : max(shown, highWater[index] - 1)
    }

    /// The first instant whose wall clock shows `wall` or, where that is skipped, something later.
    func firstInstant(reachingWall wall: Int64) -> Int64 {
        let index = Self.lastIndex(in: highWater, notAbove: wall)
        return max(starts[index], wall - offsets[index])
    }

    private static func lastIndex(in sorted: [Int64], notAbove value: Int64) -> Int {
        var low = 0
        var high = sorted.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if sorted[middle] <= value { low = middle } else { high = middle }
        }
        return low
    }
}

extension ZoneTable {
    /// Tables made so far. It cannot outgrow the number of zones there are.
    private static let known = Mutex<[String: ZoneTable]>([:])

    /// The table of a zone, or `nil` if no zone has exactly this name.
    static func named(_ identifier: String) -> ZoneTable? {
        if let table = known.withLock({ $0[identifier] }) { return table }
        guard ZoneNames.isAcceptable(identifier), let zone = TimeZone(identifier: identifier) else {
            return nil
        }
        let table = ZoneTable(reading: zone)
        return known.withLock { tables in
            if let table = tables[identifier] { return table }
            tables[identifier] = table
            return table
        }
    }

    /// Reads every change that Foundation knows of up to the end of 2199.
    ///
    /// Foundation reports changes of the rules as well as daylight-saving time, and some that
    /// leave the offset as it was; the initializer drops these.
    private convenience init(reading zone: TimeZone) {
        // A little before 1970, so that the wall-clock times around its first midnight are right.
        let start = -2 * 86_400.0
        let end = Double(Instant.distantFuture.secondsSinceEpoch + 2 * 86_400)
        var changes: [(second: Int64, offset: Int64)] = []
        var date = Date(timeIntervalSince1970: start)
        let initial = zone.secondsFromGMT(for: date)
        while let next = zone.nextDaylightSavingTimeTransition(after: date), next > date,
            next.timeIntervalSince1970 < end
        {
            let offset = zone.secondsFromGMT(for: next)
            changes.append((Int64(next.timeIntervalSince1970), Int64(offset)))
            date = next
        }
        self.init(initialOffset: Int64(initial), changes: changes)
    }
}
