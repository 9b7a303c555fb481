import Testing

@testable import Scheduling

@Suite("Planner: delays, offsets and calendars")
struct PlannerTimesTests {
    /// 2026-01-01T00:00:00Z and some seconds.
    private func at(_ seconds: Int64) -> Instant {
        Instant("2026-01-01T00:00:00Z").advanced(bySeconds: seconds)
    }

    private func job(
        _ recurrence: Recurrence, _ name: String = "job", isSuspended: Bool = false,
        from: Int64 = 0, startOffset: StartOffset = .none, lastCompletion: Completion? = nil
    ) -> PlannedJob {
        PlannedJob(
            name: name, recurrence: recurrence, isSuspended: isSuspended, accountedFrom: at(from),
            startOffset: startOffset, lastCompletion: lastCompletion)
    }

    private func occurrence(
        _ seconds: Int64, _ origin: Occurrence.Origin = .schedule
    ) -> Occurrence {
        Occurrence(job: "job", scheduledFor: at(seconds), origin: origin)
    }

    private func skip(_ seconds: [Int64], _ reason: SkipReason) -> Planner.Action {
        .skip(
            SkippedOccurrences(
                job: "job", first: at(seconds[0]), last: at(seconds[seconds.count - 1]),
                count: seconds.count, reason: reason, instants: seconds.map(at)))
    }

    private func planner(_ job: PlannedJob, now: Int64 = 0) -> (Planner, [Planner.Action]) {
        var planner = Planner(watermark: at(0))
        let actions = planner.handle(.schedule([job], now: at(now)))
        return (planner, actions)
    }

    private let delay = Recurrence.after(seconds: 10)

    // MARK: Delays

    @Test("by a delay the first is due at once and the next follows from the end of the one before")
    func chain() {
        var (planner, actions) = planner(job(delay), now: 1)
        #expect(actions == [.dispatch(occurrence(1)), .alarm(at: nil)])
        #expect(planner.handle(.tick(now: at(500))) == [.alarm(at: nil)])
        _ = planner.handle(.started(occurrence(1)))
        #expect(
            planner.handle(.completed(occurrence(1), at: at(507))) == [.alarm(at: at(517))])
        #expect(planner.handle(.completed(occurrence(1), at: at(509))) == [], "old news")
        _ = planner.handle(.settled(occurrence(1)))
        #expect(
            planner.handle(.tick(now: at(530))) == [.dispatch(occurrence(517)), .alarm(at: nil)])
    }

    @Test("the first is due at startAt, and none after endAt")
    func bounds() {
        let bounded = Recurrence.bounded(delay, from: at(40), through: at(60))
        var (planner, actions) = planner(job(bounded))
        #expect(actions == [.alarm(at: at(40))])
        _ = planner.handle(.tick(now: at(40)))
        _ = planner.handle(.started(occurrence(40)))
        #expect(planner.handle(.completed(occurrence(40), at: at(50))) == [.alarm(at: at(60))])
        #expect(
            planner.handle(.tick(now: at(60))) == [.dispatch(occurrence(60)), .alarm(at: nil)])
        #expect(planner.handle(.completed(occurrence(60), at: at(60))) == [.alarm(at: nil)])
    }

    @Test("after a restart it follows from the end that the ledger knows")
    func restart() {
        let completion = Completion(scheduledFor: at(1), finishedAt: at(95))
        var planner = Planner(watermark: at(104))
        let actions = planner.handle(
            .schedule([job(delay, lastCompletion: completion)], now: at(104)))
        #expect(actions == [.alarm(at: at(105))])
        var late = Planner(watermark: at(200))
        // Another node may have moved the watermark on before it heard of the end.
        #expect(
            late.handle(.schedule([job(delay, lastCompletion: completion)], now: at(201)))
                == [.dispatch(occurrence(105)), .alarm(at: nil)])
    }

    @Test("news from another node moves it on, also past what waits here")
    func otherNode() {
        var (planner, _) = planner(job(delay), now: 1)
        #expect(planner.handle(.completed(occurrence(1), at: at(20))) == [.alarm(at: at(30))])
        #expect(planner.handle(.completed(occurrence(30), at: at(33))) == [.alarm(at: at(43))])
        #expect(
            planner.handle(.tick(now: at(43))) == [
                .withdraw(occurrence(1)), skip([1], .deadline), .dispatch(occurrence(43)),
                .alarm(at: nil),
            ])
        #expect(planner.handle(.completed(occurrence(30), at: at(90))) == [], "it is over")
    }

    @Test("a clock that went back does not stop it")
    func clockBack() {
        var (planner, _) = planner(job(delay), now: 1_000)
        #expect(planner.handle(.completed(occurrence(1), at: at(-500))) == [.alarm(at: at(11))])
    }

    @Test("what is suspended or excluded has ended at once")
    func skipped() throws {
        var (planner, actions) = planner(job(delay, isSuspended: true), now: 25)
        #expect(actions == [skip([1, 11, 21], .suspended), .alarm(at: at(31))])
        #expect(
            planner.handle(.schedule([job(delay)], now: at(30))) == [.alarm(at: at(31))])
        #expect(
            planner.handle(.tick(now: at(31))) == [.dispatch(occurrence(31)), .alarm(at: nil)])
        // Suspended while it waits.
        #expect(
            planner.handle(.schedule([job(delay, isSuspended: true)], now: at(32))) == [
                .withdraw(occurrence(31)), skip([31], .suspended), .alarm(at: at(41)),
            ])
    }

    @Test("a longer delay counts from the same end, and never brings an extra run")
    func changedDelay() {
        var (planner, _) = planner(job(delay), now: 1)
        let longer = Recurrence.after(seconds: 30)
        #expect(planner.handle(.schedule([job(longer)], now: at(3))) == [.alarm(at: nil)])
        #expect(planner.handle(.completed(occurrence(1), at: at(5))) == [.alarm(at: at(35))])
        let shorter = Recurrence.after(seconds: 20)
        #expect(planner.handle(.schedule([job(shorter)], now: at(6))) == [.alarm(at: at(25))])
        let rate = Recurrence.every(seconds: 100, anchor: at(0))
        #expect(planner.handle(.schedule([job(rate)], now: at(7))) == [.alarm(at: at(100))])
        #expect(planner.handle(.completed(occurrence(1), at: at(9))) == [], "no delay any more")
    }

    @Test("an end that was not heard of comes with the next schedule")
    func newsBySchedule() {
        var (planner, _) = planner(job(delay), now: 1)
        let news = Completion(scheduledFor: at(1), finishedAt: at(8))
        #expect(
            planner.handle(.schedule([job(delay, lastCompletion: news)], now: at(9)))
                == [.alarm(at: at(18))])
    }

    // MARK: Offsets

    @Test("an occurrence with an offset starts later, and the watermark waits for it")
    func offset() throws {
        let offset = StartOffset(isSpread: true)
        let rate = Recurrence.every(seconds: 100, anchor: at(0))
        let later = offset.seconds(job: "job", at: at(100), next: at(200))
        try #require(later > 0 && later < 100)
        var (planner, actions) = planner(job(rate, startOffset: offset))
        #expect(actions == [.alarm(at: at(100 + later))])
        #expect(
            planner.handle(.tick(now: at(100 + later - 1))) == [.alarm(at: at(100 + later))])
        #expect(planner.watermark == at(99))
        #expect(
            planner.handle(.tick(now: at(100 + later))) == [
                .dispatch(occurrence(100)), .alarm(at: at(200 + later)),
            ])
        _ = planner.handle(.settled(occurrence(100)))
        #expect(planner.watermark == at(100 + later))
    }

    @Test("after downtime the latest whose start has come is dispatched")
    func lateOffset() {
        let offset = StartOffset(isSpread: true)
        let rate = Recurrence.every(seconds: 100, anchor: at(0))
        let later = offset.seconds(job: "job", at: at(100), next: at(200))
        let (_, actions) = planner(job(rate, startOffset: offset), now: 300 + later - 1)
        #expect(
            actions == [
                skip([100], .coalesced), .dispatch(occurrence(200, .catchUp)),
                .alarm(at: at(300 + later)),
            ])
    }

    @Test("what is due and has not started is given out when the job changes or goes")
    func changedOffset() {
        let rate = Recurrence.every(seconds: 100, anchor: at(0))
        let offset = StartOffset(isSpread: true)
        for new in [[], [job(.every(seconds: 7, anchor: at(0)))]] {
            var (planner, _) = planner(job(rate, startOffset: offset))
            _ = planner.handle(.tick(now: at(100)))
            let actions = planner.handle(.schedule(new, now: at(101)))
            #expect(
                actions
                    == (new.isEmpty
                        ? [skip([100], .superseded), .alarm(at: nil)]
                        : [.dispatch(occurrence(100)), .alarm(at: at(105))]))
        }
        // Another offset for the same times only moves the start.
        var (planner, _) = planner(job(rate, startOffset: offset))
        _ = planner.handle(.tick(now: at(100)))
        #expect(
            planner.handle(.schedule([job(rate)], now: at(101))) == [
                .dispatch(occurrence(100)), .alarm(at: at(200)),
            ])
    }

    // MARK: Calendars and gaps

    @Test("what calendars exclude is accounted for, in order with what runs")
    func excluded() throws {
        let daily = Recurrence.cron(try CronExpression("0 6 * * *"), .utc)
        let days = ["2026-01-01", "2026-01-04"].compactMap { CivilDate(iso8601: $0) }
        let filter = CalendarFilter(exclude: [DayCalendar(dates: days)], zone: .utc)
        let six = { (day: Int64) in day * 86_400 - 86_400 + 21_600 }
        let (_, actions) = planner(job(.filtered(daily, filter)), now: six(4) + 1)
        #expect(
            actions == [
                skip([six(1)], .excluded), skip([six(2)], .coalesced),
                .dispatch(occurrence(six(3), .catchUp)), skip([six(4)], .excluded),
                .alarm(at: at(six(5))),
            ])
        var (waiting, _) = planner(job(.filtered(daily, filter)), now: six(3))
        #expect(
            waiting.handle(.tick(now: at(six(4)))) == [
                skip([six(4)], .excluded), .alarm(at: at(six(5))),
            ], "what waits has time until the next that runs")
    }

    @Test("times that a gap drops are accounted for")
    func gap() throws {
        let policy = ClockChangePolicy(gap: .skip)
        let daily = Recurrence.cron(
            try CronExpression("30 2 * * *"), try Zone("Europe/Berlin"), policy)
        let end = Instant("2026-03-29T01:00:00Z")
        let seconds = end.seconds(since: at(0))
        var planner = Planner(watermark: end.advanced(bySeconds: -3_600))
        let planned = job(daily)
        #expect(
            planner.handle(.schedule([planned], now: end.advanced(bySeconds: 60))) == [
                skip([seconds], .dstGap), .alarm(at: Instant("2026-03-30T00:30:00Z")),
            ])
    }

    @Test("a year of excluded minutes is one range")
    func excludedYear() throws {
        let minutely = Recurrence.cron(try CronExpression("* * * * *"), .utc)
        let nothing = DayCalendar(weekdays: try WeekdayRule("*"))
        let filter = CalendarFilter(exclude: [nothing], zone: .utc)
        let recurrence = Recurrence.filtered(minutely, filter)
        let (_, actions) = planner(job(recurrence), now: 365 * 86_400)
        #expect(
            actions.first
                == .skip(
                    SkippedOccurrences(
                        job: "job", first: at(60), last: at(365 * 86_400), count: 365 * 1_440,
                        reason: .excluded, instants: nil, recurrence: recurrence)))
    }
}

@Suite("Offsets of starts")
struct StartOffsetTests {
    private let start = Instant("2026-01-01T00:00:00Z")

    private func next(_ seconds: Int64) -> Instant { start.advanced(bySeconds: seconds) }

    @Test("offsets are the same on every node and in every version")
    func stable() {
        let spread = StartOffset(isSpread: true)
        let jitter = StartOffset(jitterSeconds: 300)
        let names = ["rollup", "a", "job-1", "job-2", "nächtlich"]
        #expect(
            names.map { spread.seconds(job: $0, at: start, next: nil) }
                == [2367, 38, 3583, 2996, 3516])
        #expect(
            names.map { jitter.seconds(job: $0, at: start, next: nil) }
                == [237, 205, 169, 131, 166])
    }

    @Test("an occurrence starts before the next is due, and by no more than was asked for")
    func bounds() {
        var random = SeededGenerator.announced("start offsets")
        for _ in 0..<5_000 {
            let room = Int64(random.int(1...100_000))
            let offset = StartOffset(
                jitterSeconds: Int64(random.int(0...1_000)), isSpread: random.chance(0.5))
            let instant = start.advanced(bySeconds: Int64(random.int(0...10_000_000)))
            let seconds = offset.seconds(
                job: "job-\(random.int(0...99))", at: instant,
                next: random.chance(0.8) ? instant.advanced(bySeconds: room) : nil)
            let widest = offset.jitterSeconds + (offset.isSpread ? 3_599 : 0)
            #expect(seconds >= 0 && seconds <= widest)
            #expect(offset.isNone ? seconds == 0 : true)
            let again = offset.seconds(
                job: "job", at: instant, next: instant.advanced(bySeconds: room))
            #expect(again < room)
        }
        let most = StartOffset(jitterSeconds: .max, isSpread: true)
        #expect(most.seconds(job: "a", at: start, next: nil) >= 0)
        #expect(StartOffset(jitterSeconds: -5).isNone && StartOffset.none.isNone)
    }

    @Test("jobs are spread evenly, and one job always alike")
    func even() {
        let spread = StartOffset(isSpread: true)
        var hits = Array(repeating: 0, count: 10)
        for number in 0..<10_000 {
            let name = "job-\(number)"
            let seconds = spread.seconds(job: name, at: start, next: next(86_400))
            hits[Int(seconds / 360)] += 1
            #expect(spread.seconds(job: name, at: next(7), next: nil) == seconds)
        }
        #expect(hits.allSatisfy { (850...1_150).contains($0) }, "\(hits)")
        let jitter = StartOffset(jitterSeconds: 9)
        var drawn = Array(repeating: 0, count: 10)
        for second in 0..<10_000 {
            drawn[Int(jitter.seconds(job: "job", at: next(Int64(second)), next: nil))] += 1
        }
        #expect(drawn.allSatisfy { (850...1_150).contains($0) }, "\(drawn)")
    }
}
