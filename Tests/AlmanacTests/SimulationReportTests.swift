import AlmanacCore
import Foundation
import Scheduling
import Testing

@testable import Almanac

@Suite("The command simulate")
struct SimulationReportTests {
    private func report(
        _ jobs: String, seconds: [String: Double] = [:], workers: Int = 4, nodes: Int = 1,
        connections: ServerFacts.ConnectionFacts? = nil
    ) throws -> SimulationReport {
        let schedule = try makeSchedule(
            "version: 1\ndefaults: {activeDeadlineSeconds: 600}\njobs:\n" + jobs)
        let start = try #require(Instant(iso8601: "2026-11-22T12:00:00Z"))
        var assumptions = NightForecast.Assumptions(
            from: start, through: start.advanced(bySeconds: 300))
        assumptions.workers = workers
        assumptions.estimates = seconds.mapValues { RunEstimate(seconds: $0, runCount: 7) }
        return SimulationReport(
            try NightForecast.report(on: schedule, assumptions), assumptions, durations: .p95,
            nodes: nodes, connections: connections)
    }

    /// What a server has of which others have three.
    private static func connections(_ limit: Int) -> ServerFacts.ConnectionFacts {
        ServerFacts.ConnectionFacts(limit: limit, othersInUse: 3)
    }

    private static func line(_ name: String, _ keys: String) -> String {
        "  \(name): {task: sql, parameters: {statement: SELECT 1}, \(keys)}\n"
    }

    @Test("shows each job, and what does not go as scheduled, once for each kind")
    func lines() throws {
        let report = try report(
            Self.line("long", "every: 1m") + Self.line("new", "every: 5m"),
            seconds: ["long": 90], connections: Self.connections(97))
        #expect(
            report.lines == [
                "6 occurrences from 2026-11-22 12:00:00Z to 2026-11-22 12:05:00Z, the last run "
                    + "over at 2026-11-22 12:06:30Z",
                "busy: at most 2 of 4 workers, at 2026-11-22 12:05:00Z; connections: at most 8",
                "",
                "JOB   DUE  DONE  MISSED  TAKES  WAITS  LAST ENDS             NOTE",
                "long    5     3       2   90 s         2026-11-22 12:06:30Z  2 overlap",
                "new     1     1           60 s         2026-11-22 12:06:00Z  no runs yet", "",
                "what does not go as scheduled:",
                "  2026-11-22 12:02:00Z  long due 2026-11-22 12:02:00Z does not run: overlap, the "
                    + "run of 2026-11-22T12:01:00Z goes on; and 1 more time",
            ])
    }

    @Test("says when there are too few connections, for all the schedulers that share the work")
    func connections() throws {
        let jobs = "abc".map { Self.line("\($0)", "every: 5m") }.joined()
        let tight = Self.connections(14)
        let one = try report(jobs, connections: tight)
        #expect(one.connectionsAtMost == 9)
        #expect(one.lines[1].hasSuffix("at most 9 of 14, others now have 3"))
        let roomy = Self.connections(16)
        #expect(try report(jobs, connections: roomy).lines[1].hasSuffix("at most 9"))
        let three = try report(jobs, nodes: 3, connections: tight)
        #expect(three.lines[1].hasSuffix("at most 21 of 14, others now have 3: TOO MANY"))
        #expect(try report(jobs).lines[1].hasSuffix("connections: at most 9"))
    }

    @Test("says when nothing comes due")
    func nothing() throws {
        #expect(
            try report(Self.line("a", "every: 5m, endAt: 2020-01-01T00:00:00Z")).lines
                == ["nothing comes due"])
    }

    @Test(
        "shows times as people say them",
        arguments: [
            (0, "0 ms"), (0.0423, "42 ms"), (1, "1.0 s"), (9.94, "9.9 s"), (42.4, "42 s"),
            (119.4, "119 s"), (120, "2 min"), (7_199, "120 min"), (9_000, "2.5 h"),
        ] as [(Double, String)])
    func spans(seconds: Double, text: String) {
        #expect(SpanText.duration(seconds) == text)
    }

    @Test("keeps its names in the document")
    func document() throws {
        let report = try report(Self.line("long", "every: 1m"), seconds: ["long": 90])
        let text = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
        for name in ["busy_at_most", "connections_at_most", "based_on_runs", "scheduled_for"] {
            #expect(text.contains("\"\(name)\""), "\(name)")
        }
    }
}
