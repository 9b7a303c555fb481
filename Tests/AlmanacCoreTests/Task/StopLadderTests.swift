import Testing

@testable import AlmanacCore

@Suite("The ladder by which a run is stopped")
struct StopLadderTests {
    /// A ladder, and what its actions were at which millisecond.
    private struct Climber {
        var ladder = StopLadder()
        var milliseconds = 0
        var deeds: [String] = []
        private var pause: (number: Int, milliseconds: Int)?

        mutating func tell(_ events: StopLadder.Event...) {
            for event in events { take(ladder.handle(event)) }
        }

        /// Lets every pause that is asked for pass, up to so many milliseconds from the beginning.
        mutating func wait(until end: Int = 100_000) {
            while let next = pause, milliseconds + next.milliseconds <= end {
                pause = nil
                milliseconds += next.milliseconds
                take(ladder.handle(.rang(next.number)))
            }
        }

        private mutating func take(_ actions: [StopLadder.Action]) {
            for action in actions {
                switch action {
                case .pause(let number, let duration):
                    pause = (number, Int(duration / .milliseconds(1)))
                case .cancel: deeds.append("\(milliseconds) cancel")
                case .terminateBackend: deeds.append("\(milliseconds) terminate")
                case .fence: deeds.append("\(milliseconds) fence")
                case .abandonHooks: deeds.append("\(milliseconds) abandon hooks")
                }
            }
        }
    }

    private static let whole = [
        "0 cancel", "80 cancel", "160 cancel", "240 cancel", "250 terminate", "400 fence",
    ]

    @Test(
        "is climbed to its end by a run that goes on, whatever it is in and whoever asked",
        arguments: [[StopLadder.Event.claimed], [.claimed, .committing]],
        [StopCause.deadline(seconds: 1), .shutdown, .request(by: "ada", reason: "no")])
    func wholeClimb(before: [StopLadder.Event], cause: StopCause) {
        var climber = Climber()
        // A commit that has begun counts as work as long as the server has not answered.
        for event in before { climber.tell(event) }
        climber.tell(.asked(cause))
        climber.wait()
        #expect(climber.deeds == Self.whole)
        #expect(climber.ladder.cause == cause)
    }

    @Test(
        "ends where the run does",
        arguments: [
            (0, ["0 cancel"]), (79, ["0 cancel"]), (80, ["0 cancel", "80 cancel"]),
            (249, Array(whole.prefix(4))), (250, Array(whole.prefix(5))),
            (399, Array(whole.prefix(5))), (400, whole),
        ])
    func end(milliseconds: Int, deeds: [String]) {
        for end in [StopLadder.Event.decided, .ended] {
            var climber = Climber()
            climber.tell(.claimed, .asked(.shutdown))
            climber.wait(until: milliseconds)
            climber.tell(end)
            climber.wait()
            #expect(climber.deeds == deeds)
        }
    }

    @Test("begins with the claim for a run that was asked before")
    func askedBefore() {
        var climber = Climber()
        climber.tell(.asked(.shutdown))
        #expect(climber.deeds == ["0 cancel"])
        climber.wait()
        #expect(climber.deeds == ["0 cancel"])
        climber.tell(.claimed)
        climber.wait()
        #expect(climber.deeds == ["0 cancel"] + Self.whole)
    }

    @Test("is not for a run whose outcome is known")
    func tooLate() {
        let endings: [[StopLadder.Event]] = [
            [.decided], [.committing, .decided], [.decided, .settled], [.ended], [.fenced],
        ]
        for events in endings {
            var climber = Climber()
            climber.tell(.claimed)
            for event in events { climber.tell(event) }
            climber.tell(.asked(.shutdown))
            #expect(climber.deeds.isEmpty, "\(events)")
            #expect(climber.ladder.cause == nil, "\(events)")
        }
    }

    @Test("is climbed once, for the first who asked")
    func onlyOnce() {
        var climber = Climber()
        climber.tell(.claimed, .asked(.deadline(seconds: 3)), .asked(.shutdown))
        climber.wait(until: 100)
        climber.tell(.asked(.shutdown), .claimed)
        climber.wait()
        #expect(climber.deeds == Self.whole)
        #expect(climber.ladder.cause == .deadline(seconds: 3))
    }

    @Test("a run that was asked does not get as far as its commit")
    func noCommit() {
        var ladder = StopLadder()
        _ = ladder.handle(.claimed)
        _ = ladder.handle(.asked(.shutdown))
        _ = ladder.handle(.committing)
        #expect(ladder.stage == .working)
    }

    @Test("a pause that belongs to what is over means nothing")
    func stalePause() {
        var ladder = StopLadder()
        _ = ladder.handle(.claimed)
        guard case .pause(let number, _)? = ladder.handle(.asked(.shutdown)).last else {
            Issue.record("no pause")
            return
        }
        #expect(ladder.handle(.rang(number - 1)).isEmpty)
        #expect(ladder.handle(.rang(number + 1)).isEmpty)
        #expect(ladder.handle(.rang(number)).first == .cancel)
        #expect(ladder.handle(.rang(number)).isEmpty)
    }

    @Test("hooks have a bound of their own, and after it the same rungs")
    func hooks() {
        for asked in [false, true] {
            var climber = Climber()
            climber.tell(.claimed)
            if asked { climber.tell(.asked(.shutdown)) }
            climber.tell(.decided, .settled)
            let before = climber.deeds
            climber.wait()
            let steps = [
                "30000 cancel", "30080 cancel", "30160 cancel", "30240 cancel", "30250 terminate",
                "30400 abandon hooks",
            ]
            #expect(Array(climber.deeds.dropFirst(before.count)) == steps)
        }
    }

    @Test("hooks that end in time are left alone")
    func shortHooks() {
        var climber = Climber()
        climber.tell(.claimed, .committing, .decided, .settled)
        climber.wait(until: 29_999)
        climber.tell(.ended)
        climber.wait()
        #expect(climber.deeds.isEmpty)
    }

    @Test("in a hurry all that is left comes at once")
    func hurry() {
        var asked = Climber()
        asked.tell(.claimed, .asked(.shutdown))
        asked.wait(until: 90)
        asked.tell(.hurried, .hurried)
        asked.wait()
        #expect(
            asked.deeds == [
                "0 cancel", "80 cancel", "80 cancel", "80 terminate", "80 fence",
            ])
        var hooks = Climber()
        hooks.tell(.claimed, .decided, .settled, .hurried)
        #expect(hooks.deeds == ["0 cancel", "0 terminate", "0 abandon hooks"])
        var unasked = Climber()
        unasked.tell(.hurried, .claimed, .hurried)
        #expect(unasked.deeds.isEmpty)
    }

    @Test(
        "whatever happens in whatever order, a run is given up once at most and not after its end")
    func anyOrder() {
        let seed = UInt64.random(in: .min ... .max)
        print("StopLadderTests: seed \(seed)")
        var random = Splitmix(state: seed)
        let events: [StopLadder.Event] = [
            .claimed, .asked(.shutdown), .hurried, .committing, .decided, .settled, .fenced, .ended,
        ]
        for _ in 1...20_000 {
            var ladder = StopLadder()
            var pause: Int?
            var isOver = false
            var givenUp = 0
            for _ in 1...24 {
                let pick = Int(random.next() % 16)
                let event =
                    pick < events.count ? events[pick] : pause.map { .rang($0) } ?? .claimed
                let stage = ladder.stage
                for action in ladder.handle(event) {
                    if case .pause(let number, _) = action { pause = number }
                    #expect(!isOver, "\(action) after the end, seed \(seed)")
                    if action == .fence {
                        givenUp += 1
                        #expect(stage == .working || stage == .committing)
                        #expect(ladder.cause != nil)
                    }
                }
                isOver = isOver || ladder.stage == .over || ladder.stage == .lost
            }
            #expect(givenUp <= 1, "seed \(seed)")
        }
    }
}

/// The generator of Steele, Lea and Flood (2014): a random sequence from a number.
private struct Splitmix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
