/// A duration as it is written in a file: a whole number and one unit, `90s`, `15m`, `2h`, `1d`.
///
/// A day has 24 hours, also where the clocks change.
package enum DurationText {
    /// A hundred years, in seconds. Longer ones are slips.
    package static let longestSeconds: Int64 = 36_525 * 86_400

    /// The seconds that a text stands for.
    ///
    /// - Throws: ``YAMLValueError`` that says what is wrong and how to write it.
    package static func seconds(_ text: String) throws(YAMLValueError) -> Int64 {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count)
        guard !digits.isEmpty else { throw refusal(of: text) }
        guard let factor = units[String(unit)] else { throw refusal(of: text) }
        guard let value = Int64(digits), value <= longestSeconds / factor else {
            throw YAMLValueError(
                message: "'\(text.shortened(to: 40))' is longer than 100 years",
                help: "write a duration such as 90s, 15m, 2h or 1d")
        }
        return value * factor
    }

    /// The shortest spelling of a duration.
    package static func text(_ seconds: Int64) -> String {
        for (unit, factor) in [("d", 86_400), ("h", 3_600), ("m", 60)] as [(String, Int64)]
        where seconds >= factor && seconds % factor == 0 {
            return "\(seconds / factor)\(unit)"
        }
        return "\(seconds)s"
    }

    private static let units: [String: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]

    /// How others write units, for the suggestion.
    private static let foreignUnits: [String: Double] = [
        "s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1, "m": 60, "min": 60,
        "mins": 60, "minute": 60, "minutes": 60, "h": 3_600, "hr": 3_600, "hrs": 3_600,
        "hour": 3_600, "hours": 3_600, "d": 86_400, "day": 86_400, "days": 86_400, "w": 604_800,
        "week": 604_800, "weeks": 604_800, "ms": 0.001,
    ]

    private static func refusal(of text: String) -> YAMLValueError {
        var help = "write a whole number and a unit: 90s, 15m, 2h or 1d"
        if CoreSchema.kind(of: text) == .integer, Int64(text) ?? 0 > 0 {
            return YAMLValueError(
                message: "the duration '\(text.shortened(to: 40))' has no unit",
                help: "write \(text.shortened(to: 40))s for seconds; there are s, m, h and d")
        }
        if let seconds = foreignSeconds(text), seconds >= 1,
            seconds <= Double(longestSeconds), seconds == seconds.rounded()
        {
            help = "write \(Self.text(Int64(seconds)))"
        }
        return YAMLValueError(
            message: "'\(text.shortened(to: 40))' is not a duration", help: help)
    }

    /// The sum of parts such as `1h30m`, `1.5 hours`, `2w`; `nil` where it is none of these.
    private static func foreignSeconds(_ text: String) -> Double? {
        let words = text.lowercased().split(separator: " ")
        // Two numbers side by side are not one.
        let isList = zip(words, words.dropFirst()).contains { word, next in
            word.last?.isNumber == true && next.first?.isNumber == true
        }
        var rest = isList ? "" : words.joined()[...]
        var sum = 0.0
        guard !rest.isEmpty, rest.count <= 40 else { return nil }
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(number.count)
            let unit = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard let value = Double(number), let factor = foreignUnits[String(unit)] else {
                return nil
            }
            sum += value * factor
        }
        return sum
    }
}
