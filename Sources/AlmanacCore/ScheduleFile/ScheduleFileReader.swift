internal import Scheduling

/// Reads one schedule file.
struct ScheduleFileReader {
    let tasks: any TaskCatalog
    let taskNames: Set<String>
    let zones: ZoneReader
    let collector: DiagnosticCollector

    /// The jobs of the file in its order.
    func read(_ source: SourceFile) -> FileJobs {
        let early = EarlyJobs(tasks: tasks, taskNames: taskNames)
        // A list of all jobs is large; two of them would be in memory for nothing.
        defer { early.forget() }
        let root: YAMLNode?
        do {
            defer { early.finish() }
            root = try YAMLParser.parse(
                source, handout: early.handout, duplicates: { collector.add($0) })
        } catch {
            collector.add((error as? DiagnosticsError)?.diagnostics ?? [])
            return FileJobs()
        }
        guard let file = fileReader(root, of: source) else { return FileJobs() }
        checkVersion(file)
        var jobs: FileJobs
        if early.fits(file) {
            collector.add(early.collector.diagnostics)
            jobs = early.jobs
        } else {
            // What could be parsed once can be parsed again.
            let whole = early.hasJobs ? try? reparsed(source) : root
            jobs = readJobs(file, pairs: whole?.mapping ?? [])
        }
        jobs.environment = file.readEnvironment()
        jobs.pools = PoolReader(collector: collector).read(file.value("pools"))
        jobs.channels = ChannelReader(
            tasks: taskReader(collector), baseDirectory: ScheduleFiles.folder(of: source.path)
        ).read(file.value("channels"))
        return jobs
    }

    private func reparsed(_ source: SourceFile) throws -> YAMLNode? {
        try YAMLParser.parse(source, handout: nil, duplicates: { _ in })
    }

    private func fileReader(_ root: YAMLNode?, of source: SourceFile) -> MappingReader? {
        guard let root, !root.isNull else {
            collector.add(
                Diagnostic(
                    category: .missing, path: source.path, message: "the file says nothing",
                    help: "begin it with 'version: 1' and 'jobs:', or remove it"))
            return nil
        }
        guard root.mapping != nil else {
            collector.add(
                Diagnostic(
                    category: .value, at: root,
                    message: "a schedule file must be a mapping, not \(root.kindInWords)",
                    help: "begin it with 'version: 1', then 'jobs:'"))
            return nil
        }
        guard !isOfAnotherVersion(root) else { return nil }
        return MappingReader(root, place: .file, subject: "a schedule file", collector: collector)
    }

    /// Another version may mean something else by every other key, so nothing more is said about
    /// it.
    private func isOfAnotherVersion(_ root: YAMLNode) -> Bool {
        guard let node = root["version"], let scalar = node.scalar, scalar.kind == .integer,
            CoreSchema.integer(scalar.text) != Schedule.formatVersion
        else { return false }
        collector.add(
            Diagnostic(
                category: .value, at: node,
                message: "version \(scalar.text.shortened(to: 40)) of the format is not known here",
                help: "this Almanac reads version \(Schedule.formatVersion)"))
        return true
    }

    private func checkVersion(_ file: MappingReader) {
        guard !file.hasTried("version") else {
            _ = file.read("version", as: Int.self)
            return
        }
        collector.add(
            Diagnostic(
                category: .missing, source: file.node.source, position: file.node.position,
                message: "'version' is missing", help: "begin the file with 'version: 1'"))
    }

    private func readJobs(_ file: MappingReader, pairs root: [YAMLPair]) -> FileJobs {
        // Also without jobs, the rest has to be right.
        let reader = jobReader(root, source: file.node.source, collector: collector)
        var jobs = FileJobs(notify: reader.defaults.notify)
        guard let node = root.first(where: { $0.name == "jobs" })?.value else {
            if !file.hasTried("jobs") { reportMissingJobs(file) }
            return jobs
        }
        if node.isNull { return jobs }
        guard let pairs = node.mapping else {
            collector.add(
                Diagnostic(
                    category: .value, at: node,
                    message: "'jobs' must be a mapping of names to jobs, not \(node.kindInWords)",
                    help: node.sequence == nil
                        ? "write each job as 'name:' with its keys indented below"
                        : "write 'name:' instead of '- name: …', the job's keys indented below"
                ))
            return jobs
        }
        for pair in pairs { jobs.add(pair.key, reader.read(pair)) }
        return jobs
    }

    private func reportMissingJobs(_ file: MappingReader) {
        collector.add(
            Diagnostic(
                category: .missing, source: file.node.source, position: file.node.position,
                message: "'jobs' is missing",
                help: "add 'jobs:' and below it, indented, the jobs by name"))
    }

    /// A reader of jobs that knows what the file says beside them.
    func jobReader(
        _ root: [YAMLPair], source: SourceFile, collector: DiagnosticCollector
    ) -> JobReader {
        let folder = ScheduleFiles.folder(of: source.path)
        let calendars = CalendarShelf(folder: folder)
        if let node = root.first(where: { $0.name == "calendars" })?.value {
            calendars.read(node, collector: collector)
        }
        let defaults = JobDefaults(
            root.first { $0.name == "defaults" }?.value, zones: zones, calendars: calendars,
            collector: collector)
        return JobReader(
            defaults: defaults, baseDirectory: folder, zones: zones, calendars: calendars,
            collector: collector, tasks: taskReader(collector))
    }

    private func taskReader(_ collector: DiagnosticCollector) -> TaskReader {
        TaskReader(catalog: tasks, names: taskNames, collector: collector)
    }
}

/// The jobs of one file.
struct FileJobs {
    /// The keys that name them, those of jobs with errors as well.
    private(set) var names: [YAMLNode] = []
    /// Those without errors.
    private(set) var definitions: [JobDefinition] = []
    /// Who is told of what where a job does not say.
    let notify: NotifyPolicy
    /// The pools of the file.
    var pools: [PoolDeclaration] = []
    /// The channels of the file.
    var channels: [ChannelDeclaration] = []
    /// What the file says of its environment.
    var environment: EnvironmentDeclaration?

    init(notify: NotifyPolicy = NotifyPolicy()) { self.notify = notify }

    mutating func add(_ name: YAMLNode, _ definition: JobDefinition?) {
        names.append(name)
        if let definition { definitions.append(definition) }
    }
}
