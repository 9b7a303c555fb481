/// Reads schedule files into a ``Schedule``: all of them, or none and everything that is wrong.
package struct ScheduleLoader: Sendable {
    private let tasks: any TaskCatalog

    /// - Parameter tasks: the tasks that jobs can name.
    package init(tasks: any TaskCatalog) {
        self.tasks = tasks
    }

    /// The schedule in files and folders, with warnings.
    ///
    /// Of a folder the `*.yaml` files directly in it are read, in the order of their names.
    /// `defaults` hold for the file they stand in.
    ///
    /// - Throws: ``DiagnosticsError`` with all errors of all files. Warnings are for a schedule
    ///   that is valid.
    package func load(paths: [String]) throws -> (schedule: Schedule, warnings: [Diagnostic]) {
        let collector = DiagnosticCollector()
        let sources = ScheduleFiles(collector: collector).read(paths)
        return try load(sources, collector: collector)
    }

    /// The schedule in texts that are in memory already.
    ///
    /// - Throws: ``DiagnosticsError``, as ``load(paths:)`` does.
    package func load(sources: [SourceFile]) throws -> (schedule: Schedule, warnings: [Diagnostic])
    {
        try load(sources, collector: DiagnosticCollector())
    }

    private func load(
        _ sources: [SourceFile], collector: DiagnosticCollector
    ) throws -> (schedule: Schedule, warnings: [Diagnostic]) {
        let reader = ScheduleFileReader(
            tasks: tasks, taskNames: Set(tasks.taskNames), zones: ZoneReader(),
            collector: collector)
        let (definitions, environment, channels) = read(sources, with: reader)
        let found = DiagnosticReport(collector.diagnostics)
        guard found.errorCount == 0 else {
            throw DiagnosticsError(found.diagnostics.filter { $0.severity == .error })
        }
        var schedule = Schedule(jobs: definitions, files: sources)
        schedule.environment = environment
        schedule.channels = channels
        return (schedule, found.diagnostics)
    }

    private func read(
        _ sources: [SourceFile], with reader: ScheduleFileReader
    ) -> ([JobDefinition], environment: String?, [Channel]) {
        var definitions: [JobDefinition] = []
        var names: [[YAMLNode]] = []
        var pools: [PoolDeclaration] = []
        var channels: [ChannelDeclaration] = []
        var notify: [(file: String, notify: NotifyPolicy)] = []
        var environments: [EnvironmentDeclaration] = []
        for source in sources {
            let jobs = reader.read(source)
            // Not copied where there is one file: it may have a hundred thousand jobs.
            if definitions.isEmpty {
                definitions = jobs.definitions
            } else {
                definitions += jobs.definitions
            }
            names.append(jobs.names)
            pools += jobs.pools
            channels += jobs.channels
            notify.append((source.path, jobs.notify))
            environments += jobs.environment.map { [$0] } ?? []
        }
        if sources.count > 1 { checkNames(names, collector: reader.collector) }
        let hasReferences = definitions.contains {
            $0.dispatch.pool != nil || !$0.dispatch.needs.isEmpty
        }
        if hasReferences || !pools.isEmpty {
            JobReferences(
                sources: sources, names: Set(names.joined().compactMap { $0.scalar?.text }),
                collector: reader.collector
            ).resolve(&definitions, pools: pools)
        }
        let references = ChannelReferences(sources: sources, collector: reader.collector)
        references.check(notify, against: channels)
        references.check(definitions.lazy.map { ($0.file, $0.notify) }, against: channels)
        return (
            definitions, Schedule.environment(of: environments, collector: reader.collector),
            references.channels(channels)
        )
    }

    /// A file's own names are checked by the parser.
    private func checkNames(_ names: [[YAMLNode]], collector: DiagnosticCollector) {
        var firsts: [String: YAMLNode] = [:]
        for name in names.joined() {
            let text = name.scalar?.text ?? ""
            if let first = firsts[text] {
                collector.add(duplicate(name, of: first))
            } else {
                firsts[text] = name
            }
        }
    }

    private func duplicate(_ key: YAMLNode, of first: YAMLNode) -> Diagnostic {
        Diagnostic(
            category: .duplicate, at: key,
            message: "the job '\(key.scalar?.text ?? "")' is defined twice",
            help: "rename one of them, or remove it",
            notes: [
                Diagnostic.Note(
                    file: first.source.path, position: first.position, message: "first here")
            ])
    }
}
