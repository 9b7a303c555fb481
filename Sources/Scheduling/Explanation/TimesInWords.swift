/// The times of day of a cron expression in plain English.
struct TimesInWords {
    private let hours: [Int]
    private let minutes: [Int]
    private let seconds: [Int]
    private let namesSeconds: Bool

    /// How many times are listed one by one at most.
    private static let listed = 8

    init(_ expression: CronExpression) {
        hours = bitValues(expression.hours)
        minutes = bitValues(expression.minutes)
        seconds = bitValues(expression.seconds)
        namesSeconds = seconds != [0]
    }

    /// Such as `at 02:30` or `every 5 minutes`, and whether that by itself says that it is so
    /// throughout the day.
    var text: (words: String, isThroughout: Bool) {
        let times = hours.flatMap { hour in
            minutes.flatMap { minute in
                seconds.map { hour * 3600 + minute * 60 + $0 }
            }
        }
        if let throughout = throughoutTheDay(times) { return (throughout, true) }
        if hours.count == 24, times.count > 24, minutes.count <= 4 { return (fieldByField, true) }
        if let progression = Progression.one(of: times), times.count > 3 {
            return (rate(progression.step) + " " + span(progression.first, progression.last), false)
        }
        if times.count <= Self.listed { return ("at " + Words.list(times.map(clock)), false) }
        if let blocks = blocks() { return (blocks, false) }
        return (fieldByField, hours.count == 24)
    }

    private func clock(_ time: Int) -> String { Words.time(time, seconds: namesSeconds) }

    private func rate(_ step: Int) -> String { "every " + Words.duration(Int64(step)) }

    private func span(_ first: Int, _ last: Int) -> String {
        "from \(clock(first)) to \(clock(last))"
    }

    /// Rates that go on around the clock.
    private func throughoutTheDay(_ times: [Int]) -> String? {
        guard hours.count == 24, let progression = Progression.one(of: times), progression.step > 0,
            86_400 % progression.step == 0
        else { return nil }
        if progression.step == 3_600 {
            if progression.first == 0 { return "every hour, on the hour" }
            if seconds == [0] { return "at minute \(minutes[0]) of every hour" }
            return "at minute \(minutes[0]) and second \(seconds[0]) of every hour"
        }
        if progression.first == 0 { return rate(progression.step) }
        if progression.step == 60 { return "at second \(seconds[0]) of every minute" }
        return nil
    }

    /// The same rate in some hours of the day: `every 5 minutes from 02:00 to 02:55 and from 04:00
    /// to 04:55`.
    private func blocks() -> String? {
        let withinHour = minutes.flatMap { minute in seconds.map { minute * 60 + $0 } }
        guard let progression = Progression.one(of: withinHour), progression.step > 0,
            hours.count < 24
        else { return nil }
        var runs: [ClosedRange<Int>] = []
        for hour in hours {
            if let last = runs.last, last.upperBound + 1 == hour {
                runs[runs.count - 1] = last.lowerBound...hour
            } else {
                runs.append(hour...hour)
            }
        }
        // From one hour to the next the distance has to be the same as within.
        let wraps = progression.first + 3_600 - progression.last == progression.step
        guard runs.count <= 4, wraps || runs.allSatisfy({ $0.count == 1 }) else { return nil }
        let spans = runs.map {
            span(
                $0.lowerBound * 3600 + progression.first, $0.upperBound * 3600 + progression.last)
        }
        return rate(progression.step) + " " + Words.list(spans)
    }

    /// What fits into no other form.
    private var fieldByField: String {
        var parts: [String] = []
        if namesSeconds { parts.append(values(seconds, "second", of: 60)) }
        parts.append(values(minutes, "minute", of: 60))
        let isEveryHour = hours.count == 24
        parts.append(isEveryHour ? "every hour" : values(hours, "hour", of: 24, article: true))
        let first = parts[0].hasPrefix("every") ? "" : "at "
        return first + parts.joined(separator: " of ")
    }

    private func values(
        _ values: [Int], _ unit: String, of all: Int, article: Bool = false
    ) -> String {
        if values.count == all { return "every \(unit)" }
        if values.count == 1 { return (article ? "the " : "") + "\(unit) \(values[0])" }
        if values.count > 2, let only = Progression.one(of: values), only.step > 1 {
            return "every \(Words.ordinalWord(only.step)) \(unit) from \(unit) \(only.first) to "
                + "\(unit) \(only.last)"
        }
        let items = Progression.all(of: values).map { progression in
            switch progression.step {
            case 0: "\(progression.first)"
            case 1: "\(progression.first) to \(progression.last)"
            default:
                "every \(Words.ordinalWord(progression.step)) from \(progression.first) to "
                    + "\(progression.last)"
            }
        }
        // Steps inside lists are hard to hear; a list of values is not.
        let isPlain = !items.contains { $0.hasPrefix("every") }
        let list = isPlain || values.count > 12 ? items : values.map { "\($0)" }
        return (article ? "the " : "") + "\(unit)s " + Words.list(list)
    }
}
