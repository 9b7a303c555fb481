internal import Dispatch

/// The jobs of a file that are read while it is parsed, so that its tree need not be kept, and of a
/// large file on another thread, so that it takes half the time. What a job needs of the file
/// nearly always stands before the jobs; where it does not, they do not fit.
///
/// Safe because no part is used by two threads at a time: what waits belongs to the thread that
/// parses, all else to the queue until `finish`, and to the caller afterwards.
final class EarlyJobs: @unchecked Sendable {
    // Of the thread that parses.

    /// Jobs that wait until there are enough for the other thread.
    private var waiting: [YAMLPair] = []
    /// What of the file stands before the jobs.
    private var before: [YAMLPair]?
    private var hasSent = false

    // Of the queue.

    private let reader: ScheduleFileReader
    private var jobReader: JobReader?
    /// What is wrong with the jobs, and with what stands before them.
    let collector = DiagnosticCollector()
    private(set) var jobs = FileJobs()

    private let queue = DispatchQueue(label: "almanac-schedule-file")
    /// How far the parser may be ahead: what is ahead is in memory.
    private let slots = DispatchSemaphore(value: 4)

    /// How many jobs make another thread worth while.
    static let batch = 256

    init(tasks: any TaskCatalog, taskNames: Set<String>) {
        reader = ScheduleFileReader(
            tasks: tasks, taskNames: taskNames, zones: ZoneReader(), collector: collector)
    }

    var handout: YAMLHandout {
        YAMLHandout(key: "jobs") { pair, root in self.take(pair, root) }
    }

    private func take(_ pair: YAMLPair, _ root: [YAMLPair]) {
        if before == nil { before = root }
        waiting.append(pair)
        guard waiting.count == Self.batch else { return }
        let batch = waiting
        let root = before ?? root
        waiting = []
        waiting.reserveCapacity(Self.batch)
        hasSent = true
        slots.wait()
        queue.async {
            self.read(batch, root)
            self.slots.signal()
        }
    }

    /// Reads what still waits. To be called once, when nothing more is handed out.
    func finish() {
        if hasSent { queue.sync {} }
        read(waiting, before ?? [])
        waiting = []
    }

    /// Gives the jobs up.
    func forget() { jobs = FileJobs() }

    private func read(_ pairs: [YAMLPair], _ root: [YAMLPair]) {
        for pair in pairs {
            let jobReader = jobReader ?? begin(root, source: pair.key.source)
            jobs.add(pair.key, jobReader.read(pair))
        }
    }

    private func begin(_ root: [YAMLPair], source: SourceFile) -> JobReader {
        let made = reader.jobReader(root, source: source, collector: collector)
        jobReader = made
        jobs = FileJobs(notify: made.defaults.notify)
        return made
    }

    /// Whether any job has been read.
    var hasJobs: Bool { before != nil }

    /// Whether the jobs have been read with all that the file says.
    func fits(_ file: MappingReader) -> Bool {
        guard hasJobs, let jobs = file.key("jobs") else { return false }
        return ["defaults", "calendars"].allSatisfy { name in
            file.key(name).map { $0.position < jobs.position } ?? true
        }
    }
}
