import Foundation
import Testing

@testable import Almanac
@testable import AlmanacCore

@Suite("How everything stands")
struct StatusTests {
    private static let now = Date(timeIntervalSince1970: 1_767_580_200)

    private static func job(
        _ name: String, _ keys: String = #""every":"1h""#, pause: Pause? = nil,
        last: JobStatus.LastRun? = nil, running: Int = 0, queued: Int = 0, held: Int = 0,
        dead: Int = 0
    ) -> JobStatus {
        JobStatus(
            job: name, definition: "{\(keys),\"task\":\"sql\",\"timeZone\":\"UTC\"}",
            pause: pause, last: last, runningCount: running, queuedCount: queued,
            heldCount: held, deadCount: dead)
    }

    private static func report(
        _ jobs: [JobStatus], nodes: [NodeStatus] = [], until: Date? = now
    ) -> StatusReport {
        StatusReport(
            LedgerStatus(
                now: now, accountedUntil: until, movedAt: until, nodes: nodes, jobs: jobs))
    }

    private static func node(_ name: String, seenSecondsAgo seconds: Double) -> NodeStatus {
        NodeStatus(node: name, since: now, seen: now.addingTimeInterval(-seconds))
    }

    @Test("says which schedulers live, and how long a silent one has been so")
    func schedulers() {
        let until = "what was due up to 2026-01-05 02:30:00Z has its rows"
        #expect(Self.report([], until: nil).lines.first == "no scheduler has run yet")
        #expect(Self.report([]).lines.first == "no scheduler is connected; \(until)")
        let one = Self.report([], nodes: [Self.node("db7:1:x", seenSecondsAgo: 2)])
        #expect(one.isAlive)
        #expect(one.lines.first == "scheduler db7:1:x; \(until)")
        let two = Self.report(
            [],
            nodes: [
                Self.node("a", seenSecondsAgo: 2), Self.node("b", seenSecondsAgo: 180),
            ])
        #expect(two.isAlive)
        #expect(!Self.report([]).isAlive)
        #expect(two.lines.first == "schedulers a, b (silent for 3 min); \(until)")
        #expect(!Self.report([], nodes: [Self.node("b", seenSecondsAgo: 10)]).isAlive)
    }

    @Test(
        "spans are told in their largest unit",
        arguments: [
            (0.9, "0 s"), (119, "119 s"), (120, "2 min"), (7_199, "119 min"), (7_200, "2 h"),
            (172_799, "47 h"), (172_800, "2 days"),
        ])
    func spans(seconds: Double, text: String) {
        #expect(SpanText.elapsed(seconds) == text)
    }

    @Test("a line for each job: what it does now, what was last, what comes next and what to know")
    func jobs() {
        let last = JobStatus.LastRun(
            runID: UUID(), scheduledFor: Self.now.addingTimeInterval(-1_800), state: .skipped,
            reason: "overlap", startedAt: nil, finishedAt: Self.now)
        let pause = Pause(
            job: "a", pausedAt: Self.now, pausedBy: "ada@desk", note: "disk\nfull", skipped: 2)
        let lines = Self.report([
            Self.job("a", pause: pause, running: 1),
            Self.job("b", #""every":"1h","suspend":true"#),
            Self.job("c", last: last, running: 2, queued: 3),
            Self.job("d", queued: 2, held: 2),
            Self.job("e", #""after":"1h""#),
        ]).lines
        #expect(
            Array(lines.dropFirst()) == [
                "2 occurrences wait for a decision after an outage: "
                    + "`\(ProgramName.text) resume --catch-up latest|all|none`",
                "JOB  STATE      RUNNING  QUEUED  LAST               AT                    "
                    + "NEXT                  NOTE",
                "a    paused           1                                                   "
                    + "2026-01-05 03:00:00Z  disk full (ada@desk, since 2026-01-05 02:30:00Z)",
                "b    suspended",
                "c    running          2       3  skipped (overlap)  2026-01-05 02:00:00Z  "
                    + "2026-01-05 03:00:00Z",
                "d    queued                   2                                           "
                    + "2026-01-05 03:00:00Z  2 wait for a decision",
                "e    idle",
            ])
    }

    @Test("says of what runs that its backend is gone", arguments: [0, 1, 2])
    func dead(count: Int) {
        let line = Self.report([Self.job("a", running: 2, dead: count)]).lines.last ?? ""
        #expect(line.contains("running") && line.contains("gone; the next node") == (count > 0))
    }

    @Test("what a resume tells")
    func resume() {
        func pause(_ skipped: Int) -> Pause {
            Pause(job: "a", pausedAt: Self.now, pausedBy: "ada", note: "n", skipped: skipped)
        }
        #expect(ResumeCommand.text("a", nil) == "a was not paused")
        #expect(
            ResumeCommand.text("a", pause(0))
                == "a goes on; it was paused since 2026-01-05 02:30:00Z by ada")
        #expect(ResumeCommand.text("a", pause(1)).contains("1 occurrence were") == false)
        #expect(ResumeCommand.text("a", pause(2)).contains(", and 2 occurrences were skipped"))
    }
}
