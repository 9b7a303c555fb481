internal import Scheduling

/// What the jobs of one file have where they say nothing.
struct JobDefaults {
    var timeZone: Zone?
    var dst: ClockChangePolicy = .cron
    var calendars = CalendarUse()
    var jitterSeconds: Int?
    var spread: Spread?
    var activeDeadlineSeconds: Int?
    var transaction: TransactionMode = .perRun
    var retry = RetryPolicy()
    var history = HistoryPolicy()
    var notify = NotifyPolicy()
    var owner: String?
    var labels: [String: String] = [:]

    /// The value of `defaults`, if there is one.
    init(
        _ node: YAMLNode?, zones: ZoneReader, calendars shelf: CalendarShelf,
        collector: DiagnosticCollector
    ) {
        guard let node, !node.isNull,
            let reader = MappingReader(
                node, place: .defaults, subject: "'defaults'", collector: collector)
        else { return }
        timeZone = zones.read(reader, collector: collector)
        if timeZone == nil, reader.value("timeZone") != nil {
            // The zone is reported; the jobs are not blamed for having none.
            timeZone = .utc
        }
        if let node = reader.value("dst") {
            dst = ClockChangePolicy(node, collector: collector)
        }
        if let node = reader.value("calendars") {
            calendars = CalendarUse(node, shelf: shelf, collector: collector)
        }
        jitterSeconds = reader.readSeconds("jitterSeconds", least: 0)
        spread = reader.read("spread", choices: Spread.self)
        activeDeadlineSeconds = reader.readSeconds("activeDeadlineSeconds")
        if let mode = reader.read("transaction", choices: TransactionMode.self) {
            transaction = mode
        }
        retry = RetryReader(reader: reader, collector: collector).read(over: retry)
        history = HistoryReader(reader: reader, collector: collector).read(over: history)
        notify = NotifyReader(reader: reader, collector: collector).read(over: notify)
        owner = reader.read("owner", as: String.self)
        labels = reader.readLabels() ?? [:]
    }
}

/// Zones by name: a file has many jobs and few zones.
final class ZoneReader {
    private var zones: [String: Zone] = [:]

    /// The zone that a mapping names; reported and `nil` where there is no such zone.
    func read(_ reader: MappingReader, collector: DiagnosticCollector) -> Zone? {
        guard let node = reader.value("timeZone"),
            let name = reader.read("timeZone", as: String.self)
        else { return nil }
        if let zone = zones[name] { return zone }
        do {
            let zone = try Zone(name)
            zones[name] = zone
            return zone
        } catch {
            collector.add(
                Diagnostic(
                    category: .timeZone, at: node,
                    message: "there is no time zone '\(error.identifier)'",
                    help: error.suggestions.isEmpty
                        ? "use a name of the IANA database, such as Europe/Berlin"
                        : "did you mean \(Suggestion.list(error.suggestions, joinedBy: "or"))?"))
            return nil
        }
    }
}
