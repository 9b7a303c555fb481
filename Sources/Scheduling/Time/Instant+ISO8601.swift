extension Instant: CustomStringConvertible {
    /// The instant in UTC, as RFC 3339: `2026-11-22T17:00:00Z`.
    public var description: String {
        CivilTime(secondsSinceEpoch: secondsSinceEpoch).description + "Z"
    }

    /// Reads an RFC 3339 timestamp, such as `2026-11-22T18:00:00.25+01:00`.
    ///
    /// The offset is required. Fractions of a second are dropped (rounded towards the past). A leap
    /// second, 23:59:60 UTC, is the instant that follows it. Anything else gives `nil`, a date that
    /// does not exist included.
    public init?(iso8601 text: String) {
        var reader = TimestampReader(text.utf8.prefix(TimestampReader.longest + 1))
        guard let seconds = reader.read() else { return nil }
        self.init(secondsSinceEpoch: seconds)
    }
}

extension Instant: Codable {
    /// Reads the RFC 3339 text that `encode(to:)` writes.
    ///
    /// - Throws: `DecodingError.dataCorrupted` if the text is not a timestamp.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let instant = Instant(iso8601: text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "not an RFC 3339 timestamp such as 2026-11-22T17:00:00Z")
        }
        self = instant
    }

    /// Writes the instant as RFC 3339 text in UTC.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// A cursor over the bytes of one RFC 3339 timestamp.
private struct TimestampReader {
    /// No sensible timestamp is longer; what is longer is refused unread.
    static let longest = 64

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
    }

    mutating func read() -> Int64? {
        guard bytes.count <= Self.longest,
            let year = digits(4), skip("-"), let month = digits(2), skip("-"),
            let day = digits(2), skip("T") || skip("t") || skip(" "),
            let hour = digits(2), skip(":"), let minute = digits(2), skip(":"),
            let second = digits(2), fraction(), let offsetSeconds = offset(),
            position == bytes.count
        else { return nil }
        let isLeapSecond = second == 60
        let time = CivilTime(
            year: year, month: month, day: day, hour: hour, minute: minute,
            second: isLeapSecond ? 59 : second)
        guard let time else { return nil }
        let seconds = time.secondsSinceEpoch - offsetSeconds
        guard isLeapSecond else { return seconds }
        // A leap second is inserted at the end of a UTC day and nowhere else.
        return (seconds + 1) % 86_400 == 0 ? seconds + 1 : nil
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else {
            return false
        }
        position += 1
        return true
    }

    private mutating func digit() -> Int? {
        guard position < bytes.count, (0x30...0x39).contains(bytes[position]) else { return nil }
        position += 1
        return Int(bytes[position - 1] - 0x30)
    }

    private mutating func digits(_ count: Int) -> Int? {
        var value = 0
        for _ in 0..<count {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    private mutating func fraction() -> Bool {
        guard skip(".") else { return true }
        guard digit() != nil else { return false }
        while digit() != nil {}
        return true
    }

    private mutating func offset() -> Int64? {
        if skip("Z") || skip("z") { return 0 }
        let isWest = skip("-")
        guard isWest || skip("+"), let hours = digits(2), skip(":"), let minutes = digits(2),
            hours < 24, minutes < 60
        else { return nil }
        let seconds = Int64(hours * 3600 + minutes * 60)
        return isWest ? -seconds : seconds
    }
}
