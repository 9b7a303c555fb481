/// A point in time: whole seconds since the Unix epoch, without leap seconds.
///
/// Schedules have no finer grain than a second, so an instant is an integer and comparing two of
/// them is exact. Arithmetic saturates instead of overflowing.
public struct Instant: Hashable, Sendable {
    /// Seconds since 1970-01-01T00:00:00Z; negative before it.
    public let secondsSinceEpoch: Int64

    /// The instant that many seconds after 1970-01-01T00:00:00Z.
    public init(secondsSinceEpoch: Int64) {
        self.secondsSinceEpoch = secondsSinceEpoch
    }

    /// 1970-01-01T00:00:00Z, the first instant for which schedules are computed.
    public static let distantPast = Instant(secondsSinceEpoch: 0)

    /// 2200-01-01T00:00:00Z: no schedule has an occurrence at or after it.
    public static let distantFuture = Instant(secondsSinceEpoch: 7_258_118_400)

    /// The instant `seconds` later, or earlier if negative. Saturates at the limits of `Int64`.
    public func advanced(bySeconds seconds: Int64) -> Instant {
        let (sum, overflow) = secondsSinceEpoch.addingReportingOverflow(seconds)
        guard overflow else { return Instant(secondsSinceEpoch: sum) }
        return Instant(secondsSinceEpoch: seconds < 0 ? .min : .max)
    }

    /// The seconds from `other` to this instant, negative if `other` is the later one. Saturates.
    public func seconds(since other: Instant) -> Int64 {
        let (difference, overflow) = secondsSinceEpoch.subtractingReportingOverflow(
            other.secondsSinceEpoch)
        guard overflow else { return difference }
        return secondsSinceEpoch < other.secondsSinceEpoch ? .min : .max
    }
}

extension Instant: Comparable {
    /// Whether `lhs` is earlier than `rhs`.
    public static func < (lhs: Instant, rhs: Instant) -> Bool {
        lhs.secondsSinceEpoch < rhs.secondsSinceEpoch
    }
}
