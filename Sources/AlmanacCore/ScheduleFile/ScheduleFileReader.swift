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
        let file = MappingReader(
            root, place: .file, subject: "a schedule file", collector: collector)
        guard let file, checkVersion(file) else { return [] }
        return readJobs(file, defaults: readDefaults(file))
    }

    /// Another version may mean something else by every other key, so nothing more is said about it.
    private func checkVersion(_ file: MappingReader) -> Bool {
        guard let node = file.value("version") else {
            collector.add(
                Diagnostic(
                    category: .missing, source: file.node.source, position: file.node.position,
                    message: "'version' is missing", help: "begin the file with 'version: 1'"))
            return true
        }
        guard let version = file.read("version", as: Int.self) else { return true }
        guard version != Schedule.formatVersion else { return true }
        collector.add(
            Diagnostic(
                category: .value, at: node,
                message: "version \(version) of the format is not known to this Almanac",
                help: "it reads version \(Schedule.formatVersion); a newer Almanac may know more"))
        return false
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
                        : "write 'name:' instead of '- name: …', with the job's keys indented below"
                ))
            return []
        }
        let reader = JobReader(
            defaults: defaults, baseDirectory: ScheduleFiles.folder(of: node.source.path),
            zones: zones, collector: collector, tasks: tasks, taskNames: taskNames)
        return pairs.map { ($0.key, reader.read($0)) }
    }
}
