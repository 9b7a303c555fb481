import AlmanacCore
import Scheduling

/// A kind of trouble.
package enum NightTrouble: String, Sendable, CaseIterable {
    /// A node is killed and started again.
    case crash
    /// A node is stopped in order, and started again.
    case stop
    /// A node is stopped by SIGSTOP for a while.
    case pause
    /// A machine cannot reach the server for a while.
    case cut
    /// A clock is set.
    case clock
    /// The server is stopped or crashes, or ends a backend.
    case server
    /// Statements or answers are lost, or late.
    case wires
    /// Another schedule is put in force, everywhere or not.
    case schedule
    /// The operator pauses jobs, decides, or cancels a run.
    case orders
    /// No node lives for a while.
    case outage
}

/// What goes wrong in a night, and when. Drawn from the seed before the night begins.
struct NightPlan {
    /// Something that happens.
    enum Deed {
        case crash(machine: Int)
        case start(machine: Int)
        case stop(machine: Int)
        case stopAtOnce(machine: Int)
        case pause(machine: Int)
        case resume(machine: Int)
        case cutOff(machine: Int)
        case connect(machine: Int)
        case setClock(machine: Int, offset: SimulatedTime)
        case serverDown(isCrash: Bool)
        case serverUp
        case endBackend
        case lossy(Double)
        case slow(Double)
        case deploy(SimulatedSchedule)
        case install(SimulatedSchedule, machine: Int)
        case pauseJob(String)
        case resumeJobs
        case decide(BacklogDecision)
        case cancelRun
    }

    let start: SimulatedTime
    /// When things stop going wrong.
    let healing: SimulatedTime
    let machineCount: Int
    let options: SchedulerOptions
    let driftsPerMillion: [Int64]
    let first: SimulatedSchedule
    private(set) var deeds: [(moment: SimulatedTime, deed: Deed)] = []
    private(set) var schedules: [SimulatedSchedule] = []

    private var random: SimulatedRandom

    /// Around these nights clocks change, or they do not.
    private static let nights: [StaticString] = [
        "2026-03-28T23:10:00Z", "2026-10-24T23:20:00Z", "2026-03-08T05:30:00Z",
        "2026-11-01T04:30:00Z", "2026-04-04T13:30:00Z", "2026-10-03T14:00:00Z",
        "2026-06-17T22:00:00Z", "2026-12-31T22:30:00Z",
    ]

    init(
        site: SimulatedSite, random: SimulatedRandom, troubles: Set<NightTrouble>
    ) throws {
        self.random = random
        let night = Instant(iso8601: "\(self.random.pick(Self.nights))") ?? .distantPast
        start = .seconds(night.secondsSinceEpoch) + SimulatedTime(self.random.int(0...999_999))
        healing = start + self.random.span(.minutes(20) ... .minutes(240))
        machineCount = self.random.int(1...3)
        var options = SchedulerOptions()
        options.workers = self.random.int(1...4)
        options.orphanCheckSeconds = self.random.pick([20, 60])
        options.gracePeriodSeconds = self.random.pick([2, 30])
        if self.random.chance(0.3) { options.backlogLimit = self.random.int(1...12) }
        self.options = options
        let isDrifting = self.random.chance(0.5)
        var drifts: [Int64] = []
        for _ in 0..<3 { drifts.append(isDrifting ? Int64(self.random.int(-300...300)) : 0) }
        driftsPerMillion = drifts
        first = try site.makeSchedule(path: "0.yaml", like: nil, &self.random)
        schedules = [first]
        try drawDeeds(site, troubles)
        deeds.sort { $0.moment < $1.moment }
    }

    private mutating func machine() -> Int { random.int(0...machineCount - 1) }

    /// Half of them at the minutes at which most happens anyway.
    private mutating func moment() -> SimulatedTime {
        let moment = start + SimulatedTime(random.int(0...Int(healing - start)))
        guard random.chance(0.5) else { return moment }
        return moment - moment % .minutes(1) + random.span(1 ... .seconds(5))
    }

    private mutating func add(_ deed: Deed, at moment: SimulatedTime) {
        if moment < healing { deeds.append((moment, deed)) }
    }

    /// Of each kind of trouble a night has some or none: nights with all of them at once would
    /// never get far enough for what needs a longer story.
    private mutating func drawDeeds(
        _ site: SimulatedSite, _ troubles: Set<NightTrouble>
    ) throws {
        var source = random
        for trouble in NightTrouble.allCases {
            // From numbers of its own: a night without it is the same night otherwise.
            random = source.fork()
            guard random.chance(0.4), troubles.contains(trouble) else { continue }
            for _ in 1...random.int(1...5) { try draw(trouble, site) }
        }
    }

    private mutating func draw(_ trouble: NightTrouble, _ site: SimulatedSite) throws {
        switch trouble {
        case .crash: drawCrash()
        case .stop: drawStop()
        case .pause: drawPause()
        case .cut: drawCut()
        case .clock: drawClock()
        case .server: drawServer()
        case .wires: drawWires()
        case .schedule: try drawSchedule(site)
        case .orders: drawOrders()
        case .outage: drawOutage()
        }
    }

    private mutating func drawCrash() {
        let (machine, moment) = (machine(), moment())
        add(.crash(machine: machine), at: moment)
        add(.start(machine: machine), at: moment + random.span(.seconds(1) ... .minutes(40)))
    }

    private mutating func drawStop() {
        let (machine, moment) = (machine(), moment())
        add(.stop(machine: machine), at: moment)
        if random.chance(0.5) {
            add(.stopAtOnce(machine: machine), at: moment + random.span(1 ... .seconds(20)))
        }
        add(.start(machine: machine), at: moment + random.span(.seconds(36) ... .minutes(20)))
    }

    private mutating func drawPause() {
        let (machine, moment) = (machine(), moment())
        add(.pause(machine: machine), at: moment)
        add(.resume(machine: machine), at: moment + random.span(.seconds(1) ... .minutes(60)))
    }

    private mutating func drawCut() {
        let (machine, moment) = (machine(), moment())
        add(.cutOff(machine: machine), at: moment)
        add(.connect(machine: machine), at: moment + random.span(.seconds(1) ... .minutes(30)))
    }

    private mutating func drawClock() {
        let (machine, moment) = (machine(), moment())
        let size = random.span(.milliseconds(10) ... .minutes(60))
        add(
            .setClock(machine: machine, offset: random.chance(0.5) ? size : -size), at: moment)
        add(
            .setClock(machine: machine, offset: 0),
            at: moment + random.span(.seconds(1) ... .minutes(60)))
    }

    private mutating func drawServer() {
        let moment = moment()
        if random.chance(0.3) { return add(.endBackend, at: moment) }
        let isCrash = random.chance(0.5)
        add(.serverDown(isCrash: isCrash), at: moment)
        if isCrash, random.chance(0.3) {
            // They had the same plug.
            let machine = machine()
            add(.crash(machine: machine), at: moment)
            add(.start(machine: machine), at: moment + random.span(.seconds(5) ... .minutes(60)))
        }
        add(.serverUp, at: moment + random.span(.milliseconds(500) ... .minutes(10)))
    }

    private mutating func drawWires() {
        let moment = moment()
        let end = moment + random.span(.seconds(10) ... .minutes(30))
        let rate = random.pick([0.01, 0.05, 0.3])
        let isSlow = random.chance(0.5)
        add(isSlow ? .slow(rate) : .lossy(rate), at: moment)
        add(isSlow ? .slow(0) : .lossy(0), at: end)
    }

    private mutating func drawSchedule(_ site: SimulatedSite) throws {
        let moment = moment()
        let path = "\(schedules.count).yaml"
        let schedule =
            random.chance(0.15)
            ? random.pick(schedules)
            : try site.makeSchedule(path: path, like: schedules.last, &random)
        if schedule.path == path { schedules.append(schedule) }
        guard random.chance(0.7) else { return add(.deploy(schedule), at: moment) }
        for machine in 0..<machineCount where random.chance(0.9) {
            add(
                .install(schedule, machine: machine),
                at: moment + random.span(.milliseconds(1) ... .minutes(10)))
        }
    }

    private mutating func drawOrders() {
        let moment = moment()
        switch random.int(0...3) {
        case 0: add(.cancelRun, at: moment)
        case 1: add(.decide(random.pick(BacklogDecision.allCases)), at: moment)
        default:
            add(.pauseJob("job-\(random.int(0...SimulatedSite.jobCount - 1))"), at: moment)
            add(.resumeJobs, at: moment + random.span(.seconds(1) ... .minutes(30)))
        }
    }

    /// Nobody is there for a while.
    private mutating func drawOutage() {
        let moment = moment()
        let end = moment + random.span(.minutes(5) ... .minutes(600))
        for machine in 0..<machineCount {
            add(.crash(machine: machine), at: moment)
            add(.start(machine: machine), at: min(end, healing - 1) + .milliseconds(1))
        }
    }
}
