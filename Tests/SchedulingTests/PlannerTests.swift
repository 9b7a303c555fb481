import Scheduling
import Testing

@Suite("Planner")
struct PlannerTests {
    /// 2026-01-01T00:00:00Z and some seconds.
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

    private func occurrence(
        _ seconds: Int64, _ name: String = "job", _ origin: Occurrence.Origin = .schedule
    ) -> Occurrence {
        Occurrence(job: name, scheduledFor: at(seconds), origin: origin)
    }

    private func skipped(
        _ seconds: [Int64], _ reason: SkipReason, _ name: String = "job"
    ) -> SkippedOccurrences {
        SkippedOccurrences(
            job: name, first: at(seconds[0]), last: at(seconds[seconds.count - 1]),
            count: seconds.count, reason: reason, instants: seconds.map(at))
    }

    /// A planner that has the jobs since second 0.
    private func planner(_ jobs: [PlannedJob]) -> Planner {
        var planner = Planner(watermark: at(0))
        _ = planner.handle(.schedule(jobs, now: at(0)))
        return planner
    }

    @Test("an occurrence is dispatched when its instant has come, and once")
    func inTime() {
        var planner = planner([job()])
        #expect(planner.alarm == at(10))
        #expect(
            planner.handle(.tick(now: at(10))) == [.dispatch(occurrence(10)), .alarm(at: at(20))])
        #expect(planner.handle(.tick(now: at(10))) == [.alarm(at: at(20))])
    }

    @Test("a tick before the alarm only sets the alarm again")
    func earlyTick() {
        var planner = planner([job()])
        for second in 1...9 as ClosedRange<Int64> {
            #expect(planner.handle(.tick(now: at(second))) == [.alarm(at: at(10))])
        }
    }

    @Test("the next instant follows from the nominal one, not from the time of the tick")
    func lateTick() {
        var planner = planner([job()])
        #expect(
            planner.handle(.tick(now: at(19))) == [.dispatch(occurrence(10)), .alarm(at: at(20))])
        #expect(planner.handle(.started(occurrence(10))) == [])
        #expect(
            planner.handle(.tick(now: at(20))) == [.dispatch(occurrence(20)), .alarm(at: at(30))])
    }

    @Test("of several that are due the latest is dispatched and the earlier ones are skipped")
    func coalescing() {
        var planner = planner([job()])
        #expect(
            planner.handle(.tick(now: at(35))) == [
                .skip(skipped([10, 20], .coalesced)), .dispatch(occurrence(30, "job", .catchUp)),
                .alarm(at: at(40)),
            ])
    }

    @Test("up to 100 skipped instants are listed, more are a range")
    func listing() throws {
        for (late, isListed) in [(1_010, true), (1_020, false)] as [(Int64, Bool)] {
            var planner = planner([job()])
            let actions = planner.handle(.tick(now: at(late)))
            guard case .skip(let skipped) = try #require(actions.first) else {
                Issue.record("no skip in \(actions)")
                continue
            }
            #expect(skipped.count == Int(late / 10 - 1))
            #expect(skipped.first == at(10) && skipped.last == at(late - 10))
            #expect((skipped.instants?.count == skipped.count) == isListed)
            #expect((skipped.instants == nil) == !isListed)
        }
    }

    @Test("a year without a scheduler is one range and one run")
    func downtime() throws {
        let year: Int64 = 365 * 86_400
        var planner = Planner(watermark: at(0))
        let actions = planner.handle(.schedule([job(every: 1)], now: at(year)))
        #expect(
            actions == [
                .skip(
                    SkippedOccurrences(
                        job: "job", first: at(1), last: at(year - 1), count: Int(year - 1),
                        reason: .coalesced, instants: nil,
                        recurrence: .every(seconds: 1, anchor: at(0)))),
                .dispatch(occurrence(year, "job", .catchUp)), .alarm(at: at(year + 1)),
            ])
    }

    @Test("the occurrences of a suspended job are skipped, each with a row")
    func suspended() {
        var planner = planner([job(isSuspended: true)])
        #expect(
            planner.handle(.tick(now: at(25))) == [
                .skip(skipped([10, 20], .suspended)), .alarm(at: at(30)),
            ])
        #expect(planner.watermark == at(9))
        _ = planner.handle(.settledSkip(skipped([10, 20], .suspended)))
        #expect(planner.watermark == at(25))
    }

    @Test("what still waits when the next is due has missed its deadline")
    func deadline() {
        var planner = planner([job()])
        _ = planner.handle(.tick(now: at(10)))
        #expect(
            planner.handle(.tick(now: at(20))) == [
                .withdraw(occurrence(10)), .skip(skipped([10], .deadline)),
                .dispatch(occurrence(20)), .alarm(at: at(30)),
            ])
        // The skip has no row yet.
        _ = planner.handle(.settled(occurrence(20)))
        #expect(planner.watermark == at(9))
        _ = planner.handle(.settledSkip(skipped([10], .deadline)))
        #expect(planner.watermark == at(20))
    }

    @Test("what a worker has taken has no deadline any more, unless it is handed back")
    func startedAndReturned() {
        var planner = planner([job()])
        _ = planner.handle(.tick(now: at(10)))
        _ = planner.handle(.started(occurrence(10)))
        #expect(planner.handle(.returned(occurrence(10))) == [])
        _ = planner.handle(.started(occurrence(10)))
        #expect(
            planner.handle(.tick(now: at(20))) == [.dispatch(occurrence(20)), .alarm(at: at(30))])
        #expect(
            planner.handle(.returned(occurrence(10))) == [
                .withdraw(occurrence(10)), .skip(skipped([10], .deadline)),
            ])
        #expect(planner.handle(.returned(occurrence(10))) == [], "it is no longer on its way")
    }

    @Test("the watermark is held back by the earliest without a row, of all jobs")
    func watermark() {
        var planner = planner([job("a", every: 10), job("b", every: 15)])
        #expect(planner.watermark == at(0))
        _ = planner.handle(.tick(now: at(12)))
        _ = planner.handle(.started(occurrence(10, "a")))
        _ = planner.handle(.tick(now: at(21)))
        #expect(planner.watermark == at(9))
        _ = planner.handle(.settled(occurrence(20, "a")))
        #expect(planner.watermark == at(9))
        _ = planner.handle(.settled(occurrence(10, "a")))
        #expect(planner.watermark == at(14))
        _ = planner.handle(.settled(occurrence(15, "b")))
        #expect(planner.watermark == at(21))
        _ = planner.handle(.tick(now: at(29)))
        #expect(planner.watermark == at(29))
    }

    @Test("the same instant of two jobs holds until both have their rows")
    func sharedInstant() {
        var planner = planner([job("a"), job("b")])
        _ = planner.handle(.tick(now: at(10)))
        _ = planner.handle(.settled(occurrence(10, "a")))
        _ = planner.handle(.settled(occurrence(10, "a")))
        #expect(planner.watermark == at(9))
        _ = planner.handle(.settled(occurrence(10, "b")))
        #expect(planner.watermark == at(10))
    }

    @Test("rows of unknown occurrences change nothing")
    func unknownRows() {
        var planner = planner([job()])
        _ = planner.handle(.tick(now: at(10)))
        #expect(planner.handle(.settled(occurrence(20))) == [])
        #expect(planner.handle(.settled(occurrence(10, "other"))) == [])
        #expect(planner.handle(.settledSkip(skipped([10], .deadline))) == [])
        #expect(planner.handle(.started(occurrence(10, "other"))) == [])
        #expect(planner.handle(.returned(occurrence(10, "other"))) == [])
        #expect(planner.watermark == at(9))
    }

    @Test("jobs due at one instant are dispatched in the order of the schedule")
    func order() {
        var planner = planner([job("z"), job("a"), job("m", every: 5)])
        let names = planner.handle(.tick(now: at(10))).compactMap { action -> String? in
            guard case .dispatch(let occurrence) = action else { return nil }
            return occurrence.job
        }
        #expect(names == ["m", "z", "a"])
    }

    @Test("a clock that goes back is reported once and dispatches nothing again")
    func clockBack() {
        var planner = planner([job()])
        _ = planner.handle(.tick(now: at(3_600)))
        let back = planner.handle(.tick(now: at(5)))
        #expect(back == [.clockWentBack(from: at(3_600), to: at(5)), .alarm(at: at(3_610))])
        for second in stride(from: Int64(6), through: 3_609, by: 7) {
            #expect(planner.handle(.tick(now: at(second))) == [.alarm(at: at(3_610))])
        }
        let actions = planner.handle(.tick(now: at(3_610)))
        #expect(actions.contains(.dispatch(occurrence(3_610))))
        #expect(planner.watermark == at(9))
    }

    @Test("a clock behind the stored watermark is reported and doubles nothing")
    func clockBehindLedger() {
        var planner = Planner(watermark: at(100))
        #expect(
            planner.handle(.schedule([job()], now: at(50))) == [
                .clockWentBack(from: at(100), to: at(50)), .alarm(at: at(110)),
            ])
        #expect(planner.watermark == at(100))
    }

    @Test("a job that is new while the clock is back runs by that clock")
    func newWhileBack() {
        var planner = planner([job()])
        _ = planner.handle(.tick(now: at(1_000)))
        let actions = planner.handle(
            .schedule([job(), job("new", every: 7, from: 500)], now: at(500)))
        #expect(actions == [.clockWentBack(from: at(1_000), to: at(500)), .alarm(at: at(504))])
        #expect(
            planner.handle(.tick(now: at(504))).contains(.dispatch(occurrence(504, "new"))))
    }

    @Test("after a restart what is behind the watermark is given out again")
    func restart() {
        var first = planner([job()])
        _ = first.handle(.tick(now: at(10)))
        _ = first.handle(.tick(now: at(20)))
        let stored = first.watermark
        #expect(stored == at(9))
        var second = Planner(watermark: stored)
        #expect(
            second.handle(.schedule([job()], now: at(25))) == [
                .skip(skipped([10], .coalesced)), .dispatch(occurrence(20, "job", .catchUp)),
                .alarm(at: at(30)),
            ])
    }

    @Test("nothing at or before a job's first moment is due")
    func accountedFrom() {
        var planner = Planner(watermark: at(0))
        let actions = planner.handle(
            .schedule([job("a", from: 20), job("b", from: 19), job("c", from: 99)], now: at(20)))
        #expect(actions == [.dispatch(occurrence(20, "b")), .alarm(at: at(30))])
        #expect(
            planner.handle(.tick(now: at(100))).contains(.dispatch(occurrence(100, "c"))))
    }

    @Test("a job that never fires asks for no alarm")
    func never() throws {
        let never = Recurrence.cron(try CronExpression("0 0 30 2 *"), .utc)
        var planner = Planner(watermark: at(0))
        let jobs = [PlannedJob(name: "never", recurrence: never, accountedFrom: at(0))]
        #expect(planner.handle(.schedule(jobs, now: at(0))) == [.alarm(at: nil)])
        _ = planner.handle(.tick(now: at(99)))
        #expect(planner.watermark == at(99))
    }

    @Test("a hundred thousand jobs cost what is due")
    func manyJobs() {
        let jobs = (0..<100_000).map { job("job-\($0)", every: 3_600 + Int64($0) * 10) }
        var planner = Planner(watermark: at(0))
        _ = planner.handle(.schedule(jobs, now: at(0)))
        let actions = planner.handle(.tick(now: at(3_600)))
        #expect(actions == [.dispatch(occurrence(3_600, "job-0")), .alarm(at: at(3_610))])
        for step in 361...1_360 as ClosedRange<Int64> {
            let actions = planner.handle(.tick(now: at(step * 10)))
            #expect(actions.count <= 9)
        }
    }
}
