/// The fields of an expression, read but not yet an expression.
struct CronFields {
    var second: CronFieldValues?
    var minute: CronFieldValues
    var hour: CronFieldValues
    var month: CronFieldValues
    var days: DayRule
    var stars: CronStars
}

/// The values of a field that is not a day field.
struct CronFieldValues {
    var bits: UInt64 = 0
    var beginsWithStar = false
}

/// Splits the text of a cron expression into fields and reads each.
struct CronParser {
    /// Lists of all values of all fields are well below this.
    static let longest = 1_000

    private static let aliases: [String: String] = [
        "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
        "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *",
        "@annually": "0 0 1 1 *",
    ]

    private let text: String
    private let bytes: [UInt8]

    init(_ text: String) {
        self.text = text
        // Whatever the length, no more is looked at. Up to the first character that is refused,
        // all are ASCII, so that offsets in bytes are offsets in characters.
        bytes = Array(text.utf8.prefix(Self.longest + 1))
    }

    mutating func parse() throws(CronError) -> CronExpression {
        try checkCharacters()
        let fields = split()
        guard let first = fields.first else {
            throw CronError(
                .empty, offset: 0,
                "the expression is empty; write five fields, such as `30 2 * * *`")
        }
        if bytes[first.lowerBound] == UInt8(ascii: "@") { return try parseAlias(fields) }
        try checkCount(fields)
        return try CronExpression(parseFields(fields))
    }

    /// The weekday field alone.
    mutating func parseWeekdays() throws(CronError) -> DayRule {
        try checkCharacters()
        let fields = split()
        guard let first = fields.first else {
            throw CronError(
                .empty, field: .weekday, offset: 0,
                "there is no weekday; write some, such as `SAT,SUN`")
        }
        guard fields.count == 1 else {
            throw CronError(
                .fieldCount, field: .weekday, offset: fields[1].lowerBound,
                "weekdays are one field without blanks, such as `SAT,SUN`")
        }
        var days = DayRule()
        var parser = CronFieldParser(.weekday, bytes: bytes, range: first)
        _ = try parser.parse(days: &days)
        return days
    }

    private func checkCharacters() throws(CronError) {
        guard bytes.count <= Self.longest else {
            throw CronError(
                .tooLong, offset: Self.longest,
                "the expression is longer than \(Self.longest) characters; five fields with "
                    + "ranges and steps, such as `*/5 9-17 * * 1-5`, need far fewer")
        }
        let tab = UInt8(ascii: "\t")
        let wrong = bytes.firstIndex { $0 != tab && !(0x20...0x7E).contains($0) }
        guard let wrong else { return }
        let index = text.utf8.index(text.utf8.startIndex, offsetBy: wrong)
        let scalar = text.unicodeScalars[index]
        let hexadecimal = String(scalar.value, radix: 16, uppercase: true)
        let padded = String(repeating: "0", count: max(0, 4 - hexadecimal.count)) + hexadecimal
        throw CronError(
            .invalidCharacter, field: field(at: wrong), offset: wrong,
            "the character U+\(padded) does not belong in a cron expression; use ASCII digits, "
                + "letters, `* , - / ? #`, spaces and tabs")
    }

    /// The field that a byte is in, if the text has the right number of them.
    private func field(at position: Int) -> CronField? {
        let fields = split()
        let order = Self.order(count: fields.count)
        guard fields.count == order.count,
            let index = fields.firstIndex(where: { $0.contains(position) })
        else { return nil }
        return order[index]
    }

    private func split() -> [Range<Int>] {
        var fields = [Range<Int>]()
        var start: Int?
        for (position, byte) in bytes.enumerated() {
            let isBlank = byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
            if isBlank, let from = start {
                fields.append(from..<position)
                start = nil
            } else if !isBlank, start == nil {
                start = position
            }
        }
        if let start { fields.append(start..<bytes.count) }
        return fields
    }

    private func string(_ range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }

    private func parseAlias(_ fields: [Range<Int>]) throws(CronError) -> CronExpression {
        let alias = string(fields[0]).lowercased()
        let offset = fields[0].lowerBound
        if alias.hasPrefix("@every") {
            throw CronError(
                .unknownAlias, offset: offset,
                "`@every` is not an alias; for a fixed rate use `every:` instead of `schedule:`, "
                    + "such as `every: 90s`")
        }
        guard let expansion = Self.aliases[alias] else {
            throw CronError(
                .unknownAlias, offset: offset,
                "there is no alias `\(string(fields[0]).prefix(40))`; use \(Self.aliasList)"
                    + (alias == "@reboot" ? " (what runs at each start is not a schedule)" : ""))
        }
        guard fields.count == 1 else {
            throw CronError(
                .fieldCount, offset: fields[1].lowerBound,
                "an alias stands alone; remove what follows `\(alias)`")
        }
        return try CronExpression(expansion)
    }

    private static let aliasList =
        "@hourly, @daily, @midnight, @weekly, @monthly, @yearly or @annually"

    private func checkCount(_ fields: [Range<Int>]) throws(CronError) {
        let first = string(fields[0]).uppercased()
        if first.hasPrefix("TZ=") || first.hasPrefix("CRON_TZ=") {
            throw CronError(
                .zonePrefix, offset: fields[0].lowerBound,
                "the time zone does not belong in the expression; use `timeZone:`")
        }
        guard fields.count == 5 || fields.count == 6 else {
            throw CronError(
                .fieldCount, offset: fields.count > 6 ? fields[6].lowerBound : bytes.count,
                "found \(fields.count) field\(fields.count == 1 ? "" : "s") (\(assigned(fields))); "
                    + "write five: minute hour day-of-month month weekday; or six with the second "
                    + "first")
        }
    }

    /// Which field each part would be read as.
    private func assigned(_ fields: [Range<Int>]) -> String {
        let order = Self.order(count: fields.count)
        var parts = zip(order, fields).map { field, range in
            "\(field.rawValue) `\(string(range).prefix(20))`"
        }
        if fields.count > order.count {
            parts.append("and \(fields.count - order.count) more")
        } else {
            parts += order.dropFirst(fields.count).map { "no \($0.rawValue)" }
        }
        return parts.joined(separator: ", ")
    }

    private static func order(count: Int) -> [CronField] {
        let all: [CronField] = [.second, .minute, .hour, .dayOfMonth, .month, .weekday]
        return count < 6 ? Array(all.dropFirst()) : all
    }

    private func parseFields(_ ranges: [Range<Int>]) throws(CronError) -> CronFields {
        var days = DayRule()
        var stars: CronStars = []
        var values = [CronFieldValues]()
        let flags: [CronField: CronStars] = [
            .second: .second, .minute: .minute, .hour: .hour, .dayOfMonth: .dayOfMonth,
            .month: .month, .weekday: .weekday,
        ]
        for (field, range) in zip(Self.order(count: ranges.count), ranges) {
            var parser = CronFieldParser(field, bytes: bytes, range: range)
            let read = try parser.parse(days: &days)
            if read.beginsWithStar, let flag = flags[field] { stars.insert(flag) }
            values.append(read)
        }
        days.needsBoth = !stars.isDisjoint(with: [.dayOfMonth, .weekday])
        let second = values.count == 6 ? values.removeFirst() : nil
        return CronFields(
            second: second, minute: values[0], hour: values[1], month: values[3], days: days,
            stars: stars)
    }
}
