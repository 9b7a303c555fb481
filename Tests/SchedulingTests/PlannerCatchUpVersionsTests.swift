import Testing

@testable import Scheduling

@Suite("The planner and what was missed under several versions of a schedule")
struct PlannerCatchUpVersionsTests {
    private func at(_ seconds: Int64) -> Instant { Instant(secondsSinceEpoch: seconds) }

    private func job(
        _ recurrence: Recurrence, _ catchUp: CatchUp, deadline: StartingDeadline = .untilNext
    ) -> PlannedJob {
        PlannedJob(
            name: "job", recurrence: recurrence, accountedFrom: at(0), startingDeadline: deadline,
            catchUp: catchUp)
    }

    /// What runs after a start at 1000, when the schedule was changed at 500: dispatched or queued.
    private func runs(_ catchUp: CatchUp, _ deadline: StartingDeadline = .untilNext) -> [Int64] {
        let before = job(.every(seconds: 100, anchor: at(0)), catchUp, deadline: deadline)
        let after = job(.every(seconds: 200, anchor: at(50)), catchUp, deadline: deadline)
        var planner = Planner(watermark: at(0))
        let versions = [
            ScheduleVersion(since: at(0), jobs: [before]),
            ScheduleVersion(since: at(500), jobs: [after]),
        ]
        let actions = planner.handle(.resume(versions, now: at(1_000)))
        var runs: Set<Int64> = []
        for action in actions {
            switch action {
            case .dispatch(let occurrence): runs.insert(occurrence.scheduledFor.secondsSinceEpoch)
            case .withdraw(let occurrence): runs.remove(occurrence.scheduledFor.secondsSinceEpoch)
            case .queue(let queued): runs.formUnion(queued.instants.map(\.secondsSinceEpoch))
            default: break
            }
        }
        return runs.sorted()
    }

    @Test("latest is the latest of all versions, whatever the deadline")
    func latest() {
        #expect(runs(.usual) == [850])
        #expect(runs(.usual, .none) == [850])
        #expect(runs(.usual, .seconds(5_000)) == [850])
    }

    @Test("all has the instants of each version, in the window and in time")
    func all() {
        #expect(runs(CatchUp(.all)) == [100, 200, 300, 400, 500, 650, 850])
        #expect(runs(CatchUp(.all), .seconds(600)) == [400, 500, 650, 850])
        #expect(runs(CatchUp(.all, max: 1)) == [500, 850], "of each version")
    }

    @Test("none has nothing, unless it is in time by a deadline of the job's own")
    func none() {
        #expect(runs(CatchUp(.none)) == [])
        #expect(runs(CatchUp(.none), .seconds(150)) == [850])
        #expect(runs(CatchUp(.none), .seconds(149)) == [])
    }

    @Test("days that a calendar excludes count for nothing, and are told apart")
    func calendars() throws {
        let day: Int64 = 86_400
        // 1970-01-03 and 04 are a weekend.
        let weekend = DayCalendar(weekdays: try WeekdayRule("SAT,SUN"))
        let filter = CalendarFilter(exclude: [weekend], zone: .utc)
        let recurrence = Recurrence.filtered(.every(seconds: day / 2, anchor: at(0)), filter)
        let planned = job(recurrence, CatchUp(.all, windowSeconds: 30 * day))
        var planner = Planner(watermark: at(0))
        let actions = planner.handle(
            .resume([ScheduleVersion(since: at(0), jobs: [planned])], now: at(5 * day)))
        var counts: [String: Int] = [:]
        for action in actions {
            switch action {
            case .queue(let queued): counts["queued", default: 0] += queued.instants.count
            case .skip(let skipped): counts[skipped.reason.rawValue, default: 0] += skipped.count
            default: break
            }
        }
        #expect(counts == ["queued": 6, "excluded": 4])
    }

    @Test(
        "a job by a delay has nothing to catch up and is never too late",
        arguments: CatchUp.Policy.allCases, [StartingDeadline.untilNext, .seconds(1)])
    func delay(policy: CatchUp.Policy, deadline: StartingDeadline) {
        let planned = job(.after(seconds: 60), CatchUp(policy), deadline: deadline)
        var planner = Planner(watermark: at(0))
        let actions = planner.handle(
            .resume([ScheduleVersion(since: at(0), jobs: [planned])], now: at(1_000)))
        let dispatched = actions.filter { if case .dispatch = $0 { true } else { false } }
        #expect(dispatched.count == 1)
        #expect(planner.alarm == nil, "the next follows from its end")
        #expect(planner.handle(.tick(now: at(5_000))) == [.alarm(at: nil)])
    }
}
