import Foundation
import Testing

@testable import Almanac
@testable import AlmanacCore

@Suite("Why an occurrence did or did not run")
struct DecisionTraceTests {
    /// 2026-01-05 02:30 UTC, a Monday.
    private static let instant = Date(timeIntervalSince1970: 1_767_580_200)
    private static let definition = """
        {"schedule":[{"cron":"30 2 * * *","timeZone":"UTC"}],"task":"sql","timeZone":"UTC"}
        """

    private static func facts(
        _ definition: String? = definition, secondsLater: Double = 0,
        _ edit: (inout OccurrenceTrace) -> Void = { _ in }
    ) -> OccurrenceTrace {
        let instant = instant.addingTimeInterval(secondsLater)
        var facts = OccurrenceTrace(
            job: "nightly", instant: instant, now: instant.addingTimeInterval(3_600))
        facts.accountedFrom = Self.instant.addingTimeInterval(-86_400)
        facts.accountedUntil = facts.now
        facts.version = OccurrenceTrace.Version(
            number: 3, inForceFrom: Self.instant.addingTimeInterval(-7_200),
            definition: definition)
        edit(&facts)
        return facts
    }

    private static func row(_ state: RunState, _ edit: (inout RunRecord) -> Void = { _ in })
        -> RunRecord
    {
        var row = RunRecord(
            runID: UUID(uuidString: "0e984725-c51c-4bf4-9960-e1c80e27aba0") ?? UUID(),
            job: "nightly", task: "sql", scheduledFor: instant, attempt: 1, trigger: "schedule",
            state: state, queuedAt: instant, isHeld: false)
        if state != .queued, state != .skipped {
            row.startedAt = instant.addingTimeInterval(0.25)
            row.node = "db7:1:x"
            row.worker = 2
        }
        if state.isTerminal { row.finishedAt = instant.addingTimeInterval(1.5) }
        edit(&row)
        return row
    }

    @Test("a run is told from the schedule to its outcome")
    func ran() {
        let trace = DecisionTrace(
            Self.facts { $0.rows = [Self.row(.succeeded) { $0.rowsAffected = 3 }] })
        #expect(trace.answer == .ran)
        #expect(
            trace.trace == [
                "Schedule version 3, in force since 2026-01-05 00:30:00Z, has the job at: "
                    + "30 2 * * * UTC.",
                "It was due at 2026-01-05 02:30:00Z (2026-01-05 02:30:00 UTC).",
                "Attempt 1 (run 0e984725, schedule) was claimed by db7:1:x, worker 2 at "
                    + "2026-01-05 02:30:00Z, 0.250 s after it was due, and succeeded at "
                    + "2026-01-05 02:30:01Z after 1250 ms; 3 rows.",
            ])
    }

    @Test(
        "each way to end has its words",
        arguments: [
            (RunState.failed, "ran", "and failed at 2026-01-05 02:30:01Z after 1250 ms: E: no."),
            (.timedOut, "ran", "and was stopped at its deadline, at "),
            (.cancelled, "ran", "and was cancelled at 2026-01-05 02:30:01Z: E: no."),
            (.orphaned, "ran", "and was found dead at 2026-01-05 02:30:01Z: no."),
            (.running, "running", "0.250 s after it was due, and is running."),
            (.queued, "queued", "schedule) is queued since 2026-01-05 02:30:00Z."),
        ])
    func endings(state: RunState, answer: String, words: String) {
        let row = Self.row(state) {
            if state.isTerminal { ($0.errorType, $0.errorMessage) = ("E", "no") }
        }
        let trace = DecisionTrace(Self.facts { $0.rows = [row] })
        #expect(trace.answer.rawValue == answer)
        #expect(trace.trace.last?.contains(words) == true, "\(trace.trace)")
    }

    @Test(
        "each reason of a skip has its words",
        arguments: [
            "overlap", "deadline", "suspended", "paused", "excluded", "dst-gap", "coalesced",
            "dependency", "ignored", "superseded", "backlog",
        ])
    func reasons(reason: String) {
        let row = Self.row(.skipped) { $0.reason = reason }
        let trace = DecisionTrace(Self.facts { $0.rows = [row] })
        #expect(trace.answer == .skipped)
        #expect(trace.trace.last?.contains("was skipped: \(reason), that is, ") == true)
        #expect(trace.trace.last?.contains("for a reason of its own") == false)
    }

    @Test(
        "each thing that a run can wait for has its words",
        arguments: [
            ("turn", "its turn"), ("resume", "its job to be resumed"),
            ("pool heavy", "a slot of the pool heavy"), ("needs: a, b", "a, b to end"),
            ("rain", "rain"),
        ])
    func waits(text: String, words: String) {
        let row = Self.row(.queued) { $0.waitsFor = text }
        let trace = DecisionTrace(Self.facts { $0.rows = [row] })
        #expect(trace.trace.last?.hasSuffix(", and waits for \(words).") == true)
        #expect(row.why == "waits for \(words)")
    }

    @Test("a queued run without an obstacle waits for its time or a worker")
    func idleWaits() {
        #expect(Self.row(.queued).why == "waits for a worker")
        #expect(Self.row(.queued) { $0.isHeld = true }.why == "waits for a decision")
        let later = Self.row(.queued) { $0.notBefore = Self.instant.addingTimeInterval(60) }
        #expect(later.why == "waits until 2026-01-05 02:31:00Z")
    }

    @Test("a range, a hold, a request to cancel and a hook's error are told")
    func details() {
        let rows = [
            Self.row(.skipped) { ($0.reason, $0.skippedCount) = ("coalesced", 5) },
            Self.row(.queued) { $0.isHeld = true },
            Self.row(.cancelled) {
                $0.errorType = "Cancelled"
                $0.cancelRequestedAt = Self.instant
                $0.cancelRequestedBy = "ada@desk"
                $0.cancelReason = "too\u{1B}long"
                $0.hookError = "onFailure: x"
            },
        ]
        let text = DecisionTrace(Self.facts { $0.rows = rows }).trace.joined(separator: "\n")
        #expect(text.contains("coalesced (with 4 others), that is, a later occurrence"))
        #expect(text.contains("waits for somebody to decide"))
        #expect(text.contains("ada@desk asked for its end at 2026-01-05 02:30:00Z: too�long."))
        #expect(text.contains("A hook failed afterwards: onFailure: x."))
    }

    @Test("a run of that second by itself is no attempt at the occurrence")
    func apart() {
        let exec = Self.row(.succeeded) {
            $0.trigger = "exec"
            $0.scheduledFor = Self.instant.addingTimeInterval(0.243)
        }
        let asked = Self.row(.failed) { ($0.trigger, $0.errorType) = ("manual", "E") }
        let lost = DecisionTrace(Self.facts { $0.rows = [exec, asked] })
        #expect(lost.answer == .notAccounted)
        #expect(lost.trace.contains { $0.contains("although all that was due") })
        #expect(
            lost.trace.contains {
                $0.hasPrefix("A run of its own in that second (run 0e984725, exec)")
            })
        let both = DecisionTrace(Self.facts { $0.rows = [Self.row(.running), exec] })
        #expect(both.answer == .running)
        let alone = DecisionTrace(Self.facts(secondsLater: 60) { $0.rows = [exec] })
        #expect(alone.answer == .ran)
        #expect(alone.trace.contains { $0.contains("is none of its instants") })
    }

    @Test(
        "an error is named once",
        arguments: [
            (
                "ServerError", "22023", "ServerError (SQLSTATE 22023): no",
                "ServerError (SQLSTATE 22023): no"
            ),
            ("ServerError", "22023", "no", "ServerError, SQLSTATE 22023: no"),
            ("E", nil, "no", "E: no"), ("E", nil, nil, "E"),
        ] as [(String, String?, String?, String)])
    func errors(type: String, sqlState: String?, message: String?, text: String) {
        let row = Self.row(.failed) {
            ($0.errorType, $0.sqlState, $0.errorMessage) = (type, sqlState, message)
        }
        let trace = DecisionTrace(Self.facts { $0.rows = [row] })
        #expect(trace.trace.last?.hasSuffix(" after 1250 ms: \(text).") == true, "\(trace.trace)")
        let cancelled = Self.row(.cancelled) {
            ($0.errorType, $0.errorMessage) = ("Cancelled", "cancelled by ada@desk: too long")
            ($0.cancelRequestedAt, $0.cancelRequestedBy) = (Self.instant, "ada@desk")
            $0.cancelReason = "too long"
        }
        #expect(
            DecisionTrace(Self.facts { $0.rows = [cancelled] }).trace.last?.hasSuffix(
                "was cancelled at 2026-01-05 02:30:01Z. "
                    + "ada@desk asked for its end at 2026-01-05 02:30:00Z: too long.") == true)
    }

    @Test("an instant that is none of the job's is named with the next one")
    func notDue() {
        let trace = DecisionTrace(Self.facts(secondsLater: 60))
        #expect(trace.answer == .notDue)
        #expect(
            trace.trace.last
                == "2026-01-05 02:31:00Z (2026-01-05 02:31:00 UTC) is none of its instants; "
                + "the next one is 2026-01-06 02:30:00Z.")
    }

    @Test("a day that a calendar excludes, and a time that the clock skips")
    func excluded() throws {
        let excluding = try #require(
            try makeSchedule(
                """
                version: 1
                jobs:
                  nightly: {schedule: "30 2 * * *", calendars: {exclude: [{weekdays: MON}]},
                    task: sql, parameters: {statement: SELECT 1}}
                """
            ).jobs.first?.canonicalText)
        #expect(DecisionTrace(Self.facts(excluding)).answer == .excluded)
        let gap = """
            {"schedule":[{"cron":"30 2 * * *","timeZone":"Europe/Berlin"}],"dst":{"gap":"skip"},
            "task":"sql","timeZone":"Europe/Berlin"}
            """
        // 2026-03-29 01:00 UTC: the clock goes from 02:00 to 03:00.
        let later = 1_774_746_000 - Self.instant.timeIntervalSince1970
        #expect(DecisionTrace(Self.facts(gap, secondsLater: later)).answer == .dstGap)
    }

    @Test("what has no row is told by how far the accounts go")
    func withoutRow() {
        let future = Self.facts { $0.now = Self.instant.addingTimeInterval(-60) }
        #expect(DecisionTrace(future).answer == .toCome)
        #expect(DecisionTrace(future).trace.contains { $0.hasPrefix("It is due at 2026-01-05 ") })
        let behind = DecisionTrace(
            Self.facts { $0.accountedUntil = Self.instant.addingTimeInterval(-60) })
        #expect(behind.answer == .notAccounted)
        #expect(behind.trace.last?.contains("up to 2026-01-05 02:29:00Z.") == true)
        let lost = DecisionTrace(Self.facts())
        #expect(lost.trace.last?.contains("although all that was due") == true)
        let early = DecisionTrace(
            Self.facts { $0.accountedFrom = Self.instant.addingTimeInterval(60) })
        #expect(early.trace.contains { $0.contains("what was due before is not") })
        #expect(early.trace.last == "It has no row.")
        let returned = DecisionTrace(
            Self.facts {
                $0.accountedFrom = Self.instant.addingTimeInterval(60)
                $0.rows = [Self.row(.succeeded) { $0.rowsAffected = 1 }]
            })
        #expect(!returned.trace.contains { $0.contains("what was due before is not") })
        #expect(returned.trace.last?.hasSuffix("; 1 row.") == true)
    }

    @Test("schedules that had no such job, or were none, or cannot be read")
    func otherSchedules() {
        #expect(
            DecisionTrace(Self.facts(nil)).trace.first
                == "Schedule version 3, in force since 2026-01-05 00:30:00Z, has no job "
                + "'nightly'.")
        let none = DecisionTrace(Self.facts { $0.version = nil })
        #expect(none.trace.first?.hasPrefix("No schedule was in force then") == true)
        let strange = DecisionTrace(Self.facts("{}"))
        #expect(strange.trace.first?.contains("cannot read") == true)
        let unknown = DecisionTrace(Self.facts { $0.accountedFrom = nil })
        #expect(unknown.answer == .unknownJob)
        #expect(unknown.trace == ["The ledger has never seen a job 'nightly'."])
    }

    @Test("a job that was removed, is suspended, or recurs by a delay")
    func otherJobs() {
        let removed = DecisionTrace(Self.facts { $0.removedAt = Self.instant })
        #expect(removed.trace.first == "The job left the schedule at 2026-01-05 02:30:00Z.")
        let gone = DecisionTrace(
            Self.facts(nil) {
                $0.removedAt = Self.instant.addingTimeInterval(-60)
                $0.accountedUntil = Self.instant.addingTimeInterval(-1)
            })
        #expect(gone.answer == .notDue)
        #expect(gone.trace.last?.hasSuffix("has no job 'nightly'.") == true, "\(gone.trace)")
        let suspended = DecisionTrace(
            Self.facts(Self.definition.replacing("{\"sch", with: "{\"suspend\":true,\"sch")))
        #expect(suspended.trace.contains("The job is suspended in it."))
        let delay = DecisionTrace(
            Self.facts(#"{"after":"15m","task":"sql","timeZone":"UTC"}"#))
        #expect(delay.answer == .notAccounted)
        #expect(delay.trace.contains { $0.contains("only the rows tell them") })
    }
}
