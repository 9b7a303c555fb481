import Testing

@testable import Scheduling

/// A process that starts again gives out what the one before would have given out.
@Suite("Planner: starting again with all kinds of times")
struct PlannerResumeTests {
    private func at(_ seconds: Int64) -> Instant {
        Instant("2026-01-01T00:00:00Z").advanced(bySeconds: seconds)
    }

    private func job(
        _ recurrence: Recurrence, from: Int64 = 0, startOffset: StartOffset = .none,
        lastCompletion: Completion? = nil
    ) -> PlannedJob {
        PlannedJob(
            name: "job", recurrence: recurrence, accountedFrom: at(from),
            startOffset: startOffset, lastCompletion: lastCompletion)
    }

    private func dispatch(
        _ seconds: Int64, _ origin: Occurrence.Origin = .schedule
    ) -> Planner.Action {
        .dispatch(Occurrence(job: "job", scheduledFor: at(seconds), origin: origin))
    }

    private func skip(_ seconds: [Int64], _ reason: SkipReason) -> Planner.Action {
        .skip(
            SkippedOccurrences(
                job: "job", first: at(seconds[0]), last: at(seconds[seconds.count - 1]),
                count: seconds.count, reason: reason, instants: seconds.map(at)))
    }

    private func resume(
        _ versions: [(since: Int64, job: PlannedJob)], watermark: Int64, now: Int64
    ) -> [Planner.Action] {
        var planner = Planner(watermark: at(watermark))
        let versions = versions.map { ScheduleVersion(since: at($0.since), jobs: [$0.job]) }
        return planner.handle(.resume(versions, now: at(now)))
    }

    @Test("an occurrence that was due and had not started starts when it would have")
    func delayed() {
        let offset = StartOffset(isSpread: true)
        let rate = Recurrence.every(seconds: 100, anchor: at(0))
        let later = offset.seconds(job: "job", at: at(100), next: at(200))
        let version = (since: Int64(0), job: job(rate, startOffset: offset))
        #expect(
            resume([version], watermark: 99, now: 100 + later - 1) == [
                .alarm(at: at(100 + later))
            ])
        #expect(
            resume([version], watermark: 99, now: 100 + later) == [
                dispatch(100), .alarm(at: at(200 + later)),
            ])
    }

    @Test("an offset that ended with its schedule starts the occurrence at the change")
    func changedWhileDelayed() {
        let offset = StartOffset(isSpread: true)
        let old = job(.every(seconds: 100, anchor: at(0)), startOffset: offset)
        let new = job(.every(seconds: 1_000, anchor: at(0)), from: 101)
        #expect(
            resume([(0, old), (101, new)], watermark: 99, now: 150) == [
                dispatch(100), .alarm(at: at(1_000)),
            ])
    }

    @Test("a delay goes on from the end in the ledger, by the version in force then")
    func delay() {
        let end = Completion(scheduledFor: at(5), finishedAt: at(20))
        let short = job(.after(seconds: 10), lastCompletion: end)
        let long = job(.after(seconds: 60), from: 25, lastCompletion: end)
        #expect(
            resume([(0, short)], watermark: 20, now: 25) == [.alarm(at: at(30))])
        #expect(
            resume([(0, short)], watermark: 20, now: 500) == [dispatch(30), .alarm(at: nil)])
        // Changed before it was due, and after.
        #expect(
            resume([(0, short), (25, long)], watermark: 20, now: 500) == [
                dispatch(80), .alarm(at: nil),
            ])
        #expect(
            resume([(0, short), (40, long)], watermark: 20, now: 500) == [
                dispatch(30), .alarm(at: nil),
            ])
    }

    @Test("a schedule that becomes a delay begins with the change, or the delay after its last end")
    func becomesDelay() {
        let rate = job(.every(seconds: 100, anchor: at(0)))
        #expect(
            resume(
                [(0, rate), (150, job(.after(seconds: 30), from: 150))], watermark: 99, now: 160)
                == [
                    skip([100], .deadline), dispatch(151), .alarm(at: nil),
                ])
        let end = Completion(scheduledFor: at(100), finishedAt: at(140))
        let delay = job(.after(seconds: 30), from: 150, lastCompletion: end)
        #expect(
            resume([(0, rate), (150, delay)], watermark: 149, now: 160) == [.alarm(at: at(170))])
    }

    @Test("excluded days of the time without a scheduler are accounted for by their version")
    func excluded() throws {
        let daily = Recurrence.cron(try CronExpression("0 6 * * *"), .utc)
        let second = try #require(CivilDate(iso8601: "2026-01-02"))
        let third = try #require(CivilDate(iso8601: "2026-01-03"))
        func excluding(_ day: CivilDate, from: Int64) -> PlannedJob {
            let filter = CalendarFilter(exclude: [DayCalendar(dates: [day])], zone: .utc)
            return job(.filtered(daily, filter), from: from)
        }
        let day: Int64 = 86_400
        let six: Int64 = 21_600
        let actions = resume(
            [(0, excluding(second, from: 0)), (2 * day, excluding(third, from: 2 * day))],
            watermark: 0, now: 4 * day)
        #expect(
            actions == [
                skip([day + six], .excluded), skip([six], .deadline),
                skip([2 * day + six], .excluded), dispatch(3 * day + six),
                .alarm(at: at(4 * day + six)),
            ])
    }

    @Test("bounds end with the account, and nothing outside of them is accounted for")
    func bounded() {
        let rate = Recurrence.every(seconds: 10, anchor: at(0))
        let bounded = job(.bounded(rate, from: at(30), through: at(50)))
        #expect(
            resume([(0, bounded)], watermark: 0, now: 1_000) == [
                skip([30, 40], .coalesced), dispatch(50, .catchUp), .alarm(at: nil),
            ])
        #expect(resume([(0, bounded)], watermark: 50, now: 1_000) == [.alarm(at: nil)])
    }
}
