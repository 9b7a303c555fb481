/// Reads `backoffLimit`, `backoff` and `retryPolicy`, of a job or of `defaults`.
struct RetryReader {
    let reader: MappingReader
    let collector: DiagnosticCollector

    /// The most attempts after the first.
    static let highestLimit = 1_000
    /// The greatest factor between two pauses.
    static let greatestFactor = 100.0

    /// What is written, over what the defaults have; each of the three keys replaces the whole
    /// value of the defaults.
    func read(over defaults: RetryPolicy) -> RetryPolicy {
        var policy = defaults
        if let limit = readNumber("backoffLimit", from: 0, to: Self.highestLimit) {
            policy.limit = limit
        }
        if let node = reader.value("backoff") {
            policy.pauses = readPauses(node) ?? policy.pauses
        }
        if let node = reader.value("retryPolicy") {
            policy.rules = readPolicy(node) ?? policy.rules
        }
        warnWithoutLimit(policy)
        return policy
    }

    private func readNumber<Value: YAMLScalarValue & Comparable>(
        _ key: String, in reader: MappingReader? = nil, from least: Value, to most: Value
    ) -> Value? {
        let reader = reader ?? self.reader
        guard let node = reader.value(key), let value = reader.read(key, as: Value.self) else {
            return nil
        }
        // Also false of "not a number".
        if value >= least, value <= most { return value }
        reader.report(
            YAMLValueError(
                message: "'\(key)' must be from \(Self.text(least)) to \(Self.text(most)), not "
                    + (node.scalar?.text ?? "").shortened(to: 40)), at: node)
        return nil
    }

    private static func text<Value>(_ number: Value) -> String {
        let text = "\(number)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// A job whose every failure is final has no pauses; rules may still make a failure a skip.
    private func warnWithoutLimit(_ policy: RetryPolicy) {
        guard reader.place == .job, policy.limit == 0, !reader.hasTried("backoffLimit"),
            let key = reader.key("backoff")
        else { return }
        collector.add(
            Diagnostic(
                severity: .warning, category: .noRetries, at: key,
                message: "'backoff' does nothing: the job has one attempt",
                help: "add 'backoffLimit: 3' for up to three more, or remove 'backoff'"))
    }

    // MARK: backoff

    private func readPauses(_ node: YAMLNode) -> RetryPolicy.Pauses? {
        let help = "write {initial: 10s, factor: 2, max: 10m, jitter: 0.2}, or some of these"
        guard node.mapping != nil else {
            reader.report(
                YAMLValueError(
                    message: "'backoff' must be a mapping, not \(node.kindInWords)", help: help),
                at: node)
            return nil
        }
        guard
            let backoff = MappingReader(
                node, place: .backoff, subject: "'backoff'", collector: collector)
        else { return nil }
        var pauses = RetryPolicy.Pauses()
        pauses.initialSeconds = backoff.readDuration("initial") ?? pauses.initialSeconds
        pauses.factor =
            readNumber("factor", in: backoff, from: 1, to: Self.greatestFactor) ?? pauses.factor
        // An initial pause beyond the usual greatest one is itself the greatest.
        pauses.maxSeconds =
            backoff.readDuration("max") ?? max(pauses.maxSeconds, pauses.initialSeconds)
        pauses.jitter = readNumber("jitter", in: backoff, from: 0, to: 1) ?? pauses.jitter
        if let node = backoff.value("max"), pauses.maxSeconds < pauses.initialSeconds {
            let initial = DurationText.text(pauses.initialSeconds)
            reader.report(
                YAMLValueError(
                    message: "'max' is shorter than the first pause, which is \(initial)",
                    help: "write \(initial) or more, or a shorter 'initial'"), at: node)
        }
        return pauses
    }

    // MARK: retryPolicy

    private func readPolicy(_ node: YAMLNode) -> [RetryPolicy.Rule]? {
        let help = "write {rules: [{action: Fail, sqlstates: [40001]}]}"
        guard node.mapping != nil else {
            reader.report(
                YAMLValueError(
                    message: "'retryPolicy' must be a mapping, not \(node.kindInWords)",
                    help: help), at: node)
            return nil
        }
        guard
            let policy = MappingReader(
                node, place: .retryPolicy, subject: "'retryPolicy'", collector: collector)
        else { return nil }
        guard policy.value("rules") != nil else {
            if !policy.hasTried("rules") {
                collector.add(
                    Diagnostic(
                        category: .missing, at: node, message: "'retryPolicy' has no 'rules'",
                        help: help))
            }
            return nil
        }
        return items("rules", in: policy, help: help)?.compactMap(readRule)
    }

    private func items(
        _ key: String, in reader: MappingReader, help: String
    ) -> [YAMLNode]? {
        guard let node = reader.value(key) else { return nil }
        if let items = node.sequence, !items.isEmpty { return items }
        reader.report(
            YAMLValueError(
                message: node.sequence == nil
                    ? "'\(key)' must be a list, not \(node.kindInWords)"
                    : "'\(key)' is an empty list", help: help), at: node)
        return nil
    }

    private func readRule(_ node: YAMLNode) -> RetryPolicy.Rule? {
        guard
            let rule = MappingReader(
                node, place: .retryRule, subject: "a rule", collector: collector)
        else { return nil }
        for key in ["action"] where !rule.hasTried(key) {
            missing("the rule has no 'action'", "add 'action: Retry', 'Fail' or 'Ignore'", at: node)
        }
        if !rule.hasTried("sqlstates"), !rule.hasTried("errorTypes") {
            missing(
                "the rule does not say which failures it is for",
                "add 'sqlstates: [40001]' or 'errorTypes: [ConnectionLost]'", at: node)
        }
        let states = items("sqlstates", in: rule, help: "write [40001, 08*]") ?? []
        let types = items("errorTypes", in: rule, help: "write [ConnectionLost]") ?? []
        guard let action = rule.read("action", choices: RetryPolicy.Action.self) else { return nil }
        return RetryPolicy.Rule(
            action: action, sqlStates: states.compactMap(readSQLState),
            errorTypes: types.compactMap { readText($0, subject: "an item of 'errorTypes'") })
    }

    private func missing(_ message: String, _ help: String, at node: YAMLNode) {
        collector.add(Diagnostic(category: .missing, at: node, message: message, help: help))
    }

    private func readText(_ node: YAMLNode, subject: String) -> String? {
        do {
            let text = try String(node, subject: subject)
            guard !text.isEmpty else {
                throw YAMLValueError(message: "\(subject) is empty", help: "write a name")
            }
            return text
        } catch {
            if let error = error as? YAMLValueError { reader.report(error, at: node) }
            return nil
        }
    }

    /// Five digits or capital letters, or the first of them and a star.
    private func readSQLState(_ node: YAMLNode) -> String? {
        guard let text = readText(node, subject: "an item of 'sqlstates'") else { return nil }
        let signs = text.hasSuffix("*") ? text.dropLast() : text[...]
        let isLong = text.hasSuffix("*") ? (1...4).contains(signs.count) : signs.count == 5
        let isPlain = signs.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0)
        }
        if isLong, isPlain { return text }
        let upper = text.uppercased()
        reader.report(
            YAMLValueError(
                message: "'\(text.shortened(to: 40))' is no SQLSTATE",
                help: upper != text && upper.count == 5
                    ? "write \(upper)"
                    : "write five digits or capital letters such as 40001 or 40P01, or the first "
                        + "ones and a star: 08*"), at: node)
        return nil
    }
}

extension RetryPolicy {
    /// What a stored definition says of it; nothing where there is one attempt and no rule.
    var canonicalMembers: [CanonicalJSON.Member] {
        var members: [CanonicalJSON.Member] = []
        if limit > 0 {
            members.append(("backoffLimit", .raw("\(limit)")))
            members.append(
                (
                    "backoff",
                    .object([
                        ("initial", .text(DurationText.text(pauses.initialSeconds))),
                        ("factor", .raw("\(pauses.factor)")),
                        ("max", .text(DurationText.text(pauses.maxSeconds))),
                        ("jitter", .raw("\(pauses.jitter)")),
                    ])
                ))
        }
        if !rules.isEmpty {
            members.append(
                ("retryPolicy", .object([("rules", .list(rules.map(\.canonical)))])))
        }
        return members
    }
}

extension RetryPolicy.Rule {
    fileprivate var canonical: CanonicalJSON {
        var members: [CanonicalJSON.Member] = [("action", .text(action.rawValue))]
        if !sqlStates.isEmpty {
            members.append(("sqlstates", .list(sqlStates.map { .text($0) })))
        }
        if !errorTypes.isEmpty {
            members.append(("errorTypes", .list(errorTypes.map { .text($0) })))
        }
        return .object(members)
    }
}
