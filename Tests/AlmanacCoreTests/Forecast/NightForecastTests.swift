import Foundation
import Scheduling
import Testing

@testable import AlmanacCore

/// What a forecast says of some jobs: `due, done, what came between, longest wait in seconds`.
private struct Night: CustomTestStringConvertible, Sendable {
    let testDescription: String
    /// Job lines; each job has a name of one letter.
    let jobs: [String]
    /// How long the runs of each job take; the others take none.
    var seconds: [String: Double] = [:]
    var workers = 8
    var minutes: Int64 = 10
    let expected: [String: String]
}

@Suite("The forecast of a night")
struct NightForecastTests {
    private static let start = Instant(secondsSinceEpoch: 1_767_225_600)  // 2026-01-01

    private static func report(
        _ jobs: [String], _ seconds: [String: Double], workers: Int, minutes: Int64,
        completions: [String: Completion] = [:], limit: Int = 1_000_000
    ) throws -> ForecastReport {
        let text =
            "version: 1\ndefaults: {timeZone: UTC, activeDeadlineSeconds: 3600}\n"
            + "pools: {narrow: {slots: 1}, wide: {slots: 2}}\njobs:\n"
            + jobs.map { line in
                let parts = line.split(separator: ": ", maxSplits: 1)
                return "  \(parts[0]): {task: cleanup, \(parts[1])}\n"
            }.joined()
        var assumptions = NightForecast.Assumptions(
            from: start, through: start.advanced(bySeconds: minutes * 60))
        assumptions.workers = workers
        assumptions.assumedSeconds = 0
        assumptions.estimates = seconds.mapValues { RunEstimate(seconds: $0, runCount: 3) }
        assumptions.completions = completions
        assumptions.occurrenceLimit = limit
        return try NightForecast.report(on: load(text).schedule, assumptions)
    }

    private static func text(_ job: ForecastJob) -> String {
        let missed =
            job.skipped.map { "\($0.value) \($0.key.rawValue)" }
            + job.cutShort.map { "\($0.value) \($0.key.rawValue)" }
        let wait = job.longestWait.map { ["\(Int($0.seconds)) s for \($0.obstacle)"] } ?? []
        return (["\(job.dueCount) due", "\(job.runCount) done"] + missed.sorted() + wait)
            .joined(separator: ", ")
    }

    @Test("a guess goes no further than the deadline of the job")
    func guess() throws {
        let text = """
            version: 1
            jobs:
              short: {task: cleanup, every: 5m, activeDeadlineSeconds: 30}
              long: {task: cleanup, every: 5m, activeDeadlineSeconds: 600}
            """
        let assumptions = NightForecast.Assumptions(
            from: Self.start, through: Self.start.advanced(bySeconds: 600))
        let report = try NightForecast.report(on: load(text).schedule, assumptions)
        #expect(report.jobs.map(\.estimate.seconds).sorted() == [30, 60])
        #expect(report.jobs.allSatisfy { $0.cutShort.isEmpty && $0.runCount == 2 })
    }

    private static let nights = [
        Night(
            testDescription: "nothing in the way", jobs: ["a: every: 1m"],
            seconds: ["a": 30], expected: ["a": "10 due, 10 done"]),
        Night(
            testDescription: "Forbid skips what comes while a run goes on",
            jobs: ["a: every: 1m"], seconds: ["a": 90],
            expected: ["a": "10 due, 5 done, 5 overlap"]),
        Night(
            testDescription: "a run that ends as the next is due is not in its way",
            jobs: ["a: every: 1m"], seconds: ["a": 60], expected: ["a": "10 due, 10 done"]),
        Night(
            testDescription: "Allow lets them go on side by side",
            jobs: ["a: every: 1m, concurrencyPolicy: Allow"],
            seconds: ["a": 90], expected: ["a": "10 due, 10 done"]),
        Night(
            testDescription: "Queue lets them wait",
            jobs: ["a: every: 1m, concurrencyPolicy: Queue"], seconds: ["a": 90],
            expected: ["a": "10 due, 10 done, 270 s for turn"]),
        Night(
            testDescription: "Replace stops the one before",
            jobs: ["a: every: 1m, concurrencyPolicy: Replace"], seconds: ["a": 90],
            expected: ["a": "10 due, 1 done, 9 replaced"]),
        Night(
            testDescription: "too few workers let wait", jobs: ["a: every: 5m", "b: every: 5m"],
            seconds: ["a": 20, "b": 40], workers: 1,
            expected: ["a": "2 due, 2 done", "b": "2 due, 2 done, 20 s for a worker"]),
        Night(
            testDescription: "the higher priority goes first",
            jobs: ["a: every: 5m", "b: every: 5m", "c: every: 5m, priority: 9"],
            seconds: ["a": 20, "b": 40, "c": 10], workers: 1,
            expected: [
                "a": "2 due, 2 done", "b": "2 due, 2 done, 30 s for a worker",
                "c": "2 due, 2 done, 20 s for a worker",
            ]),
        Night(
            testDescription: "what waits for a worker until its next is due does not run",
            jobs: ["a: every: 10m", "b: every: 1m"], seconds: ["a": 90], workers: 1,
            minutes: 11,
            expected: ["a": "1 due, 1 done", "b": "11 due, 10 done, 1 deadline, 30 s for a worker"]
        ),
        Night(
            testDescription: "a starting deadline is kept",
            jobs: ["a: every: 10m", "b: every: 10m, startingDeadlineSeconds: 30"],
            seconds: ["a": 90], workers: 1,
            expected: ["a": "1 due, 1 done", "b": "1 due, 0 done, 1 deadline"]),
        Night(
            testDescription: "a run is stopped at its deadline",
            jobs: ["a: every: 5m, activeDeadlineSeconds: 30"], seconds: ["a": 31],
            expected: ["a": "2 due, 0 done, 2 timed_out"]),
        Night(
            testDescription: "a run that ends at its deadline has ended",
            jobs: ["a: every: 5m, activeDeadlineSeconds: 30"], seconds: ["a": 30],
            expected: ["a": "2 due, 2 done"]),
        Night(
            testDescription: "what needs others waits for the last of them",
            jobs: ["a: every: 5m", "b: every: 5m", "c: every: 5m, needs: [a, b]"],
            seconds: ["a": 20, "b": 40],
            expected: [
                "a": "2 due, 2 done", "b": "2 due, 2 done", "c": "2 due, 2 done, 40 s for b",
            ]),
        Night(
            testDescription: "what needs a job that is stopped does not run",
            jobs: ["a: every: 5m, activeDeadlineSeconds: 5", "b: every: 5m, needs: [a]"],
            seconds: ["a": 20],
            expected: ["a": "2 due, 0 done, 2 timed_out", "b": "2 due, 0 done, 2 dependency"]),
        Night(
            testDescription: "unless it goes on in any case",
            jobs: [
                "a: every: 5m, activeDeadlineSeconds: 5",
                "b: every: 5m, needs: [{job: a, when: always}]",
            ], seconds: ["a": 20],
            expected: ["a": "2 due, 0 done, 2 timed_out", "b": "2 due, 2 done, 5 s for a"]),
        Night(
            testDescription: "what it needs must end in time",
            jobs: ["a: every: 5m", "b: every: 5m, needs: [{job: a, within: 10s}]"],
            seconds: ["a": 20],
            expected: ["a": "2 due, 2 done", "b": "2 due, 0 done, 2 dependency"]),
        Night(
            testDescription: "a pool lets in as many as it has slots",
            jobs: ["a", "b", "c"].map { "\($0): every: 10m, pool: wide" },
            seconds: ["a": 20, "b": 40, "c": 60],
            expected: [
                "a": "1 due, 1 done", "b": "1 due, 1 done",
                "c": "1 due, 1 done, 20 s for pool wide",
            ]),
        Night(
            testDescription: "an exclusive lock is waited for within the run",
            jobs: ["a", "b"].map { "\($0): every: 10m, locks: [{name: x, wait: 1m}]" },
            seconds: ["a": 20, "b": 40], expected: ["a": "1 due, 1 done", "b": "1 due, 1 done"]),
        Night(
            testDescription: "and no longer than the job allows",
            jobs: ["a", "b"].map { "\($0): every: 10m, locks: [{name: x, wait: 10s}]" },
            seconds: ["a": 20, "b": 40],
            expected: ["a": "1 due, 1 done", "b": "1 due, 0 done, 1 without_lock"]),
        Night(
            testDescription: "a shared lock lets others share it",
            jobs: ["a", "b"].map { "\($0): every: 10m, locks: [{name: x, mode: shared}]" },
            seconds: ["a": 20, "b": 40], expected: ["a": "1 due, 1 done", "b": "1 due, 1 done"]),
        Night(
            testDescription: "what is suspended or excluded is no surprise",
            jobs: ["a: every: 5m, suspend: true", "b: every: 5m, endAt: 2026-01-01T00:05:00Z"],
            expected: ["a": "2 due, 0 done, 2 suspended", "b": "1 due, 1 done"]),
        Night(
            testDescription: "by a delay the next follows from the end",
            jobs: ["a: after: 1m"], seconds: ["a": 60], expected: ["a": "5 due, 5 done"]),
        Night(
            testDescription: "a later start is no wait",
            jobs: ["a: every: 5m, spread: hash"], seconds: ["a": 10],
            expected: ["a": "2 due, 2 done"]),
    ]

    @Test("goes by the rules of a scheduler", arguments: nights)
    private func night(_ night: Night) throws {
        let report = try Self.report(
            night.jobs, night.seconds, workers: night.workers, minutes: night.minutes)
        let found = Dictionary(uniqueKeysWithValues: report.jobs.map { ($0.job, Self.text($0)) })
        #expect(found == night.expected)
        #expect(report.occurrenceCount == report.jobs.reduce(0) { $0 + $1.dueCount })
        for job in report.jobs {
            let ends = job.runCount + job.cutShort.values.reduce(0, +)
            #expect(ends + job.skipped.values.reduce(0, +) == job.dueCount, "\(job.job)")
        }
    }

    @Test("names what happens, and when")
    func incidents() throws {
        let report = try Self.report(["a: every: 1m"], ["a": 90], workers: 8, minutes: 3)
        let incident = try #require(report.incidents.first)
        #expect(report.incidentCount == 1)
        #expect(incident.kind == .skipped && incident.reason == .overlap)
        #expect(incident.scheduledFor == Self.start.advanced(bySeconds: 120).date)
        #expect(incident.at == incident.scheduledFor)
        #expect(incident.obstacle == "the run of 2026-01-01T00:01:00Z goes on")
        #expect(report.end == Self.start.advanced(bySeconds: 270).date)
    }

    @Test("counts the workers that are busy at once, and what waits for one")
    func peaks() throws {
        let jobs = ["a", "b", "c", "d", "e"].map { "\($0): every: 5m" }
        let seconds = Dictionary(uniqueKeysWithValues: "abcde".map { (String($0), 60.0) })
        let many = try Self.report(jobs, seconds, workers: 8, minutes: 6)
        #expect(many.mostBusy.count == 5)
        #expect(many.mostBusy.at == Self.start.advanced(bySeconds: 300).date)
        #expect(many.mostWaiting.count == 0)
        let few = try Self.report(jobs, seconds, workers: 2, minutes: 6)
        #expect(few.mostBusy.count == 2)
        #expect(few.mostWaiting.count == 3)
    }

    @Test("goes on from the last end of a job by a delay")
    func completion() throws {
        let last = Completion(
            scheduledFor: Self.start.advanced(bySeconds: -100),
            finishedAt: Self.start.advanced(bySeconds: -30))
        let report = try Self.report(
            ["a: after: 10m"], [:], workers: 1, minutes: 9, completions: ["a": last])
        #expect(report.jobs.isEmpty)
        let later = try Self.report(
            ["a: after: 10m"], [:], workers: 1, minutes: 10, completions: ["a": last])
        #expect(later.jobs.first?.dueCount == 1)
    }

    @Test("keeps a bounded list, and refuses what is endless")
    func bounds() throws {
        let report = try Self.report(
            ["a: every: 1s, concurrencyPolicy: Forbid"], ["a": 3_000], workers: 1, minutes: 60)
        #expect(report.incidents.count == ForecastReport.incidentLimit)
        #expect(report.incidentCount == 3_598)
        #expect(throws: NightForecast.TooLong.self) {
            try Self.report(["a: every: 1s"], [:], workers: 1, minutes: 60, limit: 3_599)
        }
    }

    @Test("says the same each time")
    func repeated() throws {
        let jobs = ["a", "b", "c", "d"].map {
            "\($0): every: 1m, pool: wide, locks: [{name: x, wait: 20s}]"
        }
        let seconds = ["a": 25.0, "b": 35, "c": 45, "d": 55]
        let texts = try (1...5).map { _ in
            try Self.report(jobs, seconds, workers: 3, minutes: 30).jobs.map(Self.text)
        }
        #expect(Set(texts).count == 1)
    }
}
