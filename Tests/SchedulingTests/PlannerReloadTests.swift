import Scheduling
import Testing

@Suite("Planner: loading a schedule again")
struct PlannerReloadTests {
    private func at(_ seconds: Int64) -> Instant {
        Instant("2026-01-01T00:00:00Z").advanced(bySeconds: seconds)
    }

    private func job(
        _ name: String = "job", every seconds: Int64 = 10, isSuspended: Bool = false,
        from: Int64 = 0
    ) -> PlannedJob {
        PlannedJob(
            name: name, recurrence: .every(seconds: seconds, anchor: at(0)),
            isSuspended: isSuspended, accountedFrom: at(from))
    }

    private func occurrence(_ seconds: Int64, _ name: String = "job") -> Occurrence {
        Occurrence(job: name, scheduledFor: at(seconds))
    }

    private func skip(_ seconds: Int64, _ reason: SkipReason) -> Planner.Action {
        .skip(SkippedOccurrences(occurrence(seconds), reason: reason))
    }

    /// A planner that has one job since second 0 and was told the time at second 12.
    private func planner(_ first: PlannedJob, isStarted: Bool = true) -> Planner {
        var planner = Planner(watermark: at(0))
        _ = planner.handle(.schedule([first], now: at(0)))
        _ = planner.handle(.tick(now: at(12)))
        if isStarted { _ = planner.handle(.started(occurrence(10))) }
        return planner
    }

    @Test("an unchanged job runs neither twice nor less")
    func unchanged() {
        var planner = planner(job())
        for second in 12...19 as ClosedRange<Int64> {
            let actions = planner.handle(.schedule([job()], now: at(second)))
            #expect(actions == [.alarm(at: at(20))])
        }
        #expect(
            planner.handle(.schedule([job()], now: at(20))) == [
                .dispatch(occurrence(20)), .alarm(at: at(30)),
            ])
        #expect(planner.handle(.schedule([job()], now: at(20))) == [.alarm(at: at(30))])
    }

    @Test("a changed job is due by its old times up to the reload and by its new ones after it")
    func changed() {
        var planner = planner(job())
        let actions = planner.handle(.schedule([job(every: 7)], now: at(20)))
        #expect(actions == [.dispatch(occurrence(20)), .alarm(at: at(21))])
        #expect(
            planner.handle(.tick(now: at(21))).contains(.dispatch(occurrence(21))))
    }

    @Test("a change brings no run for instants that had passed")
    func noExtraRun() {
        var planner = planner(job())
        // By its new times it would have been due at seconds 3, 6, 9 and 12.
        #expect(planner.handle(.schedule([job(every: 3)], now: at(12))) == [.alarm(at: at(15))])
    }

    @Test("a change while the clock is back begins where the old times ended")
    func changedWhileBack() {
        var planner = planner(job())
        let actions = planner.handle(.schedule([job(every: 3)], now: at(5)))
        #expect(actions == [.clockWentBack(from: at(12), to: at(5)), .alarm(at: at(15))])
    }

    @Test("an added job is due from its first moment")
    func added() {
        var planner = planner(job())
        let jobs = [job(), job("new", every: 5, from: 11)]
        #expect(planner.handle(.schedule(jobs, now: at(13))) == [.alarm(at: at(15))])
        // One that another node saw earlier is due for the time since.
        let more = jobs + [job("known", every: 4, from: 9)]
        let actions = planner.handle(.schedule(more, now: at(14)))
        #expect(actions == [.dispatch(occurrence(12, "known")), .alarm(at: at(15))])
        #expect(planner.watermark == at(9))
    }

    @Test("a removed job is due up to its removal; what is not started by then is skipped")
    func removed() {
        var planner = planner(job())
        #expect(
            planner.handle(.schedule([], now: at(20))) == [
                skip(20, .superseded), .alarm(at: nil),
            ])
        #expect(planner.handle(.tick(now: at(100))) == [.alarm(at: nil)])
        // The one that had started still holds the watermark.
        #expect(planner.watermark == at(9))
        _ = planner.handle(.settled(occurrence(10)))
        #expect(planner.watermark == at(19))
        _ = planner.handle(.settledSkip(SkippedOccurrences(occurrence(20), reason: .superseded)))
        #expect(planner.watermark == at(100))
    }

    @Test("a worker that hands back a run of a removed or suspended job does not get it again")
    func returnedAfterwards() {
        var planner = planner(job())
        _ = planner.handle(.schedule([job(isSuspended: true)], now: at(13)))
        #expect(
            planner.handle(.returned(occurrence(10))) == [
                .withdraw(occurrence(10)), skip(10, .suspended),
            ])
        var other = self.planner(job())
        _ = other.handle(.schedule([], now: at(13)))
        #expect(
            other.handle(.returned(occurrence(10))) == [
                .withdraw(occurrence(10)), skip(10, .superseded),
            ])
    }

    @Test("suspending takes back what waits, resuming begins with the next instant")
    func suspending() {
        var planner = planner(job(), isStarted: false)
        #expect(
            planner.handle(.schedule([job(isSuspended: true)], now: at(15))) == [
                .withdraw(occurrence(10)), skip(10, .suspended), .alarm(at: at(20)),
            ])
        #expect(
            planner.handle(.schedule([job()], now: at(25))) == [
                skip(20, .suspended), .alarm(at: at(30)),
            ])
        #expect(
            planner.handle(.tick(now: at(30))) == [.dispatch(occurrence(30)), .alarm(at: at(40))])
    }

    @Test("a job that is removed and added again dispatches nothing that is on its way")
    func removedAndAdded() {
        var planner = planner(job())
        _ = planner.handle(.schedule([], now: at(13)))
        let actions = planner.handle(.schedule([job(from: 5)], now: at(14)))
        #expect(actions == [.alarm(at: at(20))])
    }

    @Test("of two jobs with one name the first counts")
    func duplicates() {
        var planner = Planner(watermark: at(0))
        let actions = planner.handle(.schedule([job(every: 10), job(every: 3)], now: at(12)))
        #expect(actions == [.dispatch(occurrence(10)), .alarm(at: at(20))])
    }

    @Test("a process that starts again accounts for each version of the schedule by its own times")
    func resume() {
        var planner = Planner(watermark: at(5))
        let versions = [
            ScheduleVersion(since: at(0), jobs: [job("changed"), job("removed"), job("kept")]),
            ScheduleVersion(
                since: at(24), jobs: [job("changed", every: 7), job("kept"), job("new", from: 24)]),
        ]
        let coalesced = { (name: String, instants: [Int64]) in
            Planner.Action.skip(
                SkippedOccurrences(
                    job: name, first: at(instants[0]), last: at(instants[instants.count - 1]),
                    count: instants.count, reason: .coalesced, instants: instants.map(at)))
        }
        let removed = SkippedOccurrences(occurrence(20, "removed"), reason: .superseded)
        #expect(
            planner.handle(.resume(versions, now: at(32))) == [
                coalesced("changed", [10]), coalesced("removed", [10]), coalesced("kept", [10]),
                .skip(removed),
                .skip(SkippedOccurrences(occurrence(20, "changed"), reason: .deadline)),
                .dispatch(occurrence(28, "changed")),
                .skip(SkippedOccurrences(occurrence(20, "kept"), reason: .deadline)),
                .dispatch(occurrence(30, "kept")), .dispatch(occurrence(30, "new")),
                .alarm(at: at(35)),
            ])
        #expect(planner.watermark == at(9))
        #expect(
            planner.handle(.schedule(versions[1].jobs, now: at(33))) == [.alarm(at: at(35))])
    }

    @Test("a range says by which times it was due, those of its version of the schedule")
    func ranges() throws {
        var planner = Planner(watermark: at(0))
        let versions = [
            ScheduleVersion(since: at(0), jobs: [job(every: 1)]),
            ScheduleVersion(since: at(500), jobs: [job(every: 2)]),
        ]
        let ranges = planner.handle(.resume(versions, now: at(1_000))).compactMap { action in
            if case .skip(let skipped) = action, skipped.instants == nil { skipped } else { nil }
        }
        #expect(ranges.map(\.first) == [at(1), at(502)])
        #expect(
            ranges.map(\.recurrence) == [
                .every(seconds: 1, anchor: at(0)), .every(seconds: 2, anchor: at(0)),
            ])
    }

    @Test("resuming with a clock that is behind is reported and gives out what was planned")
    func resumeBehind() {
        var planner = Planner(watermark: at(5))
        let versions = [
            ScheduleVersion(since: at(0), jobs: [job()]),
            ScheduleVersion(since: at(24), jobs: [job(every: 7)]),
        ]
        let actions = planner.handle(.resume(versions, now: at(12)))
        #expect(
            actions.first == .clockWentBack(from: at(24), to: at(12)))
        #expect(actions.last == .alarm(at: at(28)))
        #expect(actions.count == 4)
    }

    @Test("a changed zone or time is a change")
    func zones() throws {
        let expression = try CronExpression("0 6 * * *")
        func jobs(_ zone: Zone) -> [PlannedJob] {
            let recurrence = Recurrence.cron(expression, zone)
            return [PlannedJob(name: "job", recurrence: recurrence, accountedFrom: at(0))]
        }
        var planner = Planner(watermark: at(0))
        #expect(planner.handle(.schedule(jobs(.utc), now: at(0))) == [.alarm(at: at(6 * 3_600))])
        let berlin = try Zone("Europe/Berlin")
        #expect(planner.handle(.schedule(jobs(berlin), now: at(1))) == [.alarm(at: at(5 * 3_600))])
    }
}
