import Testing

@testable import Scheduling

@Suite("The planner and what was missed")
struct PlannerCatchUpTests {
    private static func at(_ seconds: Int64) -> Instant { Instant(secondsSinceEpoch: seconds) }

    private static func job(
        _ recurrence: Recurrence = .every(seconds: 60, anchor: at(0)),
        _ catchUp: CatchUp = .usual, deadline: StartingDeadline = .untilNext,
        name: String = "job", offset: StartOffset = .none
    ) -> PlannedJob {
        PlannedJob(
            name: name, recurrence: recurrence, accountedFrom: at(0), startOffset: offset,
            startingDeadline: deadline, catchUp: catchUp)
    }

    /// What becomes of each instant: `run`, `queued`, `held` or the reason of its skip.
    private static func fates(of actions: [Planner.Action]) -> [Int64: String] {
        var fates: [Int64: String] = [:]
        for action in actions {
            switch action {
            case .dispatch(let occurrence):
                let isCatchUp = occurrence.origin == .catchUp
                fates[occurrence.scheduledFor.secondsSinceEpoch] = isCatchUp ? "caught up" : "run"
            case .withdraw(let occurrence): fates[occurrence.scheduledFor.secondsSinceEpoch] = nil
            case .queue(let queued):
                for instant in queued.instants {
                    fates[instant.secondsSinceEpoch] = queued.isHeld ? "held" : "queued"
                }
            case .skip(let skipped):
                var next: Instant? = skipped.first
                let listed = skipped.instants ?? []
                #expect(listed.isEmpty || listed.count == skipped.count)
                while let instant = next, instant <= skipped.last {
                    fates[instant.secondsSinceEpoch] = skipped.reason.rawValue
                    next = listed.first { $0 > instant }
                    if listed.isEmpty { next = instant.advanced(bySeconds: 60) }
                }
            case .heldBack, .clockWentBack, .alarm: break
            }
        }
        return fates
    }

    /// A process that starts again after jobs were missed.
    private static func start(
        _ jobs: [PlannedJob], now: Int64, backlogLimit: Int? = nil
    ) -> (Planner, [Planner.Action]) {
        var planner = Planner(watermark: at(0), backlogLimit: backlogLimit)
        let version = ScheduleVersion(since: at(0), jobs: jobs)
        var actions = planner.handle(.resume([version], now: at(now)))
        actions += planner.handle(.schedule(jobs, now: at(now)))
        return (planner, actions)
    }

    @Test(
        "after 36 missed ticks none, one or all of them run, and all are accounted for",
        arguments: [
            (CatchUp(.none), 0, 0), (CatchUp(.latest), 1, 0), (CatchUp(.all), 0, 36),
            (CatchUp(.all, max: 5), 0, 5), (CatchUp(.all, windowSeconds: 600), 0, 10),
            (CatchUp(.all, windowSeconds: 0), 0, 1),
        ])
    func thirtySix(catchUp: CatchUp, dispatched: Int, queued: Int) {
        // Down until half a minute after the last of them.
        let (planner, actions) = Self.start(
            [Self.job(.every(seconds: 60, anchor: Self.at(0)), catchUp)], now: 36 * 60 + 30)
        let fates = Self.fates(of: actions)
        #expect(fates.count == 36)
        #expect(fates.values.filter { $0 == "caught up" }.count == dispatched)
        #expect(fates.values.filter { $0 == "queued" }.count == queued)
        #expect(fates.values.filter { $0 == "coalesced" }.count == 36 - dispatched - queued)
        let instants = actions.compactMap { action -> [Instant]? in
            if case .queue(let occurrences) = action { occurrences.instants } else { nil }
        }.joined()
        #expect(Array(instants) == instants.sorted(), "the oldest first")
        #expect(planner.watermark == Self.at(59), "nothing has its row yet")
    }

    @Test("what is queued holds the watermark back until its rows are written")
    func settled() {
        let job = Self.job(.every(seconds: 60, anchor: Self.at(0)), CatchUp(.all))
        var (planner, actions) = Self.start([job], now: 200)
        #expect(planner.watermark == Self.at(59))
        for case .queue(let queued) in actions {
            for occurrence in queued.occurrences { _ = planner.handle(.settled(occurrence)) }
        }
        #expect(planner.watermark == Self.at(200))
        actions = planner.handle(.tick(now: Self.at(240)))
        #expect(Self.fates(of: actions) == [240: "run"])
    }

    @Test(
        "under none nothing is dropped that is hardly late, so that nodes can replace one another")
    func hardlyLate() {
        for (now, fate) in [(60, "run"), (70, "run"), (71, "coalesced"), (119, "coalesced")] {
            let (_, actions) = Self.start(
                [Self.job(.every(seconds: 60, anchor: Self.at(0)), CatchUp(.none))],
                now: Int64(now))
            #expect(Self.fates(of: actions) == [60: fate], "\(now)")
        }
    }

    @Test("a process that goes on under none runs the latest, however late its tick")
    func lateTick() {
        var planner = Planner(watermark: Self.at(0))
        let job = Self.job(.every(seconds: 60, anchor: Self.at(0)), CatchUp(.none))
        _ = planner.handle(.schedule([job], now: Self.at(0)))
        let actions = planner.handle(.tick(now: Self.at(150)))
        #expect(Self.fates(of: actions) == [60: "coalesced", 120: "caught up"])
    }

    @Test(
        "later than its deadline an occurrence does not start, and until then it may",
        arguments: [
            (89, [60: "run"]), (90, [60: "run"]), (91, [60: "deadline"]),
            (150, [60: "deadline", 120: "caught up"]),
            (151, [60: "deadline", 120: "deadline"]),
        ] as [(Int64, [Int64: String])])
    func deadline(now: Int64, fates: [Int64: String]) {
        for policy in CatchUp.Policy.allCases {
            let job = Self.job(
                .every(seconds: 60, anchor: Self.at(0)), CatchUp(policy), deadline: .seconds(30))
            let (_, actions) = Self.start([job], now: now)
            let found = Self.fates(of: actions).mapValues { $0 == "queued" ? "run" : $0 }
            let expected =
                policy == .all ? fates.mapValues { $0 == "caught up" ? "run" : $0 } : fates
            #expect(found == expected, "\(policy)")
        }
    }

    @Test("with a deadline of its own an occurrence waits for a worker past the job's next one")
    func waitsOn() {
        var planner = Planner(watermark: Self.at(0))
        let job = Self.job(.every(seconds: 10, anchor: Self.at(0)), deadline: .seconds(25))
        _ = planner.handle(.schedule([job], now: Self.at(0)))
        var seen: [Planner.Action] = []
        for second in stride(from: Int64(10), through: 30, by: 10) {
            seen += planner.handle(.tick(now: Self.at(second)))
        }
        #expect(Self.fates(of: seen) == [10: "run", 20: "run", 30: "run"])
        #expect(planner.alarm == Self.at(36), "to take the first one back")
        #expect(Self.fates(of: planner.handle(.tick(now: Self.at(35)))) == [:])
        let first = Occurrence(job: "job", scheduledFor: Self.at(10))
        let actions = planner.handle(.tick(now: Self.at(36)))
        #expect(actions.first == .withdraw(first))
        #expect(Self.fates(of: actions) == [10: "deadline"])
        _ = planner.handle(.started(Occurrence(job: "job", scheduledFor: Self.at(20))))
        #expect(planner.alarm == Self.at(40))
        #expect(Self.fates(of: planner.handle(.tick(now: Self.at(50)))).keys.sorted() == [40, 50])
        // Not the one that a worker has, and it comes back too late.
        let back = planner.handle(.returned(Occurrence(job: "job", scheduledFor: Self.at(20))))
        #expect(Self.fates(of: back) == [20: "deadline"])
    }

    @Test("without any deadline an occurrence waits for a worker for ever")
    func waitsForEver() {
        var planner = Planner(watermark: Self.at(0))
        let job = Self.job(.every(seconds: 10, anchor: Self.at(0)), deadline: .none)
        _ = planner.handle(.schedule([job], now: Self.at(0)))
        var seen: [Planner.Action] = []
        for second in stride(from: Int64(10), through: 90, by: 10) {
            seen += planner.handle(.tick(now: Self.at(second)))
        }
        #expect(Self.fates(of: seen).values.allSatisfy { $0 == "run" })
        #expect(Self.fates(of: seen).count == 9)
        let gone = planner.handle(.schedule([], now: Self.at(95)))
        #expect(Self.fates(of: gone).values.filter { $0 == "superseded" }.count == 9)
    }

    // MARK: The brake

    @Test(
        "more of the past than the limit is held, all of it, and the present goes on",
        arguments: [(3, false), (2, true), (0, true)])
    func brake(limit: Int, isHeld: Bool) {
        let jobs = (1...3).map { number in
            Self.job(.every(seconds: 3_600, anchor: Self.at(0)), name: "j\(number)")
        }
        let now = Self.job(.every(seconds: 60, anchor: Self.at(0)), name: "now")
        let (planner, actions) = Self.start(jobs + [now], now: 7_200 + 120, backlogLimit: limit)
        let held = actions.compactMap { action -> String? in
            if case .queue(let queued) = action, queued.isHeld { queued.job } else { nil }
        }
        #expect(held == (isHeld ? ["j1", "j2", "j3"] : []))
        let dispatched = actions.compactMap { action -> String? in
            if case .dispatch(let occurrence) = action { occurrence.job } else { nil }
        }
        #expect(dispatched.sorted() == (isHeld ? ["now"] : ["j1", "j2", "j3", "now"]))
        let told = actions.contains(.heldBack(count: 3, limit: limit))
        #expect(told == isHeld)
        var next = planner
        let later = next.handle(.tick(now: Self.at(10_800)))
        #expect(
            later.filter { if case .dispatch = $0 { true } else { false } }.count == 4,
            "what comes due goes on")
    }

    @Test("after an outage without a restart the past is held as well, a tick on time never")
    func brakeOfTick() {
        let jobs = (1...5).map { number in
            Self.job(.every(seconds: 3_600, anchor: Self.at(0)), name: "j\(number)")
        }
        var planner = Planner(watermark: Self.at(0), backlogLimit: 2)
        _ = planner.handle(.schedule(jobs, now: Self.at(0)))
        let onTime = Self.held(planner.handle(.tick(now: Self.at(3_660))))
        #expect(onTime == 0)
        let late = planner.handle(.tick(now: Self.at(7_261)))
        #expect(Self.held(late) == 5)
        #expect(Self.held(planner.handle(.tick(now: Self.at(10_800)))) == 0)
    }

    @Test("a start that is late on purpose is not of the past") func brakeAndOffset() {
        let offset = StartOffset(isSpread: true)
        var planner = Planner(watermark: Self.at(0), backlogLimit: 0)
        let jobs = (1...20).map { number in
            Self.job(.every(seconds: 3_600, anchor: Self.at(0)), name: "j\(number)", offset: offset)
        }
        _ = planner.handle(.schedule(jobs, now: Self.at(0)))
        var count = 0
        while let alarm = planner.alarm, alarm < Self.at(7_200) {
            for action in planner.handle(.tick(now: alarm)) {
                if case .heldBack = action { Issue.record("held at \(alarm)") }
                if case .dispatch = action { count += 1 }
            }
        }
        #expect(count == 20)
    }

    private static func held(_ actions: [Planner.Action]) -> Int {
        actions.filter { if case .queue(let queued) = $0 { queued.isHeld } else { false } }.count
    }

    // MARK: The oracle

    @Test("does what a list of all instants says, whatever is missed") func oracle() {
        let seed = UInt64.random(in: .min ... .max)
        print("PlannerCatchUpTests: seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for round in 0..<3_000 {
            let period = Int64.random(in: 1...90, using: &generator)
            let now = Int64.random(in: 1...4_000, using: &generator)
            let policy = CatchUp.Policy.allCases.randomElement(using: &generator) ?? .all
            let catchUp = CatchUp(
                policy, windowSeconds: .random(in: 0...5_000, using: &generator),
                max: .random(in: 1...60, using: &generator))
            let seconds = Int64.random(in: 0...300, using: &generator)
            let deadline: StartingDeadline =
                [.untilNext, .none, .seconds(seconds)].randomElement(using: &generator) ?? .none
            let isStart = Bool.random(using: &generator)
            let job = Self.job(
                .every(seconds: period, anchor: Self.at(0)), catchUp, deadline: deadline)
            let instants = Array(stride(from: period, through: now, by: Int(period)))
            let actions: [Planner.Action]
            if isStart {
                actions = Self.start([job], now: now).1
            } else {
                var planner = Planner(watermark: Self.at(0))
                _ = planner.handle(.schedule([job], now: Self.at(0)))
                actions = planner.handle(.tick(now: Self.at(now)))
            }
            var counts: [String: Int] = [:]
            for action in actions {
                switch action {
                case .dispatch: counts["run", default: 0] += 1
                case .queue(let queued): counts["run", default: 0] += queued.instants.count
                case .skip(let skipped):
                    counts[skipped.reason.rawValue, default: 0] += skipped.count
                default: break
                }
            }
            let expected = Self.expected(instants, catchUp, deadline, now: now, isStart: isStart)
            #expect(
                counts == expected,
                "seed \(seed), round \(round): every \(period), now \(now), \(catchUp), \(deadline)"
            )
            if counts != expected { return }
        }
    }

    private static func expected(
        _ instants: [Int64], _ catchUp: CatchUp, _ deadline: StartingDeadline, now: Int64,
        isStart: Bool
    ) -> [String: Int] {
        func isLate(_ instant: Int64) -> Bool {
            if case .seconds(let seconds) = deadline { instant + seconds < now } else { false }
        }
        var runs: Set<Int64> = []
        if let latest = instants.last, !isLate(latest) {
            switch catchUp.policy {
            case .latest: runs = [latest]
            case .none:
                let isTold = if case .seconds = deadline { true } else { false }
                if !isStart || isTold || now - latest <= 10 { runs = [latest] }
            case .all:
                let inWindow = instants.filter { $0 >= now - catchUp.windowSeconds && !isLate($0) }
                runs = Set(inWindow.suffix(catchUp.max)).union([latest])
            }
        }
        var counts: [String: Int] = [:]
        for instant in instants {
            let fate = runs.contains(instant) ? "run" : isLate(instant) ? "deadline" : "coalesced"
            counts[fate, default: 0] += 1
        }
        return counts
    }
}
