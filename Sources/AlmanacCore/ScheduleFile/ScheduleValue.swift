internal import Foundation

/// What the value of a key looks like: what the reader takes, told to those who describe the file.
package indirect enum ScheduleValue: Sendable {
    /// Any scalar but null, as it is written.
    case text
    case boolean
    case integer(ClosedRange<Int>)
    /// A number that need not be whole.
    case number(ClosedRange<Double>)
    case choice([String])
    /// A whole number and a unit: `15m`.
    case duration
    /// A duration that may be none at all: `0s`.
    case pause
    /// Hours and minutes: `06:00`.
    case timeOfDay
    /// RFC 3339 with an offset.
    case instant
    /// ISO 8601: `2026-12-25`.
    case date
    /// A name of the IANA database.
    case timeZone
    /// A cron expression.
    case cron
    /// The weekday field of a cron expression.
    case weekdays
    /// A path, relative to the folder of the file.
    case path
    /// The name of a task.
    case task
    /// A mapping whose keys depend on something else.
    case mapping
    /// A mapping with the keys of a place.
    case keys(ScheduleKey.Place)
    /// A mapping of names to values.
    case named(ScheduleName, ScheduleValue)
    /// A list with at least one item.
    case list(ScheduleValue)
    /// A list of texts, perhaps empty.
    case names
    /// Any of several.
    case either([ScheduleValue])
    /// A value, or nothing at all behind the colon.
    case optional(ScheduleValue)

    static func choices<Value>(_ type: Value.Type) -> ScheduleValue
    where Value: CaseIterable & RawRepresentable<String> {
        .choice(type.allCases.map(\.rawValue))
    }

    /// A number of seconds, up to a hundred years.
    static func seconds(from least: Int) -> ScheduleValue {
        .integer(least...Int(DurationText.longestSeconds))
    }
}

/// Whose names a mapping has.
package enum ScheduleName: String, Sendable {
    case job, calendar, label, pool, lock, channel

    /// How many characters a name may have.
    package static let longest = 100

    /// What of a name is wrong; `nil` where nothing is.
    func problem(with name: String) -> YAMLValueError? {
        let count = name.unicodeScalars.count
        let isShort = count <= Self.longest
        guard !(isShort && Self.isName(name)) else { return nil }
        let suggestion = isShort ? Self.suggestion(for: name).map { ", such as '\($0)'" } : nil
        return YAMLValueError(
            message: isShort
                ? "'\(name)' cannot be the name of \(inWords)"
                : "the name of \(inWords) has at most \(Self.longest) characters, not \(count)",
            help: "use letters of ASCII, digits, '.', '_' and '-', a letter or digit first"
                + (suggestion ?? ""))
    }

    /// What is wrong with a name that a list has already.
    func repeated(_ name: String) -> YAMLValueError {
        YAMLValueError(
            message: "the \(rawValue) '\(name.shortened(to: 60))' stands here twice",
            help: "remove one of them")
    }

    private var inWords: String { "a \(rawValue)" }
}

extension ScheduleName {
    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, isLetterOrDigit(first) else { return false }
        return name.utf8.allSatisfy {
            isLetterOrDigit($0) || $0 == 0x2E || $0 == 0x5F || $0 == 0x2D
        }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }

    private static func suggestion(for name: String) -> String? {
        // Decomposed, `ü` is a `u` and a mark.
        let plain = name.decomposedStringWithCanonicalMapping.unicodeScalars.filter {
            $0.properties.generalCategory != .nonspacingMark
        }
        let words = String(String.UnicodeScalarView(plain)).utf8.split {
            !(isLetterOrDigit($0) || $0 == 0x2E || $0 == 0x5F || $0 == 0x2D)
        }
        let text = words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "-")
        let trimmed = String(text.drop { $0 == "." || $0 == "_" || $0 == "-" })
        return trimmed.isEmpty || trimmed == name ? nil : trimmed
    }
}
