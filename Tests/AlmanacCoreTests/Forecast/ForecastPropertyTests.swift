import AlmanacTesting
import Foundation
import Scheduling
import Testing

@testable import AlmanacCore

/// A random schedule, with the durations of its runs.
private struct RandomNight: CustomTestStringConvertible, Sendable {
    let seed: UInt64
    let text: String
    let names: [String]
    let seconds: [String: Double]
    let workers: Int
    var testDescription: String { "seed \(seed)" }

    init(seed: UInt64) {
        var random = SimulatedRandom(seed: seed)
        self.seed = seed
        workers = Int.random(in: 1...6, using: &random)
        names = "abcdefgh".prefix(Int.random(in: 1...8, using: &random)).map(String.init)
        var seconds: [String: Double] = [:]
        var lines = ""
        for (place, name) in names.enumerated() {
            let keys = Self.keys(of: place, among: names, using: &random)
            lines += "  \(name): {task: cleanup, \(keys.joined(separator: ", "))}\n"
            seconds[name] = Double(Int.random(in: 0...400, using: &random)) / 2
        }
        self.seconds = seconds
        text =
            "version: 1\ndefaults: {timeZone: UTC, activeDeadlineSeconds: 150}\n"
            + "pools: {narrow: {slots: 1}, wide: {slots: 3}}\njobs:\n" + lines
    }

    private static func keys(
        of place: Int, among names: [String], using random: inout SimulatedRandom
    ) -> [String] {
        func oneIn(_ count: Int) -> Bool { Int.random(in: 1...count, using: &random) == 1 }
        let minutes = [1, 2, 3, 5, 7, 10].randomElement(using: &random) ?? 1
        var keys = [oneIn(8) ? "after: \(minutes)m" : "every: \(minutes)m"]
        let policy = ConcurrencyPolicy.allCases.randomElement(using: &random) ?? .forbid
        keys.append("concurrencyPolicy: \(policy.rawValue)")
        if oneIn(4) { keys.append("pool: \(oneIn(2) ? "narrow" : "wide")") }
        if oneIn(4) {
            let mode = oneIn(2) ? "shared" : "exclusive"
            keys.append("locks: [{name: x, mode: \(mode), wait: 30s}]")
        }
        // Only those before it, so that there is no circle.
        if place > 0, oneIn(4) { keys.append("needs: [\(names[place - 1])]") }
        if oneIn(5) { keys.append("startingDeadlineSeconds: 45") }
        if oneIn(5) { keys.append("priority: \(Int.random(in: -5...5, using: &random))") }
        if oneIn(6) { keys.append("suspend: true") }
        if oneIn(6) { keys.append("spread: hash") }
        return keys
    }
}

@Suite("The forecast of any night")
struct ForecastPropertyTests {
    private static let start = Instant(secondsSinceEpoch: 1_767_225_600)
    private static let end = start.advanced(bySeconds: 7_200)

    private func report(on night: RandomNight) throws -> (ForecastReport, Schedule) {
        let schedule = try load(night.text).schedule
        var assumptions = NightForecast.Assumptions(from: Self.start, through: Self.end)
        assumptions.workers = night.workers
        assumptions.estimates = night.seconds.mapValues { RunEstimate(seconds: $0, runCount: 1) }
        return (try NightForecast.report(on: schedule, assumptions), schedule)
    }

    @Test(
        "accounts for every occurrence once", arguments: (1...40).map { RandomNight(seed: $0) })
    private func account(night: RandomNight) throws {
        let (report, schedule) = try report(on: night)
        for job in schedule.jobs where !job.recurrence.isDelay {
            var due = 0
            var next = job.recurrence.next(after: Self.start)
            while let instant = next, instant <= Self.end {
                due += 1
                next = job.recurrence.next(after: instant)
            }
            let found = report.jobs.first { $0.job == job.name }
            #expect(found?.dueCount ?? 0 == due, "\(job.name)\n\(night.text)")
        }
        for job in report.jobs {
            let ends = job.runCount + job.cutShort.values.reduce(0, +)
            let sum = ends + job.skipped.values.reduce(0, +)
            #expect(sum == job.dueCount, "\(job.job)\n\(night.text)")
        }
        #expect(report.mostBusy.count <= night.workers)
        #expect(report.occurrenceCount == report.jobs.reduce(0) { $0 + $1.dueCount })
    }

    @Test(
        "lets nothing happen that the job's own keys rule out",
        arguments: (200...230).map { RandomNight(seed: $0) })
    private func ruledOut(night: RandomNight) throws {
        let (report, schedule) = try report(on: night)
        for found in report.jobs {
            let job = try #require(schedule.job(named: found.job))
            let reasons = Set(found.skipped.keys)
            let kinds = Set(found.cutShort.keys)
            let policy = job.dispatch.concurrency
            #expect(!reasons.contains(.overlap) || policy == .forbid)
            #expect(!reasons.contains(.backlog) || policy == .queue)
            #expect(!kinds.contains(.replaced) || policy == .replace)
            #expect(!kinds.contains(.withoutLock) || !job.dispatch.locks.isEmpty)
            #expect(!reasons.contains(.dependency) || !job.dispatch.needs.isEmpty)
            #expect(reasons.contains(.suspended) == job.isSuspended)
            #expect(!job.isSuspended || found.runCount == 0)
            let waits = job.dispatch.locks.isEmpty ? 0 : 30.0
            let isInTime = (night.seconds[found.job] ?? 0) + waits <= 150
            #expect(!kinds.contains(.timedOut) || !isInTime, "\(night.text)")
        }
    }

    @Test(
        "with a worker for each run and runs that take no time goes as the schedule wants it",
        arguments: (400...430).map { RandomNight(seed: $0) })
    private func easy(night: RandomNight) throws {
        let schedule = try load(night.text).schedule
        var assumptions = NightForecast.Assumptions(from: Self.start, through: Self.end)
        assumptions.workers = 64
        assumptions.assumedSeconds = 0
        let report = try NightForecast.report(on: schedule, assumptions)
        for found in report.jobs {
            #expect(found.cutShort.isEmpty, "\(night.text)")
            let suspended = schedule.jobs.filter(\.isSuspended).map(\.name)
            // What needs others waits until all that was due before has started, however late.
            let late: [SkipReason] = needs(found.job, schedule).isEmpty ? [] : [.deadline]
            if Set(needs(found.job, schedule)).isDisjoint(with: suspended) {
                let known = [.suspended, .dependency] + late
                let others = found.skipped.filter { !known.contains($0.key) }
                #expect(others.isEmpty, "\(found.job)\n\(night.text)")
            }
        }
    }

    private func needs(_ job: String, _ schedule: Schedule) -> [String] {
        schedule.job(named: job)?.dispatch.needs.map(\.job) ?? []
    }

    @Test(
        "by the naive rule that one run follows the other",
        arguments: [(1, 30), (1, 60), (1, 61), (1, 200), (2, 119), (2, 121), (3, 600), (5, 299)])
    func oracle(minutes: Int64, seconds: Int64) throws {
        // A run starts where the one before has ended, and otherwise is skipped.
        var (runs, skips, free) = (0, 0, Int64.min)
        for instant in stride(from: minutes * 60, through: 7_200, by: Int(minutes) * 60) {
            let isFree = Int64(instant) >= free
            if isFree { free = Int64(instant) + seconds }
            runs += isFree ? 1 : 0
            skips += isFree ? 0 : 1
        }
        let text =
            "version: 1\ndefaults: {timeZone: UTC, activeDeadlineSeconds: 9999}\njobs:\n"
            + "  a: {task: cleanup, every: \(minutes)m}\n"
        var assumptions = NightForecast.Assumptions(from: Self.start, through: Self.end)
        assumptions.assumedSeconds = Double(seconds)
        let report = try NightForecast.report(on: load(text).schedule, assumptions)
        #expect(report.jobs.first?.runCount == runs)
        #expect(report.jobs.first?.skipped[.overlap] ?? 0 == skips)
    }
}
