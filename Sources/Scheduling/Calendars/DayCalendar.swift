/// A set of days, such as a country's holidays: dates, ranges of dates and rules for weekdays.
///
/// A calendar knows of no zone; whoever asks says which date it is where it matters. Two calendars
/// are equal if they were made of the same dates and the same rules.
public struct DayCalendar: Hashable, Sendable {
    /// Some days in a row, as day numbers.
    struct Span: Hashable, Sendable {
        var first: Int64
        var last: Int64
    }

    /// The dates, in ascending order; no two spans touch.
    private(set) var spans: [Span]
    private(set) var weekdays: WeekdayRule

    /// The calendar of all these days together.
    public init(
        dates: [CivilDate] = [], ranges: [ClosedRange<CivilDate>] = [],
        weekdays: WeekdayRule? = nil
    ) {
        let single = dates.map { Span(first: $0.dayNumber, last: $0.dayNumber) }
        let several = ranges.map {
            Span(first: $0.lowerBound.dayNumber, last: $0.upperBound.dayNumber)
        }
        spans = Self.merged(single + several)
        self.weekdays = weekdays ?? WeekdayRule()
    }

    private static func merged(_ spans: [Span]) -> [Span] {
        var merged: [Span] = []
        for span in spans.sorted(by: { $0.first < $1.first }) {
            if let last = merged.last, span.first <= last.last + 1 {
                merged[merged.count - 1].last = max(last.last, span.last)
            } else {
                merged.append(span)
            }
        }
        return merged
    }

    /// The days of both calendars.
    public func union(_ other: DayCalendar) -> DayCalendar {
        var both = self
        both.spans = Self.merged(spans + other.spans)
        both.weekdays = weekdays.union(other.weekdays)
        return both
    }

    /// Whether the calendar has no day at all.
    public var isEmpty: Bool { spans.isEmpty && weekdays.isEmpty }

    /// Whether the day is in the calendar.
    public func contains(_ date: CivilDate) -> Bool {
        var low = 0
        var high = spans.count
        while low < high {
            let middle = (low + high) / 2
            if spans[middle].last < date.dayNumber { low = middle + 1 } else { high = middle }
        }
        if low < spans.count, spans[low].first <= date.dayNumber { return true }
        return weekdays.contains(date)
    }
}
