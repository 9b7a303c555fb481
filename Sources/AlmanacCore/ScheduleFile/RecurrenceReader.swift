internal import Scheduling

/// Reads `schedule` or `every` of a job.
struct RecurrenceReader {
    let zones: ZoneReader
    let collector: DiagnosticCollector

    struct Result {
        var recurrence: Recurrence
        /// For people.
        var text: String
        /// The same in the vocabulary of the file, uniformly spelled.
        var canonical: [(key: String, value: CanonicalJSON)]
    }

    /// A cron expression with its zone.
    private struct Item {
        var text: String
        var expression: CronExpression
        var zone: Zone
    }

    /// - Parameters:
    ///   - zone: the zone of the job.
    ///   - isZoneChosen: whether the file names that zone.
    func read(_ job: MappingReader, name: YAMLNode, zone: Zone, isZoneChosen: Bool) -> Result? {
        switch (job.value("schedule"), job.value("every")) {
        case (nil, nil):
            if job.hasTried("schedule") || job.hasTried("every") { return nil }
            collector.add(
                Diagnostic(
                    category: .missing, at: name,
                    message: "the job '\(name.scalar?.text ?? "")' does not say when it runs",
                    help: "add 'schedule: \"30 2 * * *\"' or 'every: 15m'"))
            return nil
        case (let schedule?, let every?):
            collector.add(
                Diagnostic(
                    category: .schedule, at: job.key("every") ?? every,
                    message: "a job has either 'schedule' or 'every', not both",
                    help: "remove one; 'schedule' stands at line \(schedule.position.line)"))
            return nil
        case (let schedule?, nil):
            return readSchedule(schedule, zone: zone, isZoneChosen: isZoneChosen)
        case (nil, let every?):
            return readEvery(every, job)
        }
    }

    // MARK: every

    private func readEvery(_ node: YAMLNode, _ job: MappingReader) -> Result? {
        do {
            let seconds = try seconds(in: node)
            let spelled = DurationText.text(seconds)
            return Result(
                recurrence: .every(seconds: seconds, anchor: .distantPast),
                text: "every \(spelled)",
                canonical: [("every", .text(spelled))])
        } catch {
            job.report(error, at: node, category: .schedule)
            return nil
        }
    }

    private func seconds(in node: YAMLNode) throws(YAMLValueError) -> Int64 {
        guard let scalar = node.scalar, scalar.kind != .null else {
            throw YAMLValueError(
                message: "'every' must be a duration, not \(node.kindInWords)",
                help: "write a whole number and a unit: 90s, 15m, 2h or 1d")
        }
        if scalar.text.hasPrefix("@") || scalar.text.split(separator: " ").count >= 5 {
            throw YAMLValueError(
                message: "'every' takes a duration, not a cron expression",
                help: "did you mean 'schedule'?")
        }
        let seconds = try DurationText.seconds(scalar.text)
        guard seconds >= 1 else {
            throw YAMLValueError(
                message: "'every' must be at least 1 second, not '\(scalar.text)'",
                help: "to stop the job write 'suspend: true'")
        }
        return seconds
    }

    // MARK: schedule

    private func readSchedule(_ node: YAMLNode, zone: Zone, isZoneChosen: Bool) -> Result? {
        var items: [Item] = []
        switch node.content {
        case .scalar:
            let item = readItem(
                node, subject: "'schedule'", zone: zone, isZoneChosen: isZoneChosen)
            guard let item else { return nil }
            items = [item]
        case .sequence(let nodes):
            guard !nodes.isEmpty else {
                collector.add(
                    Diagnostic(
                        category: .schedule, at: node, message: "'schedule' is an empty list",
                        help: "add a cron expression; to stop the job write 'suspend: true'"))
                return nil
            }
            let read = nodes.map {
                readItem(
                    $0, subject: "an item of 'schedule'", zone: zone, isZoneChosen: isZoneChosen)
            }
            items = read.compactMap { $0 }
            guard items.count == read.count else { return nil }
        case .mapping:
            collector.add(
                Diagnostic(
                    category: .schedule, at: node,
                    message: "'schedule' must be a cron expression or a list, not a mapping",
                    help: "begin it with '- ': a list of one"))
            return nil
        }
        return result(items)
    }

    private func result(_ items: [Item]) -> Result? {
        guard let first = items.first else { return nil }
        let members = items.map { Recurrence.cron($0.expression, $0.zone) }
        let isOneZone = items.allSatisfy { $0.zone == first.zone }
        let text =
            isOneZone
            ? items.map(\.text).joined(separator: ", ") + " \(first.zone.identifier)"
            : items.map { "\($0.text) \($0.zone.identifier)" }.joined(separator: ", ")
        let canonical = items.map {
            CanonicalJSON.object([
                ("cron", .text($0.expression.description)), ("timeZone", .text($0.zone.identifier)),
            ])
        }
        return Result(
            recurrence: members.count == 1 ? members[0] : .union(members), text: text,
            canonical: [("schedule", .list(canonical))])
    }

    private func readItem(
        _ node: YAMLNode, subject: String, zone: Zone, isZoneChosen: Bool
    ) -> Item? {
        guard node.mapping != nil else {
            return readCron(
                node, subject: subject, zone: zone, isZoneChosen: isZoneChosen)
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
        let item = readCron(
            cron, subject: "'cron'", zone: ownZone ?? zone, isZoneChosen: isChosen)
        return reader.value("timeZone") != nil && ownZone == nil ? nil : item
    }

    private func readCron(
        _ node: YAMLNode, subject: String, zone: Zone, isZoneChosen: Bool
    ) -> Item? {
        guard let scalar = node.scalar, scalar.kind != .null else {
            collector.add(
                Diagnostic(
                    category: .schedule, at: node,
                    message: "\(subject) must be a cron expression, not \(node.kindInWords)",
                    help: "write it in quotes, such as \"30 2 * * *\""))
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
            collector.add(
                Diagnostic(
                    category: .schedule, at: node,
                    message: "'\(scalar.text)' never fires: no year has such a day",
                    help: "for the last day of a month write L; to stop the job, 'suspend: true'"))
            return nil
        }
        warn(about: expression, at: node, zone: zone, isZoneChosen: isZoneChosen)
        let text = scalar.text.split { $0 == " " || $0 == "\t" }.joined(separator: " ")
        return Item(text: text, expression: expression, zone: zone)
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
}
