/// Small pieces of English.
enum Words {
    /// `a`, `a and b`, `a, b and c`; with another word for `and` if need be.
    static func list(_ items: [String], _ conjunction: String = "and") -> String {
        guard let last = items.last, items.count > 1 else { return items.first ?? "" }
        return items.dropLast().joined(separator: ", ") + " \(conjunction) " + last
    }

    /// `1st`, `22nd`, `13th`.
    static func ordinal(_ number: Int) -> String {
        let suffix =
            switch (number % 10, number % 100) {
            case (_, 11...13): "th"
            case (1, _): "st"
            case (2, _): "nd"
            case (3, _): "rd"
            default: "th"
            }
        return "\(number)\(suffix)"
    }

    /// `first` to `tenth`; digits beyond.
    static func ordinalWord(_ number: Int) -> String {
        let words = [
            "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
            "tenth",
        ]
        return words.indices.contains(number - 1) ? words[number - 1] : ordinal(number)
    }

    /// `minute`, `90 minutes`: seconds in the largest unit that goes into them, without a one.
    static func duration(_ seconds: Int64) -> String {
        let units: [(Int64, String)] = [(86_400, "day"), (3_600, "hour"), (60, "minute")]
        let unit = units.first { seconds >= $0.0 && seconds % $0.0 == 0 } ?? (1, "second")
        let count = seconds / unit.0
        return count == 1 ? unit.1 : "\(count) \(unit.1)s"
    }

    /// `02:30`, or `02:30:15` where seconds count.
    static func time(_ secondOfDay: Int, seconds: Bool) -> String {
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let minutes = two(secondOfDay / 3600) + ":" + two(secondOfDay / 60 % 60)
        return seconds ? minutes + ":" + two(secondOfDay % 60) : minutes
    }

    static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ]

    static let weekdays = [
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
    ]
}

/// Values at the same distance from each other: a single one, a range, or a range with a step.
struct Progression: Equatable {
    let first: Int
    let last: Int
    /// 0 of a single value.
    let step: Int

    /// The fewest progressions that make up the values, which are in ascending order. Two values
    /// are no range.
    static func all(of values: [Int]) -> [Progression] {
        var result: [Progression] = []
        var index = 0
        while index < values.count {
            let step = index + 1 < values.count ? values[index + 1] - values[index] : 0
            var end = index
            while end + 1 < values.count, values[end + 1] - values[end] == step { end += 1 }
            if end - index < 2 {
                result.append(Progression(first: values[index], last: values[index], step: 0))
                index += 1
            } else {
                result.append(Progression(first: values[index], last: values[end], step: step))
                index = end + 1
            }
        }
        return result
    }

    /// The one progression that the values are, if they are one; two values are.
    static func one(of values: [Int]) -> Progression? {
        guard let first = values.first, let last = values.last else { return nil }
        guard values.count > 1 else { return Progression(first: first, last: last, step: 0) }
        let step = values[1] - first
        let isEven = zip(values, values.dropFirst()).allSatisfy { $1 - $0 == step }
        return isEven ? Progression(first: first, last: last, step: step) : nil
    }
}

/// The values of a bitset, in ascending order.
func bitValues(_ bits: UInt64) -> [Int] {
    (0..<64).filter { bits >> UInt64($0) & 1 != 0 }
}
