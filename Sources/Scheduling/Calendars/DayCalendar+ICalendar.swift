extension DayCalendar {
    /// Reads the days of the events of an iCalendar (RFC 5545), such as a feed of holidays.
    ///
    /// Each event stands for the days from `DTSTART` to `DTEND` (of dates, the day before it) or
    /// through `DURATION`, and again for each time that `RRULE` and `RDATE` repeat it and `EXDATE`
    /// does not take away, up to the end of 2199. Rules may have a frequency from `DAILY` to
    /// `YEARLY` with `INTERVAL`, `COUNT`, `UNTIL`, `BYMONTH`, `BYMONTHDAY`, `BYDAY`, `BYSETPOS` and
    /// `WKST`. Events that are cancelled are left out.
    ///
    /// A time counts for the date that it is written with, whatever its zone: a holiday that begins
    /// at midnight does so everywhere.
    ///
    /// - Throws: ``ICalendarError``, with the line, for whatever could change the days and is not
    ///   understood. Nothing of that kind is passed over.
    public init(iCalendar text: String) throws(ICalendarError) {
        var reader = ICalendarReader(lines: try ICalendarLine.all(in: text))
        self.init(ranges: try reader.read())
    }
}

/// Walks over the components of an iCalendar.
private struct ICalendarReader {
    let lines: [ICalendarLine]
    private var position = 0
    private var ranges: [ClosedRange<CivilDate>] = []
    private var budget = ICalendarBudget()

    init(lines: [ICalendarLine]) {
        self.lines = lines
    }

    mutating func read() throws(ICalendarError) -> [ClosedRange<CivilDate>] {
        guard !lines.isEmpty else {
            throw ICalendarError(.syntax, line: 1, "the text is empty; expected BEGIN:VCALENDAR")
        }
        while position < lines.count {
            let line = lines[position]
            guard line.name == "BEGIN", line.value.uppercased() == "VCALENDAR" else {
                throw ICalendarError(
                    .syntax, line: line.number,
                    "expected BEGIN:VCALENDAR, not \(ICalendarLine.shown(line.name))")
            }
            position += 1
            try readCalendar(from: line)
        }
        return ranges
    }

    private mutating func readCalendar(from begin: ICalendarLine) throws(ICalendarError) {
        while let line = take() {
            switch (line.name, line.value.uppercased()) {
            case ("END", "VCALENDAR"): return
            case ("END", _): throw line.invalid("ends what has not begun")
            case ("BEGIN", "VEVENT"):
                let event = try readEvent(from: line)
                ranges += try event.ranges(budget: &budget)
            // What a zone's rules are matters to times, and days are as written.
            case ("BEGIN", "VTIMEZONE"): try skip(from: line)
            case ("BEGIN", let component):
                guard component.hasPrefix("X-") else {
                    throw line.unsupported("the component \(ICalendarLine.shown(component))")
                }
                try skip(from: line)
            case ("CALSCALE", let scale):
                guard scale == "GREGORIAN" else { throw line.unsupported("another calendar") }
            default: break
            }
        }
        throw unended(begin)
    }

    private mutating func readEvent(from begin: ICalendarLine) throws(ICalendarError) -> Event {
        var event = Event(begin: begin)
        while let line = take() {
            switch line.name {
            case "END":
                guard line.value.uppercased() == "VEVENT" else {
                    throw line.invalid("ends what has not begun")
                }
                return event
            // Alarms and the like say nothing of the days.
            case "BEGIN": try skip(from: line)
            default: try event.take(line)
            }
        }
        throw unended(begin)
    }

    /// Passes over a component and all in it.
    private mutating func skip(from begin: ICalendarLine) throws(ICalendarError) {
        var open = [begin.value.uppercased()]
        while let line = take() {
            if line.name == "BEGIN" { open.append(line.value.uppercased()) }
            guard line.name == "END" else { continue }
            guard line.value.uppercased() == open.popLast() else {
                throw line.invalid("ends what has not begun")
            }
            if open.isEmpty { return }
        }
        throw unended(begin)
    }

    private mutating func take() -> ICalendarLine? {
        guard position < lines.count else { return nil }
        position += 1
        return lines[position - 1]
    }

    private func unended(_ begin: ICalendarLine) -> ICalendarError {
        ICalendarError(
            .syntax, line: begin.number,
            "\(ICalendarLine.shown(begin.value)) has no end; expected END:"
                + ICalendarLine.shown(begin.value))
    }
}

// MARK: - Events

/// A VEVENT.
private struct Event {
    let begin: ICalendarLine
    private var single: [String: ICalendarLine] = [:]
    private var rules: [ICalendarLine] = []
    private var added: [ICalendarLine] = []
    private var removed: [ICalendarLine] = []

    /// Properties that say nothing of the days (RFC 5545, section 3.8, and RFC 7986).
    private static let descriptive: Set<String> = [
        "ATTACH", "ATTENDEE", "CATEGORIES", "CLASS", "COLOR", "COMMENT", "CONFERENCE", "CONTACT",
        "CREATED", "DESCRIPTION", "DTSTAMP", "GEO", "IMAGE", "LAST-MODIFIED", "LOCATION", "NAME",
        "ORGANIZER", "PRIORITY", "RELATED-TO", "REQUEST-STATUS", "RESOURCES", "SEQUENCE",
        "SOURCE", "SUMMARY", "TRANSP", "UID", "URL",
    ]

    init(begin: ICalendarLine) {
        self.begin = begin
    }

    mutating func take(_ line: ICalendarLine) throws(ICalendarError) {
        switch line.name {
        case "DTSTART", "DTEND", "DURATION", "STATUS":
            guard single.updateValue(line, forKey: line.name) == nil else {
                throw ICalendarError(
                    .missing, line: line.number, "the event has \(line.name) twice")
            }
        case "RRULE": rules.append(line)
        case "RDATE": added.append(line)
        case "EXDATE": removed.append(line)
        default:
            let name = ICalendarLine.shown(line.name)
            guard Self.descriptive.contains(line.name) || line.name.hasPrefix("X-") else {
                throw line.unsupported("the property \(name) of an event")
            }
        }
    }

    /// All days of the event.
    func ranges(
        budget: inout ICalendarBudget
    ) throws(ICalendarError) -> [ClosedRange<CivilDate>] {
        guard let line = single["DTSTART"] else {
            throw ICalendarError(.missing, line: begin.number, "the event has no DTSTART")
        }
        let start = try line.time()
        let length = try lengthDays(from: start)
        var days: Set<CivilDate> = [start.date]
        for rule in rules {
            let read = try ICalendarRule(rule)
            let last = try lastDay(of: read, rule, from: line)
            days.formUnion(
                try read.days(
                    from: start.date, through: last, line: rule.number, budget: &budget))
        }
        for line in added { days.formUnion(try line.times().map(\.date)) }
        for line in removed { days.subtract(try line.times().map(\.date)) }
        try budget.spend(days.count, on: begin.number)
        guard single["STATUS"]?.value.uppercased() != "CANCELLED" else { return [] }
        return days.map { $0...$0.advanced(byDays: length - 1) }
    }

    /// How many days the event touches.
    private func lengthDays(from start: ICalendarTime) throws(ICalendarError) -> Int {
        var end = start.wall
        if let line = single["DTEND"] {
            let time = try line.time()
            guard (time.secondOfDay == nil) == (start.secondOfDay == nil) else {
                throw line.invalid("is not of the kind of DTSTART; write two dates or two times")
            }
            guard time.wall >= start.wall else { throw line.invalid("is before DTSTART") }
            end = time.wall
        }
        if let line = single["DURATION"] {
            guard single["DTEND"] == nil else {
                throw line.invalid("stands beside DTEND; write one of them")
            }
            end += try line.duration()
        }
        // The end is no more part of it, unless it is all there is.
        let last = Gregorian.floorDivide(max(start.wall, end - 1), 86_400)
        let length = Int(last - start.date.dayNumber) + 1
        guard length <= 3_660 else {
            throw ICalendarError(
                .tooLarge, line: begin.number, "the event is longer than ten years")
        }
        return length
    }

    /// The last day of a rule, on the clock on which the event begins.
    private func lastDay(
        of rule: ICalendarRule, _ line: ICalendarLine, from start: ICalendarLine
    ) throws(ICalendarError) -> CivilDate? {
        guard let until = rule.until else { return nil }
        guard until.isUTC, let name = start.parameters["TZID"] else { return until.date }
        guard let zone = try? Zone(name) else {
            throw start.unsupported("the zone \(ICalendarLine.shown(name)) beside an UNTIL in UTC")
        }
        return CivilDate(zone.civilTime(at: Instant(secondsSinceEpoch: until.wall)))
    }
}
