/// Collects what is wrong with a file while the reading goes on.
final class DiagnosticCollector {
    private(set) var diagnostics: [Diagnostic] = []
    private var errorCount = 0

    func add(_ diagnostic: Diagnostic) {
        if diagnostic.severity == .error { errorCount += 1 }
        diagnostics.append(diagnostic)
    }

    func add(_ more: [Diagnostic]) {
        for diagnostic in more { add(diagnostic) }
    }

    /// What the body returns, or `nil` where it reported an error.
    func valueUnlessErrors<Value>(_ body: () -> Value?) -> Value? {
        let before = errorCount
        let value = body()
        return errorCount == before ? value : nil
    }
}

/// Reads one mapping of the schedule file by the table of keys.
///
/// Keys that do not belong here are reported at once, whichever values are asked for later.
struct MappingReader {
    let node: YAMLNode
    let place: ScheduleKey.Place
    private let collector: DiagnosticCollector
    private var values: [String: YAMLNode] = [:]

    /// Reports the node and returns `nil` where it is no mapping.
    init?(
        _ node: YAMLNode, place: ScheduleKey.Place, subject: String,
        collector: DiagnosticCollector
    ) {
        self.node = node
        self.place = place
        self.collector = collector
        guard let pairs = node.mapping else {
            collector.add(
                Diagnostic(
                    category: .value, at: node,
                    message: "\(subject) must be a mapping, not \(node.kindInWords)",
                    help: "its keys are \(Self.names(of: place))"))
            return nil
        }
        for pair in pairs {
            if let key = ScheduleKey.named(pair.name, in: place), key.isAvailable {
                values[pair.name] = pair.value
            } else {
                collector.add(refusal(of: pair))
            }
        }
    }

    /// The node under a key; a key without a value counts as written.
    func value(_ key: String) -> YAMLNode? { values[key] }

    /// The value under a key, read by its type; reported and `nil` where it does not fit.
    func read<Value: YAMLScalarValue>(_ key: String, as type: Value.Type = Value.self) -> Value? {
        guard let node = values[key] else { return nil }
        do {
            return try Value(node, subject: "'\(key)'")
        } catch {
            report(error, at: node)
            return nil
        }
    }

    /// One of the cases of an enumeration.
    func read<Value>(_ key: String, choices: Value.Type) -> Value?
    where Value: CaseIterable & RawRepresentable<String> {
        guard let node = values[key], let text = read(key, as: String.self) else { return nil }
        if let value = Value(rawValue: text) { return value }
        let names = Value.allCases.map(\.rawValue)
        let allowed = "possible are \(Suggestion.list(names, joinedBy: "and"))"
        collector.add(
            Diagnostic(
                category: .value, at: node,
                message: "'\(key)' cannot be '\(text.shortened(to: 40))'",
                help: Suggestion.question(for: text, among: names).map { "\($0) \(allowed)" }
                    ?? allowed))
        return nil
    }

    /// A number of seconds, at least 1.
    func readSeconds(_ key: String) -> Int? {
        guard let node = values[key] else { return nil }
        if let text = node.scalar?.text, node.scalar?.kind == .string,
            let seconds = try? DurationText.seconds(text)
        {
            collector.add(
                Diagnostic(
                    category: .value, at: node,
                    message: "'\(key)' must be a whole number of seconds",
                    help: "write \(seconds)"))
            return nil
        }
        guard let seconds = read(key, as: Int.self) else { return nil }
        let longest = Int(DurationText.longestSeconds)
        guard seconds >= 1, seconds <= longest else {
            collector.add(
                Diagnostic(
                    category: .value, at: node,
                    message: seconds < 1
                        ? "'\(key)' must be at least 1 second, not \(seconds)"
                        : "'\(key)' is longer than 100 years",
                    help: seconds == 0 ? "leave the key out for no limit" : nil))
            return nil
        }
        return seconds
    }

    /// Reports what a conversion threw.
    func report(_ error: any Error, at node: YAMLNode, category: Diagnostic.Category = .value) {
        guard let error = error as? YAMLValueError else { return }
        collector.add(
            Diagnostic(category: category, at: node, message: error.message, help: error.help))
    }

    // MARK: Keys that do not belong here

    private func refusal(of pair: YAMLPair) -> Diagnostic {
        let name = pair.name
        let shown = name.shortened(to: 60)
        if let key = ScheduleKey.named(name, in: place) {
            return Diagnostic(
                category: .unavailable, at: pair.key, message: "'\(shown)' is not available yet",
                help: "remove it; it will say: \(key.meaning)")
        }
        let places = ScheduleKey.places(of: name)
        if !places.isEmpty {
            let belongs = places.map(\.inWords).joined(separator: " or ")
            return Diagnostic(
                category: .unknownKey, at: pair.key,
                message: "'\(shown)' cannot stand \(place.inWords)",
                help: "it belongs \(belongs)" + misplacementHint(name))
        }
        return Diagnostic(
            category: .unknownKey, at: pair.key, message: "unknown key '\(shown)'",
            help: help(for: pair))
    }

    private func misplacementHint(_ name: String) -> String {
        switch (place, name) {
        case (.job, "jobs"), (.job, "defaults"), (.job, "version"): "; check the indentation"
        case (.file, _): "; indent it, or move it into 'defaults' or a job"
        default: ""
        }
    }

    private func help(for pair: YAMLPair) -> String {
        let name = pair.name
        if let (ours, how) = ForeignKey.ours(for: name, in: place) { return answer(ours, how) }
        if place == .file, pair.value["task"] != nil || pair.value["schedule"] != nil {
            return "is it a job? Jobs stand under 'jobs:', indented"
        }
        let names = ScheduleKey.all.filter { $0.places.contains(place) }
        if let near = Suggestion.nearest(to: name, among: names.map(\.name)).first {
            return answer(near, nil)
        }
        return "the keys \(place.inWords) are \(Self.names(of: place))"
    }

    private func answer(_ ours: String, _ how: String?) -> String {
        if let how, how.contains(":") { return "write \(how)" }
        let question = "did you mean '\(ours)'" + (how.map { " \($0)" } ?? "") + "?"
        guard let key = ScheduleKey.named(ours, in: place) else {
            let places = ScheduleKey.places(of: ours).map(\.inWords).joined(separator: " or ")
            return "'\(ours)' is the name here, and it belongs \(places)"
        }
        return key.isAvailable ? question : "\(question) But that is not available yet"
    }

    private static func names(of place: ScheduleKey.Place) -> String {
        Suggestion.list(
            ScheduleKey.available(in: place).map(\.name), joinedBy: "and")
    }
}
