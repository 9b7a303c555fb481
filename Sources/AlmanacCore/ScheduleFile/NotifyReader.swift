/// Reads the `notify` of a job or of the defaults.
struct NotifyReader {
    let reader: MappingReader
    let collector: DiagnosticCollector

    /// The policy: an event of which nothing is said is as in another one.
    func read(over defaults: NotifyPolicy) -> NotifyPolicy {
        var policy = defaults
        guard let node = reader.value("notify") else { return policy }
        guard node.mapping != nil else {
            reader.report(
                YAMLValueError(
                    message: "'notify' must be a mapping, not \(node.kindInWords)",
                    help: "write {onFailure: \(Self.name(in: node))}; its keys are "
                        + MappingReader.names(of: .notify)), at: node)
            return policy
        }
        guard
            let notify = MappingReader(
                node, place: .notify, subject: "'notify'", collector: collector)
        else { return policy }
        if node.mapping?.isEmpty ?? false {
            reader.report(
                YAMLValueError(
                    message: "'notify' says nothing", help: "write {onFailure: …}, or remove it"),
                at: node, category: .missing)
        }
        for event in NotifyPolicy.Event.allCases {
            guard let uses = readUses(event.key, in: notify) else { continue }
            policy.uses[event] = uses
        }
        return policy
    }

    /// A warning where a job wants to be told of what it never finds.
    func warnOfNothing(_ punctuality: Punctuality) {
        guard punctuality.warnAfter == nil, !reader.hasTried("warnAfter"),
            let pair = reader.value("notify")?.mapping?
                .first(where: { $0.name == NotifyPolicy.Event.slow.key }),
            !(pair.value.sequence?.isEmpty ?? false)
        else { return }
        collector.add(
            Diagnostic(
                severity: .warning, category: .noWarnAfter, at: pair.key,
                message: "'onSlow' does nothing: the job has no 'warnAfter'",
                help: "add 'warnAfter: p95' or a duration, or remove 'onSlow'"))
    }

    private static func name(in node: YAMLNode) -> String {
        let first = node.sequence?.first ?? node
        guard let scalar = first.scalar, scalar.kind != .null,
            ScheduleName.channel.problem(with: scalar.text) == nil
        else { return "…" }
        return scalar.text
    }

    // MARK: Channels

    /// The channels of one event; nil where nothing is said of it.
    private func readUses(_ key: String, in notify: MappingReader) -> [NotifyPolicy.Use]? {
        guard let node = notify.value(key) else { return nil }
        guard let items = node.sequence else {
            return use(node, "'\(key)'", in: notify).map { [$0] }
        }
        var uses: [NotifyPolicy.Use] = []
        for item in items {
            guard let use = use(item, "an item of '\(key)'", in: notify) else { continue }
            if uses.contains(where: { $0.channel == use.channel }) {
                notify.report(ScheduleName.channel.repeated(use.channel), at: item)
            } else {
                uses.append(use)
            }
        }
        return uses
    }

    private func use(
        _ node: YAMLNode, _ subject: String, in notify: MappingReader
    ) -> NotifyPolicy.Use? {
        guard let scalar = node.scalar, scalar.kind != .null else {
            notify.report(
                YAMLValueError(
                    message: "\(subject) must be the name of a channel, not \(node.kindInWords)",
                    help: "name one of the 'channels', or several in a list; [] is for nobody"),
                at: node)
            return nil
        }
        return NotifyPolicy.Use(channel: scalar.text, position: node.position)
    }
}
