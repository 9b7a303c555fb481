/// One property of an iCalendar: `DTSTART;VALUE=DATE:20261225`.
struct ICalendarLine {
    /// In capitals.
    let name: String
    let parameters: [String: String]
    let value: String
    /// Counted from 1.
    let number: Int

    /// No calendar of days is nearly as long.
    static let longestText = 4_000_000

    /// The lines of a text, unfolded.
    static func all(in text: String) throws(ICalendarError) -> [ICalendarLine] {
        let bytes = Array(text.utf8.prefix(longestText + 1))
        guard bytes.count <= longestText else {
            throw ICalendarError(
                .tooLarge, line: 1, "the text is longer than \(longestText) bytes")
        }
        var lines: [ICalendarLine] = []
        var current: [UInt8] = []
        var first = 1
        var number = 0
        for raw in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            let content = raw.last == UInt8(ascii: "\r") ? raw.dropLast() : raw
            if number > 1, let start = content.first, start == 0x20 || start == 0x09 {
                current += content.dropFirst()
                continue
            }
            if !current.isEmpty { lines.append(try ICalendarLine(current, number: first)) }
            let isMarked = number == 1 && content.starts(with: [0xEF, 0xBB, 0xBF])
            current = Array(isMarked ? content.dropFirst(3) : content)
            first = number
        }
        if !current.isEmpty { lines.append(try ICalendarLine(current, number: first)) }
        return lines
    }

    private init(_ bytes: [UInt8], number: Int) throws(ICalendarError) {
        var parts: [[UInt8]] = [[]]
        var colon: Int?
        var isQuoted = false
        for (position, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: "\"") {
                isQuoted.toggle()
            } else if byte == UInt8(ascii: ";"), !isQuoted {
                parts.append([])
            } else if byte == UInt8(ascii: ":"), !isQuoted {
                colon = position
                break
            } else {
                parts[parts.count - 1].append(byte)
            }
        }
        let texts = parts.map { String(decoding: $0, as: UTF8.self) }
        guard let colon, Self.isName(parts[0]) else {
            throw ICalendarError(
                .syntax, line: number,
                "`\(Self.shown(String(decoding: bytes.prefix(60), as: UTF8.self)))` is no "
                    + "property; expected a name, a colon and a value")
        }
        var parameters: [String: String] = [:]
        for text in texts.dropFirst() {
            guard let equals = text.firstIndex(of: "=") else {
                throw ICalendarError(
                    .syntax, line: number, "the parameter `\(Self.shown(text))` has no value")
            }
            parameters[text[..<equals].uppercased()] = String(text[text.index(after: equals)...])
        }
        name = texts[0].uppercased()
        self.parameters = parameters
        value = String(decoding: bytes[(colon + 1)...], as: UTF8.self)
        self.number = number
    }

    private static func isName(_ bytes: [UInt8]) -> Bool {
        !bytes.isEmpty
            && bytes.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0 & 0xDF)
                    || $0 == UInt8(ascii: "-")
            }
    }

    /// The beginning of a text, as it can stand in a message.
    static func shown(_ text: String) -> String {
        let scalars = text.unicodeScalars.prefix(40).map {
            (0x20...0x7E).contains($0.value) ? Character($0) : "?"
        }
        return String(scalars) + (text.unicodeScalars.dropFirst(40).isEmpty ? "" : "...")
    }

    /// An error about the value.
    func invalid(_ problem: String) -> ICalendarError {
        ICalendarError(
            .invalidValue, line: number, "\(name): `\(Self.shown(value))` \(problem)")
    }

    /// An error about something that is valid elsewhere.
    func unsupported(_ what: String) -> ICalendarError {
        ICalendarError(
            .unsupported, line: number, "\(what) is not understood; list the days instead")
    }
}

// MARK: - Values

/// A DATE or DATE-TIME as it is written, whatever zone it is meant in.
struct ICalendarTime {
    let date: CivilDate
    /// Seconds since midnight, or `nil` of a date.
    let secondOfDay: Int?
    let isUTC: Bool
}

extension ICalendarLine {
    /// The value as dates or times, of which there is at least one.
    func times() throws(ICalendarError) -> [ICalendarTime] {
        let kind = parameters["VALUE"]?.uppercased()
        guard kind == nil || kind == "DATE" || kind == "DATE-TIME" else {
            throw unsupported("\(name) with VALUE=\(Self.shown(kind ?? ""))")
        }
        var times: [ICalendarTime] = []
        for part in value.split(separator: ",", omittingEmptySubsequences: false) {
            guard let time = ICalendarTime(part.utf8), (kind == "DATE") == (time.secondOfDay == nil)
            else {
                throw invalid(
                    kind == "DATE"
                        ? "is no date; write it as 20261225"
                        : "is no time; write it as 20261225T000000, or as 20261225 after "
                            + ";VALUE=DATE")
            }
            times.append(time)
        }
        return times
    }

    /// The value as one date or time.
    func time() throws(ICalendarError) -> ICalendarTime {
        let times = try times()
        guard times.count == 1 else { throw invalid("is more than one time") }
        return times[0]
    }

    /// The value as a duration in seconds: `P1D`, `P2W`, `PT12H30M`.
    func duration() throws(ICalendarError) -> Int64 {
        var seconds: Int64 = 0
        var digits: [UInt8] = []
        var isTime = false
        let bytes = Array(value.uppercased().utf8)
        let start = bytes.first == UInt8(ascii: "+") ? 1 : 0
        var isValid = bytes.count > start + 1 && bytes[start] == UInt8(ascii: "P")
        for byte in bytes.dropFirst(start + 1) where isValid {
            if (0x30...0x39).contains(byte) {
                digits.append(byte)
                continue
            }
            if byte == UInt8(ascii: "T"), !isTime, digits.isEmpty {
                isTime = true
                continue
            }
            let units: [UInt8: Int64] =
                isTime
                ? [UInt8(ascii: "H"): 3_600, UInt8(ascii: "M"): 60, UInt8(ascii: "S"): 1]
                : [UInt8(ascii: "W"): 7 * 86_400, UInt8(ascii: "D"): 86_400]
            guard let unit = units[byte], digits.count < 7, let count = CivilDate.number(digits)
            else {
                isValid = false
                break
            }
            seconds += Int64(count) * unit
            digits = []
        }
        guard isValid, digits.isEmpty else {
            throw invalid("is no duration; write it as P1D or PT12H")
        }
        return seconds
    }
}

extension ICalendarTime {
    /// Reads `20261225`, `20261225T120000` or `20261225T120000Z`.
    init?(_ text: some Sequence<UInt8>) {
        let bytes = Array(text)
        guard bytes.count == 8 || bytes.count == 15 || bytes.count == 16,
            let year = CivilDate.number(bytes[0..<4]), let month = CivilDate.number(bytes[4..<6]),
            let day = CivilDate.number(bytes[6..<8]),
            let date = CivilDate(year: year, month: month, day: day)
        else { return nil }
        self.date = date
        isUTC = bytes.count == 16
        guard bytes.count > 8 else {
            secondOfDay = nil
            return
        }
        guard bytes[8] == UInt8(ascii: "T"), !isUTC || bytes[15] == UInt8(ascii: "Z"),
            let hour = CivilDate.number(bytes[9..<11]), hour < 24,
            let minute = CivilDate.number(bytes[11..<13]), minute < 60,
            let second = CivilDate.number(bytes[13..<15]), second <= 60
        else { return nil }
        secondOfDay = hour * 3600 + minute * 60 + second
    }

    /// Seconds since midnight of 1970-01-01 on the same clock.
    var wall: Int64 { date.dayNumber * 86_400 + Int64(secondOfDay ?? 0) }
}
