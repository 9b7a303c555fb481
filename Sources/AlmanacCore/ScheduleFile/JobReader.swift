internal import Scheduling

/// Reads the jobs of one file.
struct JobReader {
    let defaults: JobDefaults
    let baseDirectory: String
    let zones: ZoneReader
    let calendars: CalendarShelf
    let collector: DiagnosticCollector
    let tasks: any TaskCatalog
    let taskNames: Set<String>

    /// The job under a key of `jobs`; `nil` where an error was reported.
    func read(_ pair: YAMLPair) -> JobDefinition? {
        collector.valueUnlessErrors {
            if let problem = ScheduleName.job.problem(with: pair.name) {
                collector.add(
                    Diagnostic(
                        category: .value, at: pair.key, message: problem.message,
                        help: problem.help))
            }
            guard !pair.value.isNull else {
                collector.add(
                    Diagnostic(
                        category: .missing, at: pair.key,
                        message: "the job '\(pair.name)' is empty",
                        help:
                            "indent its keys below its name: 'task', and 'schedule', 'every' or "
                            + "'after'"
                    ))
                return nil
            }
            let reader = MappingReader(
                pair.value, place: .job, subject: "the job '\(pair.name.shortened(to: 60))'",
                collector: collector)
            guard let reader else { return nil }
            return read(reader, name: pair.key)
        }
    }

    private func read(_ job: MappingReader, name: YAMLNode) -> JobDefinition? {
        let ownZone = zones.read(job, collector: collector)
        let zone = ownZone ?? defaults.timeZone ?? .utc
        let isZoneChosen = job.hasTried("timeZone") || defaults.timeZone != nil
        let recurrence = RecurrenceReader(
            zones: zones, calendars: calendars, collector: collector, zone: zone,
            isZoneChosen: isZoneChosen, defaults: defaults
        ).read(job, name: name)
        let startOffset = StartOffset(job, defaults: defaults)
        let dispatch = DispatchReader(job: job, collector: collector).read()
        let transaction =
            job.read("transaction", choices: TransactionMode.self) ?? defaults.transaction
        let deadline = job.readSeconds("activeDeadlineSeconds") ?? defaults.activeDeadlineSeconds
        let retry = RetryReader(reader: job, collector: collector).read(over: defaults.retry)
        let history = HistoryReader(reader: job, collector: collector).read(over: defaults.history)
        let session = SessionReader(job: job, collector: collector).read(transaction: transaction)
        let expectation = ExpectationReader(job: job, collector: collector)
            .read(transaction: transaction)
        let isSuspended = job.read("suspend", as: Bool.self) ?? false
        let description = job.read("description", as: String.self)
        let owner = job.read("owner", as: String.self) ?? defaults.owner
        let labels = job.readLabels() ?? defaults.labels
        let window = readWindow(job, recurrence: recurrence?.recurrence)
        let parameters = readParameters(job)
        let task = readTask(
            job, name: name, parameters: parameters,
            definition: TaskDefinition(
                baseDirectory: baseDirectory, transaction: transaction,
                hasWindow: window != nil || job.hasTried("window")))
        guard let recurrence, let task, let parameters else { return nil }
        warnWithoutDeadline(deadline, job: job, name: name)
        return JobDefinition(
            name: name.scalar?.text ?? "", description: description, owner: owner, labels: labels,
            task: task, parameters: parameters, recurrence: recurrence.recurrence,
            startOffset: startOffset, cronTexts: recurrence.cronTexts, timeZone: zone,
            isSuspended: isSuspended, transaction: transaction, activeDeadlineSeconds: deadline,
            retry: retry, dispatch: dispatch, window: window, session: session,
            expectation: expectation, history: history, punctuality: Punctuality(),
            notify: NotifyPolicy(),
            file: name.source.path, position: name.position, baseDirectory: baseDirectory)
    }

    // MARK: Values

    private func readParameters(_ job: MappingReader) -> YAMLNode? {
        guard let node = job.value("parameters"), !node.isNull else {
            return .emptyMapping(at: job.value("parameters") ?? job.value("task") ?? job.node)
        }
        guard node.mapping != nil else {
            collector.add(
                Diagnostic(
                    category: .value, at: node,
                    message: "'parameters' must be a mapping, not \(node.kindInWords)",
                    help: "write one 'name: value' a line, indented"))
            return nil
        }
        return node
    }

    private func readTask(
        _ job: MappingReader, name: YAMLNode, parameters: YAMLNode?, definition: TaskDefinition
    ) -> String? {
        guard let node = job.value("task") else {
            if job.hasTried("task") { return nil }
            collector.add(
                Diagnostic(
                    category: .missing, at: name,
                    message: "the job '\(name.scalar?.text ?? "")' does not say what it runs",
                    help: "add 'task: …'; there are \(Self.list(tasks.taskNames))"))
            return nil
        }
        guard let task = job.read("task", as: String.self) else { return nil }
        guard taskNames.contains(task) else {
            collector.add(
                Diagnostic(
                    category: .task, at: node,
                    message: "there is no task '\(task.shortened(to: 60))'",
                    help: Suggestion.question(for: task, among: tasks.taskNames, count: 2)
                        ?? "there are \(Self.list(tasks.taskNames))"))
            return nil
        }
        if let parameters {
            var found = tasks.check(task: task, parameters: parameters, definition: definition)
            if !job.hasTried("parameters") { found = found.map { absent($0, task: task) } }
            collector.add(found)
        }
        return task
    }

    /// What is missing in parameters that are not there is shown at the task.
    private func absent(_ diagnostic: Diagnostic, task: String) -> Diagnostic {
        guard diagnostic.category == .missing, let source = diagnostic.source,
            let position = diagnostic.position
        else { return diagnostic }
        return Diagnostic(
            category: .missing, source: source, position: position, length: diagnostic.length,
            message: "'\(task)' has no parameters: \(diagnostic.message)",
            help: "add 'parameters:' and below it, indented, what the task is told")
    }

    private static func list(_ names: [String]) -> String {
        Suggestion.list(names.sorted(), joinedBy: "and")
    }

    private func warnWithoutDeadline(_ deadline: Int?, job: MappingReader, name: YAMLNode) {
        guard deadline == nil, !job.hasTried("activeDeadlineSeconds") else { return }
        collector.add(
            Diagnostic(
                severity: .warning, category: .noDeadline, at: name,
                message: "the job '\(name.scalar?.text ?? "")' may run for ever",
                help: "add 'activeDeadlineSeconds: 3600' to the job or to 'defaults'"))
    }
}
