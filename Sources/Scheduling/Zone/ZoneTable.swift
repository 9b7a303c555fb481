internal import Foundation
internal import Synchronization

/// All changes of one zone's offset, as segments of constant offset.
final class ZoneTable: Sendable {
    /// A stretch of time in which the offset stays the same.
    struct Segment: Sendable {
        /// The first second; of the first segment, `Int64.min`.
        let start: Int64
        /// The first second after it; of the last segment, `Int64.max`.
        let end: Int64
        /// The offset from UTC, in seconds.
        let offset: Int64
        /// The wall-clock time that lies right behind all that the clock has shown before the
        /// segment began. It only grows, where the clock itself is set back.
        let highWater: Int64
        /// The earliest wall-clock time that the clock shows after the segment's end.
        let lowWater: Int64

        /// What the clock shows at the start.
        @inline(__always)
        var startWall: Int64 { start == .min ? .min : start + offset }
        /// What the clock would show at the end, were it not set then.
        @inline(__always)
        var endWall: Int64 { end == .max ? .max : end + offset }
    }

    /// In ascending order, without a gap; never empty.
    let segments: [Segment]

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
        var lowWater = Int64.max
        var segments: [Segment] = []
        for index in starts.indices.reversed() {
            let isLast = index + 1 == starts.count
            segments.append(
                Segment(
                    start: starts[index], end: isLast ? .max : starts[index + 1],
                    offset: offsets[index], highWater: highWater[index], lowWater: lowWater))
            if index > 0 { lowWater = min(lowWater, starts[index] + offsets[index]) }
        }
        self.segments = segments.reversed()
    }

    /// The segment of an instant.
    @inline(__always)
    func index(at second: Int64) -> Int {
        lastIndex { $0.start <= second }
    }

    /// The first instant whose wall clock shows `wall` or, where that is skipped, something later.
    func firstInstant(reachingWall wall: Int64) -> Int64 {
        let segment = segments[lastIndex { $0.highWater <= wall }]
        return max(segment.start, wall - segment.offset)
    }

    /// Whether the clock shows a wall-clock time after the end of a segment.
    func shows(_ wall: Int64, after index: Int) -> Bool {
        guard wall >= segments[index].lowWater else { return false }
        return segments[(index + 1)...].contains { $0.startWall <= wall && wall < $0.endWall }
    }

    /// Whether the clock shows a wall-clock time before the start of a segment.
    func shows(_ wall: Int64, before index: Int) -> Bool {
        guard wall < segments[index].highWater else { return false }
        return segments[..<index].contains { $0.startWall <= wall && wall < $0.endWall }
    }

    /// The last segment for which a condition holds that holds for the first one, and for none
    /// after one for which it does not.
    @inline(__always)
    private func lastIndex(where holds: (Segment) -> Bool) -> Int {
        segments.withUnsafeBufferPointer { segments in
            var low = 0
            var high = segments.count
            while high - low > 1 {
                let middle = (low + high) / 2
                if holds(segments[middle]) { low = middle } else { high = middle }
            }
            return low
        }
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
