/// A cron expression of five fields, or of six with the second first.
///
/// Fields are minute, hour, day of month, month and weekday. They take `*`, values, ranges, lists
/// and steps (`*/5`, `10-50/10`, `3/10`), three-letter names of months and weekdays in any case,
/// and `?` for `*` in a day field. Weekdays 0 and 7 are Sunday. A day of month can also be `L`
/// (the last day), `LW` (the last Monday-to-Friday day) or `15W` (the Monday-to-Friday day of the
/// month nearest to the 15th; in a month without that day, none). A weekday can also be `5L` (the
/// last Friday) or `MON#2` (the second Monday). `@hourly`, `@daily`, `@midnight`, `@weekly`,
/// `@monthly`, `@yearly` and `@annually` stand for what they say.
///
/// If a day field begins with `*`, both day fields have to match, otherwise either is enough. What
/// a change of a zone's offset does is said at ``next(after:in:)``. Both are the rules of Debian's
/// cron(8) and crontab(5).
///
/// Two expressions are equal if they select the same times by the same rules, however they are
/// spelled.
public struct CronExpression: Hashable, Sendable {
    /// Whether the expression has six fields.
    public let hasSeconds: Bool

    /// Seconds, minutes and hours as bits from 0.
    let seconds: UInt64
    let minutes: UInt64
    let hours: UInt64
    /// Months as bits 1 to 12.
    let months: UInt64
    let days: DayRule

    /// The fields that begin with `*`. Kept for the spelling; what it decides is in `isFixed` and
    /// in the rule of the days.
    let stars: CronStars

    /// Whether the expression has fixed times, which a change of the zone's offset neither drops
    /// nor repeats: five fields, of which minute and hour both begin with something other than
    /// `*`.
    public let isFixed: Bool

    /// Whether no civil time matches, as on 30 February.
    public private(set) var neverFires = false

    /// Reads an expression.
    ///
    /// - Throws: ``CronError``, which says where the text is wrong and what would be valid.
    public init(_ text: String) throws(CronError) {
        var parser = CronParser(text)
        self = try parser.parse()
    }

    init(_ fields: CronFields) {
        hasSeconds = fields.second != nil
        seconds = fields.second?.bits ?? 1
        minutes = fields.minute.bits
        hours = fields.hour.bits
        months = fields.month.bits
        days = fields.days
        stars = fields.stars
        isFixed = !hasSeconds && stars.isDisjoint(with: [.minute, .hour])
        neverFires = nextWall(notBefore: 0) == nil
    }
}

extension CronExpression {
    /// Whether two expressions select the same times by the same rules.
    public static func == (lhs: CronExpression, rhs: CronExpression) -> Bool {
        lhs.identity == rhs.identity
    }

    /// Feeds what `==` compares to the hasher.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(identity)
    }

    private var identity: Identity {
        Identity(
            times: [seconds, minutes, hours, months], days: days, hasSeconds: hasSeconds,
            isFixed: isFixed)
    }

    private struct Identity: Hashable {
        let times: SIMD4<UInt64>
        let days: DayRule
        let hasSeconds: Bool
        let isFixed: Bool
    }
}

/// A set of fields.
struct CronStars: OptionSet, Sendable {
    let rawValue: UInt8

    static let second = CronStars(rawValue: 1)
    static let minute = CronStars(rawValue: 2)
    static let hour = CronStars(rawValue: 4)
    static let dayOfMonth = CronStars(rawValue: 8)
    static let month = CronStars(rawValue: 16)
    static let weekday = CronStars(rawValue: 32)
}
