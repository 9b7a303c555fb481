/// Reads one field of a cron expression.
struct CronFieldParser {
    private let field: CronField
    private let bytes: [UInt8]
    private let start: Int
    private let end: Int
    private var position: Int
    private var values = CronFieldValues()

    /// A value, and how it is spelled.
    private struct Value {
        let number: Int
        let offset: Int
        let isName: Bool
    }

    init(_ field: CronField, bytes: [UInt8], range: Range<Int>) {
        self.field = field
        self.bytes = bytes
        start = range.lowerBound
        end = range.upperBound
        position = start
    }

    /// The field's values. Those of a day field are put into `days` as well.
    mutating func parse(days: inout DayRule) throws(CronError) -> CronFieldValues {
        values.beginsWithStar = peek == "*" || peek == "?"
        if peek == "?" {
            try parseQuestionMark()
        } else {
            repeat { try parseItem(&days) } while skip(",")
        }
        switch field {
        case .dayOfMonth: days.daysOfMonth |= UInt32(truncatingIfNeeded: values.bits)
        case .weekday:
            // Sunday is 0 and 7.
            days.weekdays |= UInt8((values.bits | values.bits >> 7) & 0x7F)
        default: break
        }
        return values
    }

    private mutating func parseQuestionMark() throws(CronError) {
        guard field.isDayField else {
            throw failure(
                .misplacedExtension, at: position,
                "`?` stands for `*` in the day fields only; write `*`")
        }
        guard end - start == 1 else {
            throw failure(
                .misplacedExtension, at: start, "`?` stands alone in a field; write `*` instead")
        }
        position = end
        insert(field.range, step: 1)
    }

    private mutating func parseItem(_ days: inout DayRule) throws(CronError) {
        let itemStart = position
        guard let next = peek, next != "," else {
            throw failure(
                .emptyItem, at: position,
                "there is nothing \(position == start ? "before" : "after") the comma; "
                    + "remove it, or \(allowed)")
        }
        if skip("*") {
            insert(field.range, step: try parseStep() ?? 1)
            return try expectItemEnd()
        }
        if try parseLast(&days) { return try expectItemEnd() }
        let first = try parseValue()
        if try parseSuffix(of: first, itemStart: itemStart, &days) { return try expectItemEnd() }
        if skip("-") {
            let last = try parseUpperBound(of: first, itemStart: itemStart)
            insert(first.number...last.number, step: try parseStep() ?? 1)
        } else if peek == "/" {
            guard !first.isName else {
                throw failure(
                    .invalidStep, at: position,
                    "a name alone takes no step; write a range, such as "
                        + "`\(spelled(first))-\(field.range.upperBound)/2`")
            }
            let step = try parseStep() ?? 1
            insert(first.number...field.range.upperBound, step: step)
        } else {
            insert(first.number...first.number, step: 1)
        }
        try expectItemEnd()
    }

    private mutating func insert(_ range: ClosedRange<Int>, step: Int) {
        for value in stride(from: range.lowerBound, through: range.upperBound, by: step) {
            values.bits |= 1 << UInt64(value)
        }
    }
}

// MARK: - Days

extension CronFieldParser {
    /// Reads `L` or `LW` in the day-of-month field.
    private mutating func parseLast(_ days: inout DayRule) throws(CronError) -> Bool {
        guard isLetter("L"), !isLetterRun(atLeast: 3) else { return false }
        guard field == .dayOfMonth else {
            throw failure(
                .misplacedExtension, at: position,
                field == .weekday
                    ? "`L` follows a weekday here: `5L` is the last Friday"
                    : "`L` belongs in the day fields only")
        }
        position += 1
        if isLetter("W") {
            position += 1
            days.lastWorkday = true
        } else {
            days.lastDay = true
        }
        if peek == "-" || peek == "/" {
            throw failure(
                .misplacedExtension, at: position,
                "`L` takes neither an offset nor a step; write the days, such as `L` or `28`")
        }
        return true
    }

    /// Reads what makes `15W`, `5L` or `MON#2` of a value.
    private mutating func parseSuffix(
        of value: Value, itemStart: Int, _ days: inout DayRule
    ) throws(CronError) -> Bool {
        if isLetter("W") {
            guard field == .dayOfMonth else {
                throw failure(
                    .misplacedExtension, at: position,
                    "`W` belongs in the day-of-month field only")
            }
            position += 1
            days.nearestWorkdays |= 1 << UInt32(value.number)
        } else if isLetter("L") {
            guard field == .weekday else {
                throw failure(
                    .misplacedExtension, at: position,
                    "`L` follows a weekday only: `5L` is the last Friday"
                        + (field == .dayOfMonth ? "; the last day of the month is `L`" : ""))
            }
            position += 1
            days.lastWeekdays |= 1 << UInt8(value.number % 7)
        } else if peek == "#" {
            days.nthWeekdays |= 1 << UInt64(try parseNth() * 8 - 8 + value.number % 7)
        } else {
            return false
        }
        return true
    }

    private mutating func parseNth() throws(CronError) -> Int {
        guard field == .weekday else {
            throw failure(
                .misplacedExtension, at: position,
                "`#` belongs in the weekday field only: `MON#2` is the second Monday")
        }
        position += 1
        let offset = position
        guard let nth = try parseNumber(), (1...5).contains(nth) else {
            throw failure(
                .outOfRange, at: offset, "`#` is followed by 1 to 5: `MON#2` is the second Monday")
        }
        return nth
    }
}

// MARK: - Values

extension CronFieldParser {
    private mutating func parseValue() throws(CronError) -> Value {
        let offset = position
        if isAnyLetter { return try parseName() }
        guard let number = try parseNumber() else { throw unexpected() }
        guard field.range.contains(number) else { throw outOfRange(at: offset) }
        return Value(number: number, offset: offset, isName: false)
    }

    private mutating func parseName() throws(CronError) -> Value {
        let offset = position
        var length = 0
        while offset + length < end, Self.isLetter(bytes[offset + length]) { length += 1 }
        let letters = string(offset..<offset + length)
        let name = letters.uppercased()
        // `FRIL` is a name with a suffix.
        let known = field.names.firstIndex { $0 == name || (field == .weekday && $0 + "L" == name) }
        guard let known else { throw unknownName(letters, at: offset) }
        position = offset + 3
        return Value(number: known + field.firstNamedValue, offset: offset, isName: true)
    }

    /// A number, or `nil` if no digit follows. Nine digits are more than any field needs.
    private mutating func parseNumber() throws(CronError) -> Int? {
        let offset = position
        var number = 0
        while position < end, (0x30...0x39).contains(bytes[position]) {
            if position - offset >= 9 {
                throw failure(.outOfRange, at: offset, "the number is far too large; \(allowed)")
            }
            number = number * 10 + Int(bytes[position] - 0x30)
            position += 1
        }
        return position == offset ? nil : number
    }

    private mutating func parseUpperBound(
        of first: Value, itemStart: Int
    ) throws(CronError) -> Value {
        guard let next = peek, next != ",", next != "/" else {
            throw failure(
                .incompleteRange, at: position,
                "the range `\(string(itemStart..<position))` has no second bound; \(allowed)")
        }
        let last = try parseValue()
        guard first.number <= last.number else {
            throw failure(
                .reversedRange, at: itemStart,
                "the range `\(string(itemStart..<position))` runs backwards; write "
                    + "`\(wrapped(from: first, to: last))`")
        }
        return last
    }

    private mutating func parseStep() throws(CronError) -> Int? {
        guard skip("/") else { return nil }
        let offset = position
        guard let step = try parseNumber() else {
            throw failure(.invalidStep, at: offset, "`/` is followed by a step, such as `*/5`")
        }
        guard step > 0 else {
            throw failure(.invalidStep, at: offset, "the step is 0; use 1 or more, such as `*/5`")
        }
        return step
    }

    /// The list that means what a range beyond the field's end was meant to mean.
    private func wrapped(from first: Value, to last: Value) -> String {
        let isNamed = first.isName || last.isName
        let highest = field == .weekday ? 6 : field.range.upperBound
        func spelled(_ number: Int) -> String {
            guard isNamed else { return String(number) }
            return field.names[
                (number % 7 == 0 && field == .weekday ? 0 : number)
                    - field.firstNamedValue]
        }
        func range(_ lower: Int, _ upper: Int) -> String {
            lower == upper ? spelled(lower) : "\(spelled(lower))-\(spelled(upper))"
        }
        // Weekday 7 is above all others and therefore never a reversed range's upper bound.
        guard first.number <= highest else { return range(field.range.lowerBound, last.number) }
        return range(first.number, highest) + "," + range(field.range.lowerBound, last.number)
    }

    private func spelled(_ value: Value) -> String {
        value.isName ? field.names[value.number - field.firstNamedValue] : String(value.number)
    }
}

// MARK: - Characters

extension CronFieldParser {
    private var peek: Unicode.Scalar? {
        position < end ? Unicode.Scalar(bytes[position]) : nil
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard peek == character else { return false }
        position += 1
        return true
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte & 0xDF)
    }

    private var isAnyLetter: Bool { position < end && Self.isLetter(bytes[position]) }

    /// Whether the next character is this letter, in either case.
    private func isLetter(_ upper: Unicode.Scalar) -> Bool {
        position < end && bytes[position] & 0xDF == UInt8(ascii: upper) && isAnyLetter
    }

    private func isLetterRun(atLeast length: Int) -> Bool {
        position + length <= end && bytes[position..<position + length].allSatisfy(Self.isLetter)
    }

    private func string(_ range: Range<Int>) -> String {
        String(decoding: bytes[range].prefix(40), as: UTF8.self)
    }

    private func expectItemEnd() throws(CronError) {
        if let next = peek, next != "," { throw unexpected() }
    }
}

// MARK: - Errors

extension CronFieldParser {
    private func failure(_ code: CronError.Code, at offset: Int, _ problem: String) -> CronError {
        CronError(code, field: field, offset: offset, "\(field.rawValue): \(problem)")
    }

    /// What the field takes.
    private var allowed: String {
        let range = "\(field.range.lowerBound) to \(field.range.upperBound)"
        guard let first = field.names.first, let last = field.names.last else {
            return "use \(range)"
        }
        return "use \(range) or \(first) to \(last)"
    }

    private func outOfRange(at offset: Int) -> CronError {
        failure(.outOfRange, at: offset, "\(string(offset..<position)) is out of range; \(allowed)")
    }

    private func unknownName(_ letters: String, at offset: Int) -> CronError {
        guard !field.names.isEmpty else {
            return failure(.unknownName, at: offset, "`\(letters)` is no number; \(allowed)")
        }
        let name = letters.uppercased()
        if name.count > 3, let known = field.names.first(where: name.hasPrefix) {
            return failure(
                .unknownName, at: offset, "`\(letters)` is too long a name; write `\(known)`")
        }
        return failure(.unknownName, at: offset, "there is no name `\(letters)`; \(allowed)")
    }

    /// The error of a character that cannot stand where it stands.
    private func unexpected() -> CronError {
        guard let next = peek else {
            return failure(.syntax, at: position, "a value is missing at the end; \(allowed)")
        }
        switch next {
        case "+", "-":
            let follows = position == start ? nil : Unicode.Scalar(bytes[position - 1])
            guard follows == nil || follows == "," || follows == "-" else { break }
            return failure(.sign, at: position, "numbers have no sign; \(allowed)")
        case "?", "#":
            return failure(
                .misplacedExtension, at: position, "`\(next)` cannot stand here; \(allowed)")
        case "/":
            return failure(
                .invalidStep, at: position,
                "a step follows `*`, a number or a range, once, such as `*/5`")
        default: break
        }
        return failure(.syntax, at: position, "`\(next)` cannot stand here; \(allowed)")
    }
}
