import AlmanacCore
import AlmanacTasks
import Foundation
import Scheduling

extension BenchEntry {
    /// How long it takes, and how much memory, to read, check and plan a large schedule file.
    static let load = BenchEntry(name: "load") { _, extent in
        try Load(jobs: extent.isQuick ? 10_000 : 100_000, rounds: extent.rounds).measure()
    }
}

/// Loads one file, several times.
private struct Load {
    let jobs: Int
    let rounds: Int

    func measure() throws -> LoadResult {
        let file = FileManager.default.temporaryDirectory.appending(
            path: "almanac-load-\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: file) }
        let bytes = try LoadFile(jobs: jobs).write(to: file)
        var laps: [LoadResult.Lap] = []
        for _ in 1...rounds { laps.append(try lap(file.path)) }
        guard let best = laps.min(by: { $0.processorSeconds < $1.processorSeconds }) else {
            throw BenchFailure("nothing was loaded")
        }
        // Later rounds find memory that earlier ones have left to the process.
        let megabytes = laps.map(\.peakMegabytes).max() ?? 0
        return LoadResult(
            jobs: jobs, fileBytes: bytes, rounds: rounds, best: best, peakMegabytes: megabytes)
    }

    private func lap(_ path: String) throws -> LoadResult.Lap {
        let registry = try TaskRegistry(BuiltInTasks.types)
        let clock = try SystemClock()
        let now = clock.instant
        let memory = try ResidentMemory()
        let (started, cpu) = (clock.uptime, processorSeconds())
        let (schedule, warnings) = try ScheduleLoader(tasks: registry).load(paths: [path])
        let loaded = clock.uptime
        let review = ScheduleReview(of: schedule, from: now).warnings
        let reviewed = clock.uptime
        var planner = Planner(watermark: now)
        let planned = schedule.jobs.map {
            PlannedJob(
                name: $0.name, recurrence: $0.recurrence, accountedFrom: now,
                startOffset: $0.startOffset)
        }
        _ = planner.handle(.schedule(planned, now: now))
        let ended = clock.uptime
        let used = processorSeconds() - cpu
        guard schedule.jobs.count == jobs, warnings.isEmpty, planner.alarm != nil else {
            throw BenchFailure("the file of \(jobs) jobs was not loaded as a whole")
        }
        return LoadResult.Lap(
            seconds: (ended - started) / .seconds(1),
            readSeconds: (loaded - started) / .seconds(1),
            checkSeconds: (reviewed - loaded) / .seconds(1),
            planSeconds: (ended - reviewed) / .seconds(1), processorSeconds: used,
            peakMegabytes: try memory.peakMegabytes, reviewWarnings: review.count)
    }
}

/// How much memory of this process is resident, see proc_pid_status(5).
private struct ResidentMemory {
    private let before: Int

    /// Begins a measurement: the peak so far is forgotten.
    init() throws {
        try Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))
        before = try Self.kilobytes("VmRSS:")
    }

    /// How much more there was at some time since the beginning.
    var peakMegabytes: Double {
        get throws { Double(try Self.kilobytes("VmHWM:") - before) / 1_024 }
    }

    private static func kilobytes(_ name: String) throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
        return line?.split { !$0.isNumber }.first.flatMap { Int($0) } ?? 0
    }
}

/// A schedule file as a large house might have one: each job a few lines.
struct LoadFile {
    let jobs: Int

    /// Writes it and tells its size in bytes. A piece at a time: memory that writing left behind
    /// would hide what loading needs.
    func write(to file: URL) throws -> Int {
        try Data().write(to: file)
        let handle = try FileHandle(forWritingTo: file)
        defer { try? handle.close() }
        var text = "version: 1\n\ndefaults: {timeZone: Europe/Berlin, activeDeadlineSeconds: 600}\n"
        text += "\njobs:\n"
        var size = 0
        for number in 0..<jobs {
            text += Self.job(number)
            guard number % 1_000 == 999 || number == jobs - 1 else { continue }
            try handle.write(contentsOf: Data(text.utf8))
            size += text.utf8.count
            text = ""
        }
        return size
    }

    /// A job with a schedule, a task and its parameters, all of them different.
    static func job(_ number: Int) -> String {
        let (minute, hour) = (number % 60, number / 60 % 24)
        let times =
            switch number % 4 {
            case 0: "schedule: \"\(minute) \(hour) * * *\""
            case 1: "schedule: \"*/\(1 + number % 30) * * * *\""
            case 2: "every: \(1 + number % 50)m"
            default: "schedule: \"\(minute) \(hour) * * MON-FRI\""
            }
        let task =
            number % 3 == 0
            ? "task: command\n    parameters: {run: [fold-orders, \"${scheduledFor}\", --shop, "
                + "shop-\(number)]}"
            : "task: sql\n    parameters: {statement: \"SELECT fold_orders(\(number), "
                + "${scheduledFor})\"}"
        return """
              job-\(number):
                description: Fold the orders of shop \(number) into its daily sales.
                \(times)
                \(task)

            """
    }
}

/// What `load` has found.
private struct LoadResult: BenchResult {
    struct Lap: Encodable {
        let seconds: Double
        let readSeconds: Double
        let checkSeconds: Double
        let planSeconds: Double
        let processorSeconds: Double
        let peakMegabytes: Double
        let reviewWarnings: Int
    }

    let jobs: Int
    let fileBytes: Int
    let rounds: Int
    let best: Lap
    let peakMegabytes: Double

    var lines: [String] {
        func cell(_ seconds: Double) -> String { seconds.text(decimals: 2) + " s" }
        return [
            "load: \(jobs) jobs in one file of "
                + "\((Double(fileBytes) / 1_048_576).text(decimals: 1)) MB, best of \(rounds)",
            "read \(cell(best.readSeconds)), check \(cell(best.checkSeconds)), "
                + "plan \(cell(best.planSeconds))",
            "in all \(cell(best.seconds)), \(cell(best.processorSeconds)) of processor time, "
                + "\(peakMegabytes.text(decimals: 0)) MB more resident at the peak",
        ]
    }
}
