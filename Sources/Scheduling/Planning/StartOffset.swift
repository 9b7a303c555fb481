/// How much later than its nominal instant an occurrence starts, so that jobs with the same times
/// do not all start at once.
///
/// An offset is computed, not drawn: it is the same on all nodes, after each restart and in every
/// version, so that nobody has to remember it. The nominal instant stays the occurrence's name. An
/// occurrence always starts before the job's next one is due.
///
/// It follows from a hash over the bytes of the job's name and, where the instant counts, of its
/// seconds since 1970 in decimal digits behind a zero byte.
public struct StartOffset: Hashable, Sendable {
    /// Each occurrence starts up to so many seconds later, by an offset of its own; 0 for none.
    public let jitterSeconds: Int64
    /// Whether the job's occurrences start later by an offset that is the job's own and nearly
    /// always the same: up to the time to the next occurrence, and less than an hour.
    public let isSpread: Bool

    /// The widest that a job is spread, in seconds. Whoever writes 02:30 does not mean noon.
    public static let widestSpreadSeconds: Int64 = 3_600

    /// No offset.
    public static let none = StartOffset()

    /// An offset; both kinds together add up. Negative jitter counts as none.
    public init(jitterSeconds: Int64 = 0, isSpread: Bool = false) {
        self.jitterSeconds = max(0, jitterSeconds)
        self.isSpread = isSpread
    }

    /// Whether occurrences start at their nominal instants.
    public var isNone: Bool { jitterSeconds == 0 && !isSpread }

    /// By how many seconds an occurrence starts later.
    ///
    /// - Parameters:
    ///   - job: the name of the job.
    ///   - instant: the nominal instant.
    ///   - next: the job's next nominal instant, or `nil` if there is none.
    public func seconds(job: String, at instant: Instant, next: Instant?) -> Int64 {
        let room = max(1, next?.seconds(since: instant) ?? .max)
        var offset: Int64 = 0
        if isSpread {
            offset = Self.scaled(
                StableHash(job.utf8).mixed, below: min(room, Self.widestSpreadSeconds))
        }
        if jitterSeconds > 0 {
            var hash = StableHash(job.utf8)
            hash.combine(CollectionOfOne(0))
            hash.combine(String(instant.secondsSinceEpoch).utf8)
            let widest = jitterSeconds == .max ? .max : jitterSeconds + 1
            offset += Self.scaled(hash.mixed, below: min(room - offset, widest))
        }
        return offset
    }

    /// A number from 0 to below a bound, in proportion to the hash.
    private static func scaled(_ hash: UInt64, below bound: Int64) -> Int64 {
        Int64(hash.multipliedFullWidth(by: UInt64(max(1, bound))).high)
    }
}
