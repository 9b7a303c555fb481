import Foundation

@testable import Scheduling

/// Every minute, or second, of a stretch of time with what the clock on the wall shows, by
/// whatever says what a zone's offset is.
struct WallScan {
    let grain: Int64
    let start: Int64
    let end: Int64
    /// The first wall-clock time of the arrays, in grains since 1970.
    let base: Int64
    /// For each wall-clock time when it is shown first and last, in seconds; -1 if never.
    private(set) var first: [Int64]
    private(set) var last: [Int64]

    /// Looks some days further on both sides, so that what the edges see is right.
    static let margin: Int64 = 30 * 3_600

    init(_ zone: TimeZone, from start: Int64, through end: Int64, grain: Int64) {
        self.init(from: start, through: end, grain: grain) { second in
            Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(second))))
        }
    }

    /// - Parameter offset: the offset in seconds at a second since 1970.
    init(
        from start: Int64, through end: Int64, grain: Int64, offset: (Int64) -> Int64
    ) {
        self.grain = grain
        self.start = start
        self.end = end
        base = (start - 2 * Self.margin) / 86_400 * 86_400 / grain
        first = Array(repeating: -1, count: Int((end - start + 5 * Self.margin) / grain))
        last = first
        let (from, through, base) = (start - Self.margin, end + Self.margin, base)
        first.withUnsafeMutableBufferPointer { first in
            last.withUnsafeMutableBufferPointer { last in
                var quarter = from
                while quarter <= through {
                    let same = offset(quarter) == offset(quarter + 899) ? offset(quarter) : nil
                    var second = quarter
                    while second < quarter + 900 {
                        let place = Int((second + (same ?? offset(second))) / grain - base)
                        if first[place] < 0 { first[place] = second }
                        last[place] = second
                        second += grain
                    }
                    quarter += 900
                }
            }
        }
    }

    /// What a policy makes of an expression in `(start, end]`: instants and whether they run.
    func occurrences(_ cron: NaiveCron, _ policy: ClockChangePolicy) -> [NominalInstant] {
        let fold = policy.fold ?? (cron.isFixed ? .first : .both)
        let isSubstituted = policy.gap == .nextValid || (policy.gap == nil && cron.isFixed)
        var running: Set<Int64> = []
        var dropped: Set<Int64> = []
        let times = times(cron)
        var gapEnd = 0
        for day in (start - Self.margin) / 86_400...(end + Self.margin) / 86_400
        where cron.matchesDay(CivilTime(secondsSinceEpoch: day * 86_400)) {
            for time in times {
                let place = Int((day * 86_400 + time) / grain - base)
                if first[place] >= 0 {
                    if fold != .second { running.insert(first[place]) }
                    if fold != .first { running.insert(last[place]) }
                    continue
                }
                while gapEnd < first.count, gapEnd < place || first[gapEnd] < 0 { gapEnd += 1 }
                guard gapEnd < first.count else { break }
                let after = first[gapEnd]
                if isSubstituted { running.insert(after) } else { dropped.insert(after) }
            }
        }
        if policy.gap == .skip { dropped.subtract(running) } else { dropped = [] }
        let all = running.map { ($0, NominalInstant.Verdict.fires) } + dropped.map { ($0, .gap) }
        return all.filter { start < $0.0 && $0.0 <= end }.sorted { $0.0 < $1.0 }
            .map { NominalInstant(Instant(secondsSinceEpoch: $0.0), $0.1) }
    }

    /// The seconds of the day that match.
    private func times(_ cron: NaiveCron) -> [Int64] {
        stride(from: 0, to: 86_400, by: Int(grain)).filter { second in
            cron.hours.contains(second / 3600) && cron.minutes.contains(second / 60 % 60)
                && cron.seconds.contains(second % 60)
        }.map(Int64.init)
    }
}
