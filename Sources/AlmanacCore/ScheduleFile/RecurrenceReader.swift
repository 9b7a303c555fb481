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
            collector.add(
                Diagnostic(
                    category: .missing, at: name,
                    message: "the job '\(name.scalar?.text ?? "")' does not say when it runs",
                    help: "add 'schedule: \"30 2 * * *\"' or 'every: 15m'"))
            return nil
        case (let schedule?, let every?):
            collector.add(
                Diagnostic(
                    category: .schedule, at: every,
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
        guard let text = job.read("every", as: String.self) else { return nil }
        do {
            let seconds = try DurationText.seconds(text)
            guard seconds >= 1 else {
                throw YAMLValueError(
                    message: "'every' must be at least 1 second, not '\(text)'",
                    help: "to stop the job write 'suspend: true'")
            }
            let spelled = DurationText.text(seconds)
            return Result(
                recurrence: .every(seconds: seconds, anchor: .distantPast),
                text: "every \(spelled)",
                canonical: [("every", .text(spelled))])
        } catch {
            if CoreSchema.kind(of: text) == .string, text.split(separator: " ").count >= 5 {
                job.report(
                    YAMLValueError(
                        message: "'every' takes a duration, not a cron expression",
                        help: "did you mean 'schedule'?"), at: node, category: .schedule)
            } else {
                job.report(error, at: node, category: .schedule)
            }
            return nil
        }
    }

    // MARK: schedule

    private func readSchedule(_ node: YAMLNode, zone: Zone, isZoneChosen: Bool) -> Result? {
        var items: [Item] = []
        switch node.content {
        case .scalar:
            guard let item = readItem(node, zone: zone, isZoneChosen: isZoneChosen) else {
                return nil
            }
            items = [item]
        case .sequence(let nodes):
            guard !nodes.isEmpty else {
                collector.add(
                    Diagnostic(
                        category: .schedule, at: node, message: "'schedule' is an empty list",
                        help: "add a cron expression; to stop the job write 'suspend: true'"))
                return nil
            }
            let read = nodes.map { readItem($0, zone: zone, isZoneChosen: isZoneChosen) }
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

    private func readItem(_ node: YAMLNode, zone: Zone, isZoneChosen: Bool) -> Item? {
        guard node.mapping != nil else {
            return readCron(node, key: "schedule", zone: zone, isZoneChosen: isZoneChosen)
        }
        guard
            let reader = MappingReader(
                node, place: .scheduleItem, subject: "an item of 'schedule'", collector: collector)
        else { return nil }
        let ownZone = zones.read(reader, collector: collector)
        guard let cron = reader.value("cron") else {
            collector.add(
                Diagnostic(
                    category: .missing, at: node, message: "'cron' is missing in this item",
                    help: "add 'cron: \"30 2 * * *\"'"))
            return nil
        }
        let isChosen = isZoneChosen || reader.value("timeZone") != nil
        let item = readCron(cron, key: "cron", zone: ownZone ?? zone, isZoneChosen: isChosen)
        return reader.value("timeZone") != nil && ownZone == nil ? nil : item
    }

    private func readCron(
        _ node: YAMLNode, key: String, zone: Zone, isZoneChosen: Bool
    ) -> Item? {
        guard let scalar = node.scalar, scalar.kind != .null else {
            collector.add(
                Diagnostic(
                    category: .schedule, at: node,
                    message: "'\(key)' must be a cron expression, not \(node.kindInWords)",
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
