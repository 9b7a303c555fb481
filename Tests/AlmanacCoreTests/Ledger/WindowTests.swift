import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@testable import AlmanacCore

/// Leaves the window of its run as its output; fails as often as it is told.
private struct TellWindow: BatchTask {
    var text: String?
    var failures: Int?

    func run(_ context: TaskContext) async throws {
        let window = context.window.map { window in
            [window.lowerBound, window.upperBound].map(PlaceholderValues.rfc3339)
                .joined(separator: " ")
        }
        context.output.append(text ?? window ?? "none")
        if context.attempt <= failures ?? 0 { throw ProbeError(description: "told to") }
    }
}

@Suite("The window of a run", .timeLimit(.minutes(1)))
struct WindowTests {
    private func job(
        _ runner: TaskRunner, _ window: String, failures: Int = 0, keys: String = ""
    ) throws -> JobDefinition {
        try runner.makeJob(
            task: "tell-window", parameters: "failures: \(failures)", keys: "\(window)\n\(keys)")
    }

    /// An instant of 2026-11-22, by its hour.
    private func hour(_ hour: Double) -> Date {
        Date(timeIntervalSince1970: 1_795_305_600 + hour * 3_600)
    }

    private func text(_ from: Double, _ to: Double) -> String {
        [hour(from), hour(to)].map(PlaceholderValues.rfc3339).joined(separator: " ")
    }

    private func fixture() async throws -> RunFixture {
        try await RunFixture(tasks: [TellWindow.self])
    }

    @Test("is none where the job has none")
    func none() async throws {
        let fixture = try await fixture()
        let row = try await fixture.perform(
            fixture.order(job(fixture.runner, ""), at: hour(3), attempt: 1))
        #expect(row.output == "none")
        #expect(row.windowStart == nil)
        #expect(row.windowEnd == nil)
    }

    @Test("by the calendar is from the nominal instant before to this one, in the row too")
    func calendar() async throws {
        let fixture = try await fixture()
        let job = try job(fixture.runner, "window: calendar")
        for instant in [3.0, 7, 5] {
            let row = try await fixture.perform(fixture.order(job, at: hour(instant), attempt: 1))
            #expect(row.output == text(instant - 1, instant))
            #expect(row.windowStart == hour(instant - 1))
            #expect(row.windowEnd == hour(instant))
        }
    }

    @Test("of a run by hand ends with the request", arguments: ["calendar", "contiguous"])
    func manual(mode: String) async throws {
        let fixture = try await fixture()
        let job = try job(fixture.runner, "window: \(mode)")
        let row = try await fixture.perform(
            fixture.order(job, at: hour(3.25), attempt: 1, trigger: .manual))
        #expect(row.output == text(3, 3.25))
    }

    @Test("that is contiguous begins where the last success ended")
    func contiguous() async throws {
        let fixture = try await fixture()
        let good = try job(fixture.runner, "window: contiguous")
        let bad = try job(fixture.runner, "window: contiguous", failures: 9)
        let nights: [(JobDefinition, Double, String)] = [
            (good, 3, text(2, 3)),  // The first, like the calendar.
            (good, 4, text(3, 4)),
            (bad, 5, text(4, 5)),
            (bad, 6, text(4, 6)),
            (good, 8, text(4, 8)),
            (good, 9, text(8, 9)),
        ]
        for (job, instant, expected) in nights {
            let row = try await fixture.perform(fixture.order(job, at: hour(instant), attempt: 1))
            #expect(row.output == expected)
        }
    }

    @Test("never overlaps what a success has covered, whatever failed or ran by hand")
    func tiles() async throws {
        let fixture = try await fixture()
        let seed = UInt64.random(in: .min ... .max)
        print("WindowTests: seed \(seed)")
        var random = SimulatedRandom(seed: seed)
        var instant = 1.0
        for _ in 0..<40 {
            instant += Double(random.next() % 3 + 1)
            let fails = random.next() % 3 == 0
            let isManual = random.next() % 4 == 0
            _ = try await fixture.perform(
                fixture.order(
                    job(fixture.runner, "window: contiguous", failures: fails ? 9 : 0),
                    at: hour(instant + (isManual ? 0.5 : 0)), attempt: 1,
                    trigger: isManual ? .manual : .schedule))
        }
        let gaps = try fixture.texts(
            """
            SELECT count(*)::text FROM (SELECT window_start, lag(window_end) \
            OVER (ORDER BY window_end) AS before FROM almanac.runs WHERE state = 'succeeded') AS w \
            WHERE before IS NOT NULL AND before <> window_start
            """)
        #expect(gaps == ["0"], "seed \(seed)")
    }

    @Test(
        "of an attempt that follows another ends as before and begins by what has succeeded since")
    func retry() async throws {
        let fixture = try await fixture()
        let bad = try job(
            fixture.runner, "window: contiguous", failures: 1,
            keys: "backoffLimit: 1\nbackoff: {initial: 0s}")
        let next = try await fixture.failOnce(bad)
        let instant = RunFixture.moment
        let manual = try job(fixture.runner, "window: contiguous")
        let between = fixture.order(
            manual, at: instant.addingTimeInterval(600), attempt: 1, trigger: .manual)
        // The attempt that waits keeps other runs of the job away; here it is stepped aside.
        _ = try fixture.withConnection {
            try $0.execute("UPDATE almanac.runs SET exclusive = false WHERE state = 'queued'")
        }
        _ = try await fixture.perform(between)
        let row = try await fixture.perform(next)
        #expect(row.windowEnd == instant)
        #expect(row.windowStart == instant, "all of it is covered")
    }

    @Test("of an attempt that goes on with half the work stays")
    func kept() async throws {
        let fixture = try await fixture()
        let job = try job(
            fixture.runner, "window: contiguous", failures: 1,
            keys: "backoffLimit: 1\nbackoff: {initial: 0s}")
        let next = try await fixture.failOnce(job)
        _ = try fixture.withConnection {
            try $0.execute(
                """
                UPDATE almanac.runs SET checkpoint = '1', \
                window_start = window_start - interval '5 min'
                """)
        }
        let row = try await fixture.perform(next)
        #expect(row.windowStart == RunFixture.moment.addingTimeInterval(-3_900))
    }

    @Test("of a past occurrence that somebody has run again is the one it had, or the calendar's")
    func backfill() async throws {
        let fixture = try await fixture()
        let good = try job(fixture.runner, "window: contiguous")
        let bad = try job(fixture.runner, "window: contiguous", failures: 1)
        for (job, instant) in [(good, 2.0), (bad, 4), (good, 8)] {
            _ = try await fixture.perform(fixture.order(job, at: hour(instant), attempt: 1))
        }
        let again = try await fixture.perform(fixture.queued(good, at: hour(4), attempt: 2))
        #expect(again.output == text(2, 4))
        let never = try await fixture.perform(fixture.queued(good, at: hour(3), attempt: 1))
        #expect(never.output == text(2, 3))
        let after = try await fixture.perform(fixture.order(good, at: hour(9), attempt: 1))
        #expect(after.output == text(8, 9), "the past has not moved it back")
    }

    @Test("advances with the success alone, in its commit")
    func inCommit() async throws {
        let fixture = try await fixture()
        let bad = try job(fixture.runner, "window: contiguous", failures: 9)
        _ = try await fixture.perform(fixture.order(bad, at: hour(3), attempt: 1))
        let last = try fixture.texts(
            """
            SELECT coalesce(max(window_end)::text, 'none') FROM almanac.runs \
            WHERE state = 'succeeded'
            """
        )
        #expect(last == ["none"])
    }

    @Test("is looked for by an index, not among all rows of the job")
    func index() async throws {
        let fixture = try await fixture()
        let plan = try fixture.withConnection { connection in
            try connection.execute("SET enable_seqscan = off")
            return try connection.query(
                """
                EXPLAIN SELECT max(window_end) FROM almanac.runs WHERE job = 'job' \
                AND state = 'succeeded'
                """
            ).map { try $0.get(at: 0, as: String.self) }
        }
        #expect(plan.contains { $0.contains("runs_window_end") }, "\(plan)")
    }

    @Test(
        "stands behind ${windowStart} and ${windowEnd}",
        arguments: [
            (
                "from ${windowStart} to ${windowEnd}",
                "from 2026-11-22T02:00:00Z to 2026-11-22T03:00:00Z"
            ),
            ("$${windowStart}", "${windowStart}"),
        ])
    func placeholders(text: String, output: String) async throws {
        let fixture = try await fixture()
        let job = try fixture.runner.makeJob(
            task: "tell-window", parameters: "text: \"\(text)\"", keys: "window: calendar")
        let row = try await fixture.perform(fixture.order(job, at: hour(3), attempt: 1))
        #expect(row.output == output)
    }

    @Test(
        "is refused, with the remedy, where it cannot be",
        arguments: [
            (
                "", "text: a ${windowStart}",
                "'${windowStart}' has no value: the job has no 'window'"
            ),
            ("", "text: a ${windowEnd}", "add 'window: calendar'"),
            ("window: sliding", "text: a", "'window' cannot be 'sliding'"),
            (
                "window: contiguous\nconcurrencyPolicy: Allow", "text: a",
                "'window: contiguous' does not fit 'concurrencyPolicy: Allow'"
            ),
        ])
    func refused(keys: String, parameters: String, answer: String) async throws {
        let fixture = try await fixture()
        let error = #expect(throws: DiagnosticsError.self) {
            try fixture.runner.makeJob(task: "tell-window", parameters: parameters, keys: keys)
        }
        let texts = error?.diagnostics.map { "\($0.message); \($0.help ?? "")" } ?? []
        #expect(texts.contains { $0.contains(answer) }, "\(texts)")
    }

    @Test("by the calendar needs instants, which 'after' has not")
    func delay() throws {
        let registry = try TaskRegistry([TellWindow.self])
        let text = """
            version: 1
            jobs:
              job: {after: 1h, window: calendar, task: tell-window, parameters: {}}
            """
        let source = try SourceFile(path: "a.yaml", bytes: Array(text.utf8))
        let error = #expect(throws: DiagnosticsError.self) {
            try ScheduleLoader(tasks: registry).load(sources: [source])
        }
        #expect(error?.diagnostics.first?.help == "write 'window: contiguous'")
    }

    @Test("is a part of the definition that decides about a run")
    func digest() async throws {
        let fixture = try await fixture()
        let digests = try ["", "window: calendar", "window: contiguous"].map {
            try job(fixture.runner, $0).definitionDigest
        }
        #expect(Set(digests).count == 3)
    }
}
