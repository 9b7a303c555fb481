internal import Scheduling

/// Reads one schedule file.
struct ScheduleFileReader {
    let tasks: any TaskCatalog
    let taskNames: Set<String>
    let zones: ZoneReader
    let collector: DiagnosticCollector

    /// A job and the key that names it.
    typealias NamedJob = (key: YAMLNode, definition: JobDefinition?)

    /// The jobs of the file in its order; a job with errors has no definition.
    func read(_ source: SourceFile) -> [NamedJob] {
        let root: YAMLNode?
        do {
            root = try YAMLParser.parse(source)
        } catch {
            collector.add((error as? DiagnosticsError)?.diagnostics ?? [])
            return []
        }
        guard let root, !root.isNull else {
            collector.add(
                Diagnostic(
                    category: .missing, path: source.path, message: "the file says nothing",
                    help: "begin it with 'version: 1' and 'jobs:', or remove it"))
            return []
        }
        guard root.mapping != nil else {
            collector.add(
                Diagnostic(
                    category: .value, at: root,
                    message: "a schedule file must be a mapping, not \(root.kindInWords)",
                    help: "begin it with 'version: 1', then 'jobs:'"))
            return []
        }
        guard !isOfAnotherVersion(root),
            let file = MappingReader(
                root, place: .file, subject: "a schedule file", collector: collector)
        else { return [] }
        checkVersion(file)
        return readJobs(file, defaults: readDefaults(file))
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

    private func readDefaults(_ file: MappingReader) -> JobDefaults {
        var defaults = JobDefaults()
        guard let node = file.value("defaults"), !node.isNull,
            let reader = MappingReader(
                node, place: .defaults, subject: "'defaults'", collector: collector)
        else { return defaults }
        defaults.timeZone = zones.read(reader, collector: collector)
        if defaults.timeZone == nil, reader.value("timeZone") != nil {
            // The zone is reported; the jobs are not blamed for having none.
            defaults.timeZone = .utc
        }
        defaults.activeDeadlineSeconds = reader.readSeconds("activeDeadlineSeconds")
        if let mode = reader.read("transaction", choices: TransactionMode.self) {
            defaults.transaction = mode
        }
        return defaults
    }

    private func readJobs(_ file: MappingReader, defaults: JobDefaults) -> [NamedJob] {
        guard let node = file.value("jobs") else {
            if file.hasTried("jobs") { return [] }
            collector.add(
                Diagnostic(
                    category: .missing, source: file.node.source, position: file.node.position,
                    message: "'jobs' is missing",
                    help: "add 'jobs:' and below it, indented, the jobs by name"))
            return []
        }
        if node.isNull { return [] }
        guard let pairs = node.mapping else {
            collector.add(
                Diagnostic(
                    category: .value, at: node,
                    message: "'jobs' must be a mapping of names to jobs, not \(node.kindInWords)",
                    help: node.sequence == nil
                        ? "write each job as 'name:' with its keys indented below"
                        : "write 'name:' instead of '- name: …', the job's keys indented below"
                ))
            return []
        }
        let reader = JobReader(
            defaults: defaults, baseDirectory: ScheduleFiles.folder(of: node.source.path),
            zones: zones, collector: collector, tasks: tasks, taskNames: taskNames)
        return pairs.map { ($0.key, reader.read($0)) }
    }
}
