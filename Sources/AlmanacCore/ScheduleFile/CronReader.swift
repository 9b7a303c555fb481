internal import Scheduling

/// Reads cron expressions with their zones.
struct CronReader {
    let zones: ZoneReader
    let collector: DiagnosticCollector
    /// The zone of the job.
    let zone: Zone
    /// Whether the file names that zone.
    let isZoneChosen: Bool
    let policy: ClockChangePolicy

    /// A cron expression with its zone.
    private struct Item {
        var text: String
        var expression: CronExpression
        var zone: Zone
    }

    /// The value of `schedule`: an expression, or a list of expressions and of mappings.
    func read(_ node: YAMLNode) -> RecurrenceReader.Result? {
        switch node.content {
        case .scalar:
            return readCron(node, subject: "'schedule'", zone: zone, isZoneChosen: isZoneChosen)
                .map { result([$0]) }
        case .sequence(let nodes):
            guard !nodes.isEmpty else {
                report(
                    at: node, "'schedule' is an empty list",
                    help: "add a cron expression; to stop the job write 'suspend: true'")
                return nil
            }
            let read = nodes.map(readItem)
            let items = read.compactMap { $0 }
            return items.count == read.count ? result(items) : nil
        case .mapping:
            report(
                at: node, "'schedule' must be a cron expression or a list, not a mapping",
                help: "begin it with '- ': a list of one")
            return nil
        }
    }

    private func result(_ items: [Item]) -> RecurrenceReader.Result {
        let members = items.map { Recurrence.cron($0.expression, $0.zone, policy) }
        return RecurrenceReader.Result(
            recurrence: members.count == 1 ? members[0] : .union(members),
            cronTexts: items.count == 1
                ? items[0].text : items.map(\.text).joined(separator: "\n"))
    }

    private func readItem(_ node: YAMLNode) -> Item? {
        let subject = "an item of 'schedule'"
        guard node.mapping != nil else {
            return readCron(node, subject: subject, zone: zone, isZoneChosen: isZoneChosen)
        }
        guard
            let reader = MappingReader(
                node, place: .scheduleItem, subject: subject, collector: collector)
        else { return nil }
        let ownZone = zones.read(reader, collector: collector)
        guard let cron = reader.value("cron") else {
            if reader.hasTried("cron") { return nil }
            collector.add(
                Diagnostic(
                    category: .missing, at: node, message: "'cron' is missing in this item",
                    help: "add 'cron: \"30 2 * * *\"'"))
            return nil
        }
        let isChosen = isZoneChosen || reader.hasTried("timeZone")
        let item = readCron(cron, subject: "'cron'", zone: ownZone ?? zone, isZoneChosen: isChosen)
        return reader.value("timeZone") != nil && ownZone == nil ? nil : item
    }

    private func readCron(
        _ node: YAMLNode, subject: String, zone: Zone, isZoneChosen: Bool
    ) -> Item? {
        guard let scalar = node.scalar, scalar.kind != .null else {
            report(
                at: node, "\(subject) must be a cron expression, not \(node.kindInWords)",
                help: "write it in quotes, such as \"30 2 * * *\"")
            return nil
        }
        let expression: CronExpression
        do {
            expression = try CronExpression(scalar.text)
        } catch {
            collector.add(
                Diagnostic(
                    category: .schedule, inside: node, offset: error.offset,
                    message: error.message.replacing("`", with: "'"), help: Self.help(for: scalar)))
            return nil
        }
        guard !expression.neverFires else {
            report(
                at: node, "'\(scalar.text)' never fires: no year has such a day",
                help: "for the last day of a month write L; to stop the job, 'suspend: true'")
            return nil
        }
        warn(about: expression, at: node, zone: zone, isZoneChosen: isZoneChosen)
        return Item(text: Self.tidy(scalar.text), expression: expression, zone: zone)
    }

    /// With single blanks.
    private static func tidy(_ text: String) -> String {
        var isBlank = true
        let isTidy = text.utf8.allSatisfy { byte in
            let wasBlank = isBlank
            isBlank = byte == UInt8(ascii: " ")
            return byte != UInt8(ascii: "\t") && !(wasBlank && isBlank)
        }
        if isTidy, !isBlank { return text }
        return text.split { $0 == " " || $0 == "\t" }.joined(separator: " ")
    }

    private static func help(for scalar: YAMLScalar) -> String? {
        guard (try? DurationText.seconds(scalar.text)) != nil, scalar.kind == .string else {
            return nil
        }
        return "for a fixed rate write 'every: \(scalar.text)' instead of 'schedule'"
    }

    private func warn(
        about expression: CronExpression, at node: YAMLNode, zone: Zone, isZoneChosen: Bool
    ) {
        for warning in expression.warnings {
            collector.add(
                Diagnostic(
                    severity: .warning, category: .cronStyle, at: node,
                    message: warning.message.replacing("`", with: "'")))
        }
        guard expression.isFixed, !isZoneChosen else { return }
        collector.add(
            Diagnostic(
                severity: .warning, category: .defaultTimeZone, at: node,
                message: "these times are in \(zone.identifier), because no time zone is named",
                help: "add 'timeZone: …' to the job or to 'defaults'; UTC is fine if it is said"))
    }

    private func report(at node: YAMLNode, _ message: String, help: String) {
        collector.add(
            Diagnostic(category: .schedule, at: node, message: message, help: help))
    }
}
