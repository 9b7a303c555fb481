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
    /// Few enough to be searched.
    private var pairs: [YAMLPair] = []
    private var names: [String] = []
    /// Keys that a misspelt one was meant to be.
    private var meant: Set<String> = []

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
            if ScheduleKey.named(pair.name, in: place) != nil {
                self.pairs.append(pair)
                names.append(pair.name)
            } else {
                let refusal = refusal(of: pair)
                collector.add(refusal.diagnostic)
                if let key = refusal.meant { meant.insert(key) }
            }
        }
    }

    /// The node under a key; a key without a value counts as written.
    func value(_ key: String) -> YAMLNode? {
        names.firstIndex(of: key).map { pairs[$0].value }
    }

    /// The seconds of a duration such as `15m`.
    func readDuration(_ key: String) -> Int64? {
        guard let node = value(key), let text = read(key, as: String.self) else { return nil }
        do {
            return try DurationText.seconds(text)
        } catch {
            report(error, at: node)
            return nil
        }
    }

    /// The key itself, where it is written.
    func key(_ key: String) -> YAMLNode? {
        names.firstIndex(of: key).map { pairs[$0].key }
    }

    /// Whether the key is written.
    func has(_ key: String) -> Bool { names.contains(key) }

    /// Whether the key is written, be it misspelt: then it is not missing as well.
    func hasTried(_ key: String) -> Bool {
        names.contains(key) || meant.contains(key)
    }

    /// The value under a key, read by its type; reported and `nil` where it does not fit.
    func read<Value: YAMLScalarValue>(_ key: String, as type: Value.Type = Value.self) -> Value? {
        guard let node = value(key) else { return nil }
        do {
            return try Value(node, subject: "'\(key)'")
        } catch {
            var error = error as? YAMLValueError
            if error?.help == nil || node.isNull {
                error?.help = ScheduleKey.named(key, in: place).map { "it says: \($0.meaning)" }
            }
            if let error { report(error, at: node) }
            return nil
        }
    }

    /// One of the cases of an enumeration.
    func read<Value>(_ key: String, choices: Value.Type) -> Value?
    where Value: CaseIterable & RawRepresentable<String> {
        guard let node = value(key), let text = read(key, as: String.self) else { return nil }
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

    /// A number of seconds.
    ///
    /// - Parameter least: the smallest that makes sense.
    func readSeconds(_ key: String, least: Int = 1) -> Int? {
        guard let node = value(key) else { return nil }
        do {
            return try seconds(in: node, key: key, least: least)
        } catch {
            report(error, at: node)
            return nil
        }
    }

    private func seconds(
        in node: YAMLNode, key: String, least: Int
    ) throws(YAMLValueError) -> Int {
        let scalar = node.scalar
        let what = "'\(key)' must be a whole number of seconds"
        let found = ", not \(node.kindInWords)"
        let without = "leave the key out for \(least == 0 ? "none" : "no limit")"
        switch scalar?.kind {
        case .string:
            if let seconds = try? DurationText.seconds(scalar?.text ?? "") {
                throw YAMLValueError(message: what + found, help: "write \(seconds)")
            }
            throw YAMLValueError(message: what + found, help: DecimalText.help(for: node))
        case .integer:
            let longest = DurationText.longestSeconds
            let seconds = CoreSchema.integer(scalar?.text ?? "", as: Int.self)
            guard let seconds, seconds <= longest else {
                throw YAMLValueError(
                    message: "'\(key)' is longer than 100 years or no number of seconds at all",
                    help: "write a whole number of seconds from \(least) to \(longest)")
            }
            guard seconds >= least else {
                throw YAMLValueError(
                    message: "'\(key)' must be at least \(least), not \(seconds)", help: without)
            }
            return seconds
        case .null: throw YAMLValueError(message: what + found, help: without)
        case .boolean, .float, nil: throw YAMLValueError(message: what + found)
        }
    }

    /// The texts under `labels`; `nil` where there is no such key.
    func readLabels() -> [String: String]? {
        guard let node = value("labels") else { return nil }
        guard let pairs = node.mapping else {
            report(
                YAMLValueError(
                    message: "'labels' must be a mapping of names to texts, not "
                        + node.kindInWords,
                    help: "write 'labels: {team: sales}'"), at: node)
            return nil
        }
        var labels: [String: String] = [:]
        for pair in pairs {
            if let problem = ScheduleName.label.problem(with: pair.name) {
                report(problem, at: pair.key)
            }
            do {
                labels[pair.name] = try String(pair.value, subject: "the label '\(pair.name)'")
            } catch {
                if let error = error as? YAMLValueError { report(error, at: pair.value) }
            }
        }
        return labels
    }

    /// Reports what is wrong with a value.
    func report(
        _ error: YAMLValueError, at node: YAMLNode, category: Diagnostic.Category = .value
    ) {
        collector.add(
            Diagnostic(category: category, at: node, message: error.message, help: error.help))
    }
}
