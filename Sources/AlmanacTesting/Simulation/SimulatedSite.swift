package import AlmanacCore
import Foundation
import Scheduling

/// A task whose effects may be anywhere.
struct SimulatedWork: BatchTask {
    static let name = "work"

    /// Never called: what a run does is simulated.
    func run(_ context: TaskContext) async throws {}
}

/// A task whose effects are all in the run's transaction.
struct SimulatedInsert: BatchTask {
    static let name = "insert"
    static let effects = TaskEffects.database

    /// Never called: what a run does is simulated.
    func run(_ context: TaskContext) async throws {}
}

/// The jobs that the schedules of nights are made of: some names, and for each some definitions.
///
/// They are read from text as any schedule file is, once for all nights.
package struct SimulatedSite: Sendable {
    package let registry: TaskRegistry
    /// For each name the definitions that it may have.
    package let variants: [[SimulatedJob]]

    package static let jobCount = 8
    private static let variantCount = 30

    package init() throws {
        registry = try TaskRegistry([SimulatedWork.self, SimulatedInsert.self])
        let loader = ScheduleLoader(tasks: registry)
        var random = SimulatedRandom(seed: 20_261_123)
        var variants = Array(repeating: [SimulatedJob](), count: Self.jobCount)
        for _ in 0..<Self.variantCount {
            let jobs = (0..<Self.jobCount).map { Self.lines(of: $0, &random) }.joined()
            let text = "version: 1\njobs:\n\(jobs)"
            let source = try SourceFile(path: "site.yaml", bytes: Array(text.utf8))
            for job in try loader.load(sources: [source]).schedule.jobs {
                guard let place = Int(job.name.dropFirst(4)) else { continue }
                variants[place].append(SimulatedJob(job))
            }
        }
        self.variants = variants
    }

    private static let zones = [
        "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
    ]

    private static let crons = [
        "*/5 * * * *", "*/2 * * * *", "7,37 * * * *", "0 * * * *", "*/15 1-3 * * *",
        "30 2 * * *", "*/10 * * * MON-FRI", "30 1,2,3 * * *", "*/30 * * * * *",
    ]

    private static func lines(of number: Int, _ random: inout SimulatedRandom) -> String {
        var keys = [times(&random), "task: \(random.pick(["work", "insert"]))"]
        if random.chance(0.5) {
            keys.append("concurrencyPolicy: \(random.pick(["Allow", "Queue", "Replace"]))")
        }
        if random.chance(0.5) {
            keys.append(
                "backoffLimit: \(random.int(1...2)), backoff: {initial: \(random.int(1...90))s}")
        }
        if random.chance(0.25) {
            keys.append("startingDeadlineSeconds: \(random.int(20...400))")
        }
        if random.chance(0.5) {
            keys.append(
                "catchUp: " + random.pick(["none", "all", "{policy: all, window: 1h, max: 5}"]))
        }
        if random.chance(0.15) { keys.append("jitterSeconds: \(random.int(1...90))") }
        if random.chance(0.1) { keys.append("spread: hash") }
        if random.chance(0.1) { keys.append("suspend: true") }
        if random.chance(0.2) { keys.append("priority: \(random.int(-5...5))") }
        if random.chance(0.1) { keys.append("calendars: {exclude: [{weekdays: SUN}]}") }
        return "  job-\(number): {\(keys.joined(separator: ", "))}\n"
    }

    private static func times(_ random: inout SimulatedRandom) -> String {
        switch random.int(0...9) {
        case 0...3: return "every: \(random.int(1...12))m"
        case 4: return "every: \(random.int(30...100))s"
        case 5: return "after: \(random.int(1...9))m"
        default:
            let gap = random.chance(0.3) ? ", dst: {gap: skip}" : ""
            return
                "schedule: \"\(random.pick(crons))\", timeZone: \(random.pick(zones))\(gap)"
        }
    }

    /// A schedule of most of the jobs; each has one of its definitions.
    package func makeSchedule(
        path: String, like other: SimulatedSchedule?, _ random: inout SimulatedRandom
    ) throws -> SimulatedSchedule {
        var jobs: [SimulatedJob] = []
        for (place, choices) in variants.enumerated() {
            let before = other?.jobs["job-\(place)"]
            if other != nil, random.chance(0.7) {
                if let before { jobs.append(before) }
            } else if random.chance(0.75) {
                jobs.append(random.pick(choices))
            }
        }
        return try SimulatedSchedule(jobs, path: path)
    }
}
