internal import Scheduling

/// Reads when a job is due.
struct RecurrenceReader {
    let zones: ZoneReader
    let calendars: CalendarShelf
    let collector: DiagnosticCollector
    /// The zone of the job.
    let zone: Zone
    /// Whether the file names that zone.
    let isZoneChosen: Bool
    let defaults: JobDefaults

    struct Result {
        var recurrence: Recurrence
        /// The cron expressions as they are written, a line each.
        var cronTexts = ""
    }

    func read(_ job: MappingReader, name: YAMLNode) -> Result? {
        let bounds = readBounds(job)
        let ownPolicy = readPolicy(job)
        let use = job.hasTried("calendars") ? readCalendars(job) : defaults.calendars
        guard let kind = kind(of: job, name: name), let node = job.value(kind) else { return nil }
        let result: Result? =
            switch kind {
            case "schedule":
                CronReader(
                    zones: zones, collector: collector, zone: zone, isZoneChosen: isZoneChosen,
                    policy: ownPolicy ?? defaults.dst
                ).read(node)
            case "every": readEvery(node, job, from: bounds?.first)
            default: readAfter(node, job)
            }
        if kind != "schedule" { refusePolicy(job, kind: kind) }
        guard var result, let bounds, let use else { return nil }
        if bounds.first != nil || bounds.last != nil {
            result.recurrence = .bounded(
                result.recurrence, from: bounds.first, through: bounds.last)
        }
        if !use.isEmpty {
            result.recurrence = .filtered(result.recurrence, use.filter(in: zone))
        }
        return result
    }

    /// The one of the keys that the job has.
    private func kind(of job: MappingReader, name: YAMLNode) -> String? {
        let kinds = ScheduleKey.alternatives(in: .job)
        let written = kinds.filter(job.has)
        if written.count > 1 {
            let last = written.max { position(of: $0, in: job) < position(of: $1, in: job) }
            let first = written.min { position(of: $0, in: job) < position(of: $1, in: job) }
            guard let last, let first, let key = job.key(last) else { return nil }
            collector.add(
                Diagnostic(
                    category: .schedule, at: key,
                    message: "a job has one of 'schedule', 'every' and 'after', not several",
                    help: "remove all but one; '\(first)' stands at line "
                        + "\(position(of: first, in: job).line)"))
            return nil
        }
        if written.isEmpty, !kinds.contains(where: job.hasTried) {
            collector.add(
                Diagnostic(
                    category: .missing, at: name,
                    message: "the job '\(name.scalar?.text ?? "")' does not say when it runs",
                    help: "add 'schedule: \"30 2 * * *\"', 'every: 15m' or 'after: 15m'"))
        }
        return written.first
    }

    private func position(of key: String, in job: MappingReader) -> SourcePosition {
        job.key(key)?.position ?? .start
    }

    // MARK: every and after

    private func readEvery(_ node: YAMLNode, _ job: MappingReader, from anchor: Instant?) -> Result?
    {
        guard let seconds = readDuration(node, job, key: "every") else { return nil }
        return Result(recurrence: .every(seconds: seconds, anchor: anchor ?? .distantPast))
    }

    private func readAfter(_ node: YAMLNode, _ job: MappingReader) -> Result? {
        guard let seconds = readDuration(node, job, key: "after") else { return nil }
        return Result(recurrence: .after(seconds: seconds))
    }

    private func readDuration(_ node: YAMLNode, _ job: MappingReader, key: String) -> Int64? {
        do {
            return try seconds(in: node, key: key)
        } catch {
            job.report(error, at: node, category: .schedule)
            return nil
        }
    }

    private func seconds(in node: YAMLNode, key: String) throws(YAMLValueError) -> Int64 {
        guard let scalar = node.scalar, scalar.kind != .null else {
            throw YAMLValueError(
                message: "'\(key)' must be a duration, not \(node.kindInWords)",
                help: "write a whole number and a unit: 90s, 15m, 2h or 1d")
        }
        if scalar.text.hasPrefix("@") || scalar.text.split(separator: " ").count >= 5 {
            throw YAMLValueError(
                message: "'\(key)' takes a duration, not a cron expression",
                help: "did you mean 'schedule'?")
        }
        let seconds = try DurationText.seconds(scalar.text)
        guard seconds >= 1 else {
            throw YAMLValueError(
                message: "'\(key)' must be at least 1 second, not '\(scalar.text)'",
                help: "to stop the job write 'suspend: true'")
        }
        return seconds
    }

    // MARK: dst

    /// The job's own policy, if it has one.
    private func readPolicy(_ job: MappingReader) -> ClockChangePolicy? {
        job.value("dst").map { ClockChangePolicy($0, collector: collector) }
    }

    private func refusePolicy(_ job: MappingReader, kind: String) {
        guard let key = job.key("dst") else { return }
        collector.add(
            Diagnostic(
                category: .schedule, at: key,
                message: "'dst' says nothing about '\(kind)', which knows no clock on the wall",
                help: "remove it; only 'schedule' goes by the clock of a zone"))
    }

    // MARK: Calendars

    private func readCalendars(_ job: MappingReader) -> CalendarUse? {
        guard let node = job.value("calendars") else { return nil }
        return collector.valueUnlessErrors {
            CalendarUse(node, shelf: calendars, collector: collector)
        }
    }

    // MARK: startAt and endAt

    /// `nil` where one of them is wrong.
    private func readBounds(_ job: MappingReader) -> (first: Instant?, last: Instant?)? {
        collector.valueUnlessErrors {
            let first = readInstant(job, "startAt")
            let last = readInstant(job, "endAt")
            if let first, let last, last < first, let node = job.value("endAt") {
                collector.add(
                    Diagnostic(
                        category: .schedule, at: node,
                        message: "'endAt' is before 'startAt': the job would never be due",
                        help: "'startAt' is \(first); to stop the job write 'suspend: true'"))
            }
            return (first, last)
        }
    }

    private func readInstant(_ job: MappingReader, _ key: String) -> Instant? {
        guard let node = job.value(key), let text = job.read(key, as: String.self) else {
            return nil
        }
        guard let instant = Instant(iso8601: text) else {
            collector.add(
                Diagnostic(
                    category: .value, at: node,
                    message: "'\(key)' must be an instant as in RFC 3339, not '"
                        + "\(text.shortened(to: 40))'",
                    help: InstantText.help(for: text, in: zone)))
            return nil
        }
        guard instant >= .distantPast, instant < .distantFuture else {
            collector.add(
                Diagnostic(
                    category: .value, at: node,
                    message: "'\(key)' is outside of the years 1970 to 2199",
                    help: "leave the key out where there is no such bound"))
            return nil
        }
        return instant
    }
}

extension ClockChangePolicy {
    /// The value of `dst`; what is wrong with it is reported.
    init(_ node: YAMLNode, collector: DiagnosticCollector) {
        self.init()
        guard node.mapping != nil else {
            collector.add(
                Diagnostic(
                    category: .value, at: node,
                    message: "'dst' must be a mapping, not \(node.kindInWords)",
                    help: Self.help(for: node.scalar?.text ?? "")))
            return
        }
        guard
            let reader = MappingReader(
                node, place: .clockChanges, subject: "'dst'", collector: collector)
        else { return }
        gap = reader.read("gap", choices: Gap.self)
        fold = reader.read("fold", choices: Fold.self)
    }

    private static func help(for text: String) -> String {
        if let gap = Gap(rawValue: text) { return "write {gap: \(gap.rawValue)}" }
        if let fold = Fold(rawValue: text) { return "write {fold: \(fold.rawValue)}" }
        return "write {gap: nextValid, fold: first}, or one of the two"
    }
}
