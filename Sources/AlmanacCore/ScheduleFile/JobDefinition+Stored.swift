package import Scheduling

extension JobDefinition {
    /// What a definition's ``canonicalText`` says of the times of its job.
    package struct StoredTimes: Sendable, Hashable {
        package let recurrence: Recurrence
        package let startOffset: StartOffset
        package let dispatch: DispatchPolicy
        package let timeZone: Zone
        package let isSuspended: Bool

        /// When the job is due, for people, with cron expressions uniformly spelled.
        package var scheduleText: String {
            recurrence.summary(cronTexts: recurrence.expressions.map(\.description))
        }
    }

    /// The times in a definition's ``canonicalText``, for schedules that were stored before.
    ///
    /// - Throws: ``DiagnosticsError`` where the text is none that this version can read.
    package static func times(inCanonicalText text: String) throws -> StoredTimes {
        let collector = DiagnosticCollector()
        let node = try YAMLParser.parse(
            text: CanonicalJSON.readableAsYAML(text), path: "stored definition")
        let times = collector.valueUnlessErrors { () -> StoredTimes? in
            guard let node,
                let job = MappingReader(
                    node, place: .job, subject: "a definition", collector: collector)
            else { return nil }
            return read(job, at: node, collector: collector)
        }
        guard let times else { throw DiagnosticsError(collector.diagnostics) }
        return times
    }

    private static func read(
        _ job: MappingReader, at node: YAMLNode, collector: DiagnosticCollector
    ) -> StoredTimes? {
        let zones = ZoneReader()
        let zone = zones.read(job, collector: collector) ?? .utc
        let shelf = CalendarShelf(folder: ".")
        let reader = RecurrenceReader(
            zones: zones, calendars: shelf, collector: collector,
            zone: zone, isZoneChosen: true,
            defaults: JobDefaults(nil, zones: zones, calendars: shelf, collector: collector))
        let offset = StartOffset(job, defaults: nil)
        let dispatch = DispatchReader(job: job, collector: collector).read()
        let isSuspended = job.read("suspend", as: Bool.self) ?? false
        return reader.read(job, name: node).map {
            StoredTimes(
                recurrence: $0.recurrence, startOffset: offset, dispatch: dispatch, timeZone: zone,
                isSuspended: isSuspended)
        }
    }
}

extension Recurrence {
    /// The cron expressions in it, in order.
    fileprivate var expressions: [CronExpression] {
        switch self {
        case .cron(let expression, _, _): [expression]
        case .union(let members): members.flatMap(\.expressions)
        case .bounded(let inner, _, _), .filtered(let inner, _): inner.expressions
        case .every, .after: []
        }
    }
}

extension StartOffset {
    /// What a job says of its start, or else what the defaults say.
    init(_ job: MappingReader, defaults: JobDefaults?) {
        let jitter = job.readSeconds("jitterSeconds", least: 0) ?? defaults?.jitterSeconds ?? 0
        let spread = job.read("spread", choices: Spread.self) ?? defaults?.spread ?? .none
        self.init(jitterSeconds: Int64(jitter), isSpread: spread == .hash)
    }
}
