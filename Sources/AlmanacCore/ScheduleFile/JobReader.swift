internal import Scheduling

/// Reads the jobs of one file.
struct JobReader {
    let defaults: JobDefaults
    let baseDirectory: String
    let zones: ZoneReader
    let calendars: CalendarShelf
    let collector: DiagnosticCollector
    let tasks: TaskReader

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
        let punctuality = PunctualityReader(job: job).read(deadlineSeconds: deadline)
        let notify = readNotify(job, punctuality)
        let work = tasks.read(
            job, name: name, subject: "the job '\(name.scalar?.text ?? "")'",
            definition: TaskDefinition(
                baseDirectory: baseDirectory, transaction: transaction,
                hasWindow: window != nil || job.hasTried("window")))
        guard let recurrence, let work else { return nil }
        warnWithoutDeadline(deadline, job: job, name: name)
        return JobDefinition(
            name: name.scalar?.text ?? "", description: description, owner: owner, labels: labels,
            task: work.task, parameters: work.parameters, recurrence: recurrence.recurrence,
            startOffset: startOffset, cronTexts: recurrence.cronTexts, timeZone: zone,
            isSuspended: isSuspended, transaction: transaction, activeDeadlineSeconds: deadline,
            retry: retry, dispatch: dispatch, window: window, session: session,
            expectation: expectation, history: history, punctuality: punctuality,
            notify: notify,
            file: name.source.path, position: name.position, baseDirectory: baseDirectory)
    }

    private func readNotify(_ job: MappingReader, _ punctuality: Punctuality) -> NotifyPolicy {
        let reader = NotifyReader(reader: job, collector: collector)
        reader.warnOfNothing(punctuality)
        return reader.read(over: defaults.notify)
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
