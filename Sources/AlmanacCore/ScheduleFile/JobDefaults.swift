internal import Scheduling

/// What the jobs of one file have where they say nothing.
struct JobDefaults {
    var timeZone: Zone?
    var activeDeadlineSeconds: Int?
    var transaction: TransactionMode = .perRun
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
