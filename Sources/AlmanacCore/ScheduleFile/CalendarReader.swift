internal import Scheduling

/// The calendars of one file, by name.
final class CalendarShelf {
    private var calendars: [String: DayCalendar?] = [:]
    private let folder: String

    /// - Parameter folder: the folder that paths of iCalendar files are relative to.
    init(folder: String) {
        self.folder = folder
    }

    /// Reads the value of `calendars` at the top level, and reports what is wrong with it.
    func read(_ node: YAMLNode, collector: DiagnosticCollector) {
        let found = Declarations.calendars(collector).read(node) { pair, subject in
            (pair.name, read(pair.value, subject: subject, collector: collector))
        }
        for (name, calendar) in found { calendars[name] = .some(calendar) }
    }

    /// The calendar of that name. One that has errors of its own is empty; one that is not there
    /// is reported.
    func calendar(named node: YAMLNode, collector: DiagnosticCollector) -> DayCalendar? {
        let name = node.scalar?.text ?? ""
        if let known = calendars[name] { return known ?? DayCalendar() }
        collector.add(
            Diagnostic(
                category: .value, at: node,
                message: "there is no calendar '\(name.shortened(to: 60))' in this file",
                help: calendars.isEmpty
                    ? "declare it at the top level: 'calendars: {\(name): {dates: […]}}'"
                    : Suggestion.question(for: name, among: calendars.keys)
                        ?? "known: "
                        + Suggestion.list(calendars.keys.sorted(), joinedBy: "and")
            ))
        return nil
    }

    /// A calendar; `nil` where something is wrong with it, which is reported.
    func read(_ node: YAMLNode, subject: String, collector: DiagnosticCollector) -> DayCalendar? {
        let calendar = collector.valueUnlessErrors { () -> DayCalendar? in
            guard
                let reader = MappingReader(
                    node, place: .calendar, subject: subject, collector: collector)
            else { return nil }
            let dates = items(reader, "dates", collector).compactMap { date($0, collector) }
            let ranges = items(reader, "ranges", collector).compactMap { range($0, collector) }
            let weekdays = reader.value("weekdays").flatMap { self.weekdays($0, collector) }
            let own = DayCalendar(dates: dates, ranges: ranges, weekdays: weekdays)
            return iCalendar(reader, collector).map { own.union($0) } ?? own
        }
        guard let calendar, calendar.isEmpty else { return calendar }
        collector.add(
            Diagnostic(
                category: .missing, at: node, message: "\(subject) has no days",
                help: "add 'dates', 'ranges', 'weekdays' or 'iCalendar'"))
        return nil
    }

    private func items(
        _ reader: MappingReader, _ key: String, _ collector: DiagnosticCollector
    ) -> [YAMLNode] {
        guard let node = reader.value(key) else { return [] }
        if let items = node.sequence, !items.isEmpty { return items }
        collector.add(
            Diagnostic(
                category: .value, at: node,
                message: node.sequence == nil
                    ? "'\(key)' must be a list, not \(node.kindInWords)"
                    : "'\(key)' is an empty list",
                help: key == "dates"
                    ? "write [2026-12-25], or one '- 2026-12-25' a line"
                    : "write [{from: 2026-12-24, to: 2026-12-31}]"))
        return []
    }

    // MARK: Days

    private func date(_ node: YAMLNode, _ collector: DiagnosticCollector) -> CivilDate? {
        guard let scalar = node.scalar, let date = CivilDate(iso8601: scalar.text) else {
            collector.add(
                Diagnostic(
                    category: .value, at: node,
                    message: Self.isDateShaped(node)
                        ? "there is no day \(node.scalar?.text ?? "")"
                        : "a date is expected here, not \(node.kindInWords)",
                    help: DateText.help(for: node.scalar?.text ?? "")))
            return nil
        }
        return date
    }

    private static func isDateShaped(_ node: YAMLNode) -> Bool {
        guard let text = node.scalar?.text, text.utf8.count == 10 else { return false }
        return text.split(separator: "-", omittingEmptySubsequences: false).map(\.utf8.count)
            == [4, 2, 2]
    }

    private func range(
        _ node: YAMLNode, _ collector: DiagnosticCollector
    ) -> ClosedRange<CivilDate>? {
        guard
            let reader = MappingReader(
                node, place: .dateRange, subject: "an item of 'ranges'", collector: collector)
        else { return nil }
        for key in ["from", "to"] where !reader.hasTried(key) {
            collector.add(
                Diagnostic(
                    category: .missing, at: node, message: "'\(key)' is missing in this range",
                    help: "write {from: 2026-12-24, to: 2026-12-31}; both days belong to it"))
        }
        guard let from = reader.value("from").flatMap({ date($0, collector) }),
            let toNode = reader.value("to"), let to = date(toNode, collector)
        else { return nil }
        guard from <= to else {
            collector.add(
                Diagnostic(
                    category: .value, at: toNode, message: "the range ends before it begins",
                    help: "write {from: \(to), to: \(from)}"))
            return nil
        }
        return from...to
    }

    private func weekdays(_ node: YAMLNode, _ collector: DiagnosticCollector) -> WeekdayRule? {
        guard let scalar = node.scalar, scalar.kind != .null else {
            let names = node.sequence?.compactMap { $0.scalar?.text }.joined(separator: ",")
            collector.add(
                Diagnostic(
                    category: .value, at: node,
                    message: "'weekdays' must be a text, not \(node.kindInWords)",
                    help: "write '\(names.flatMap { $0.isEmpty ? nil : $0 } ?? "SAT,SUN")'"))
            return nil
        }
        do {
            return try WeekdayRule(scalar.text)
        } catch {
            collector.add(
                Diagnostic(
                    category: .value, inside: node, offset: error.offset,
                    message: error.message.replacing("`", with: "'")))
            return nil
        }
    }

    // MARK: iCalendar

    private func iCalendar(
        _ reader: MappingReader, _ collector: DiagnosticCollector
    ) -> DayCalendar? {
        guard let node = reader.value("iCalendar"),
            let name = reader.read("iCalendar", as: String.self)
        else { return nil }
        guard !name.isEmpty else {
            collector.add(
                Diagnostic(
                    category: .value, at: node, message: "'iCalendar' names no file",
                    help: "write a path relative to this file, such as holidays.ics"))
            return nil
        }
        let path = name.hasPrefix("/") || folder == "." ? name : "\(folder)/\(name)"
        let problems = DiagnosticCollector()
        guard let bytes = ScheduleFiles(collector: problems).bytes(of: path) else {
            for problem in problems.diagnostics {
                collector.add(
                    Diagnostic(
                        category: .file, at: node,
                        message: "\(path.shortened(to: 200)): \(problem.message)",
                        help: "the path is relative to the folder of this file"))
            }
            return nil
        }
        return iCalendar(bytes, path: path, at: node, collector)
    }

    private func iCalendar(
        _ bytes: [UInt8], path: String, at node: YAMLNode, _ collector: DiagnosticCollector
    ) -> DayCalendar? {
        do {
            return try DayCalendar(iCalendar: String(decoding: bytes, as: UTF8.self))
        } catch {
            let place = SourcePosition(line: error.line, column: 1)
            collector.add(
                Diagnostic(
                    category: .value, at: node,
                    message: "\(path.shortened(to: 200)) cannot be used: \(error.message)",
                    notes: [
                        Diagnostic.Note(file: path, position: place, message: "it is this line")
                    ]))
            return nil
        }
    }
}

/// The calendars that a job goes by.
struct CalendarUse {
    var exclude: [DayCalendar] = []
    var only: [DayCalendar] = []

    var isEmpty: Bool { exclude.isEmpty && only.isEmpty }

    init() {}

    /// The value of `calendars` in a job or in `defaults`; what is wrong with it is reported.
    init(_ node: YAMLNode, shelf: CalendarShelf, collector: DiagnosticCollector) {
        guard node.mapping != nil else {
            let names = node.sequence?.compactMap { $0.scalar?.text } ?? [node.scalar?.text ?? ""]
            let list = names.filter { !$0.isEmpty }.joined(separator: ", ")
            collector.add(
                Diagnostic(
                    category: .value, at: node,
                    message: "'calendars' of a job must be a mapping, not \(node.kindInWords)",
                    help: "write {exclude: [\(list.isEmpty ? "…" : list)]}, or 'only' for 'exclude'"
                ))
            return
        }
        guard
            let reader = MappingReader(
                node, place: .calendarUse, subject: "'calendars'", collector: collector)
        else { return }
        exclude = Self.read(reader, "exclude", shelf, collector)
        only = Self.read(reader, "only", shelf, collector)
    }

    func filter(in zone: Zone) -> CalendarFilter {
        CalendarFilter(exclude: exclude, only: only, zone: zone)
    }

    private static func read(
        _ reader: MappingReader, _ key: String, _ shelf: CalendarShelf,
        _ collector: DiagnosticCollector
    ) -> [DayCalendar] {
        guard let node = reader.value(key) else { return [] }
        guard let items = node.sequence, !items.isEmpty else {
            let name = node.scalar.flatMap { $0.kind == .null ? nil : $0.text }
            collector.add(
                Diagnostic(
                    category: .value, at: node,
                    message: "'\(key)' must be a list of calendars, not "
                        + (node.sequence == nil ? node.kindInWords : "an empty one"),
                    help: name.map { "write [\($0)]" }
                        ?? "name one, as in [bank-holidays], or leave the key out"))
            return []
        }
        return items.compactMap { item in
            if item.mapping != nil {
                return shelf.read(
                    item, subject: "a calendar in '\(key)'", collector: collector)
            }
            guard let scalar = item.scalar, scalar.kind != .null else {
                collector.add(
                    Diagnostic(
                        category: .value, at: item,
                        message: "the name of a calendar is expected here, not "
                            + item.kindInWords,
                        help: "write its name, or its days as {dates: [2026-12-25]}"))
                return nil
            }
            return shelf.calendar(named: item, collector: collector)
        }
    }
}
