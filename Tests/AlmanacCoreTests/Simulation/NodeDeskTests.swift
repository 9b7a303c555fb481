import AlmanacTesting
import Foundation
import Logging
import PostgresSession
import Scheduling
import Synchronization
import Testing

@testable import AlmanacCore

/// A desk whose errands and orders nobody does.
private final class IdleSurroundings: NodeErrands, NodeWorker {
    private struct State {
        var errands: [NodeErrand] = []
        var orders: [(RunOrder, @Sendable (OrderEnd) -> Void)] = []
        var events: [NodeEvent] = []
    }

    private let state = Mutex(State())

    func run(_ errand: NodeErrand) { state.withLock { $0.errands.append(errand) } }

    func start(
        _ order: RunOrder, control: RunControl, claimed: @escaping @Sendable () -> Void,
        then report: @escaping @Sendable (OrderEnd) -> Void
    ) {
        state.withLock { $0.orders.append((order, report)) }
    }

    func stop() async {}

    func post(_ event: NodeEvent) { state.withLock { $0.events.append(event) } }

    var orders: [RunOrder] { state.withLock { $0.orders.map(\.0) } }

    var errands: [NodeErrand] { state.withLock(\.errands) }

    var hasWatermark: Bool {
        state.withLock { state in
            state.errands.contains { if case .moveWatermark = $0 { true } else { false } }
        }
    }

    /// Ends an order as the worker would.
    func end(_ number: Int, _ end: (RunOrder) -> OrderEnd) {
        let (order, report) = state.withLock { $0.orders[number] }
        report(end(order))
    }

    func takeEvents() -> [NodeEvent] {
        state.withLock { state in
            defer { state.events = [] }
            return state.events
        }
    }
}

@Suite("The desk of a node")
struct NodeDeskTests {
    private let clock = ManualClock(at: Instant(secondsSinceEpoch: 1_767_225_590))
    private let surroundings = IdleSurroundings()

    private func schedule(_ jobs: String) throws -> Schedule {
        let source = try SourceFile(
            path: "a.yaml", bytes: Array("version: 1\njobs:\n\(jobs)".utf8))
        return try ScheduleLoader(tasks: try SimulatedSite().registry).load(sources: [source])
            .schedule
    }

    private func activation(
        of schedule: Schedule, version: Int64, inForceFrom instant: Instant
    ) -> Activation {
        let names = schedule.jobs.map(\.name)
        return Activation(
            version: version, watermark: instant, since: [],
            accountedFrom: Dictionary(uniqueKeysWithValues: names.map { ($0, instant) }),
            completions: [:], digest: "d\(version)",
            definitionDigests: Dictionary(uniqueKeysWithValues: names.map { ($0, "d") }),
            inForceFrom: instant)
    }

    private func makeDesk(
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ) throws -> NodeDesk {
        let site = try SimulatedSite()
        let services = NodeServices(
            engine: Engine(""), ledger: Ledger(schema: "almanac", node: "n"),
            registry: site.registry, clock: clock,
            logger: logger, connectionString: "")
        let schedule = try schedule("  a: {every: 1m, task: work}\n")
        let surroundings = surroundings
        var desk = NodeDesk(
            services: services, options: SchedulerOptions(), errands: surroundings,
            hire: { _ in surroundings }, mail: { surroundings.post($0) })
        desk.handle(
            .activated(
                schedule, activation(of: schedule, version: 1, inForceFrom: clock.instant)))
        return desk
    }

    private func report(_ order: RunOrder, recorded state: RunState?) -> OrderEnd {
        .ran(
            AttemptReport(
                run: ClaimedRun(order: order, startedAt: clock.now, deadline: nil),
                outcome: .failed(ProbeError(description: "x")), recorded: state, next: nil,
                duration: .zero))
    }

    @Test("tells of a skip only where a row of it was written")
    func skips() throws {
        let tape = LogTape()
        var desk = try makeDesk(logger: tape.logger)
        let skips = SkippedOccurrences(
            Occurrence(job: "a", scheduledFor: clock.instant), reason: .deadline)
        desk.handle(.skipsWritten(skips, count: 0))
        #expect(tape.lines("notice: skipped") == [])
        desk.handle(.skipsWritten(skips, count: 1))
        #expect(
            tape.lines("notice: skipped") == [
                "notice: skipped count=1 due=\(clock.instant) job=a reason=deadline"
            ])
    }

    @Test("claims an occurrence again whose outcome could not be recorded, before it counts")
    func unrecorded() throws {
        var desk = try makeDesk()
        clock.advance(bySeconds: 10)
        desk.handle(.ring)
        #expect(surroundings.orders.count == 1)
        let due = clock.instant
        surroundings.end(0) { report($0, recorded: nil) }
        for event in surroundings.takeEvents() { desk.handle(event) }
        #expect(try #require(desk.planner).watermark < due)
        desk.handle(.databaseProbed(nil))
        let orders = surroundings.orders
        #expect(orders.map { Instant($0.identity.scheduledFor) } == [due, due])
        #expect(Set(orders.map(\.identity.runID)).count == 2)
        surroundings.end(1) { _ in .taken(.orphaned) }
        for event in surroundings.takeEvents() { desk.handle(event) }
        #expect(try #require(desk.planner).watermark == due)
    }

    @Test("settles an occurrence with its outcome when that was recorded")
    func recorded() throws {
        var desk = try makeDesk()
        clock.advance(bySeconds: 10)
        desk.handle(.ring)
        surroundings.end(0) { report($0, recorded: .failed) }
        for event in surroundings.takeEvents() { desk.handle(event) }
        #expect(try #require(desk.planner).watermark == clock.instant)
        #expect(surroundings.hasWatermark)
        #expect(surroundings.orders.count == 1)
    }

    @Test("a schedule whose activation was long on its way counts from when it came into force")
    func late() throws {
        var desk = try makeDesk()
        let change = clock.instant
        clock.advance(bySeconds: 75)
        let new = try schedule(
            """
              a: {schedule: "30 12 * * *", task: work}
              b: {every: 30s, task: work}

            """)
        desk.handle(
            .activated(new, activation(of: new, version: 2, inForceFrom: change)))
        // Two minutes of the old times have passed, and two instants of the new ones.
        let order = try #require(surroundings.orders.first)
        #expect(surroundings.orders.map(\.identity.job) == ["b"])
        #expect(Instant(order.identity.scheduledFor) == change.advanced(bySeconds: 70))
        let skipped = surroundings.errands.compactMap { errand in
            if case .record(let skips, _, _) = errand { skips } else { nil }
        }
        #expect(skipped.map(\.job) == ["b"])
    }

    @Test(
        "what failed to be claimed by a schedule that is no more is not claimed by the next",
        arguments: [true, false])
    func unclaimed(isGeneral: Bool) throws {
        var desk = try makeDesk()
        clock.advance(bySeconds: 10)
        desk.handle(.ring)
        #expect(surroundings.orders.count == 1)
        let new = try schedule("  a: {schedule: \"30 12 * * *\", task: work}\n")
        // The second version never came this way: all is planned anew.
        desk.handle(
            .activated(new, activation(of: new, version: 3, inForceFrom: clock.instant)))
        surroundings.end(0) { _ in
            .unclaimed(LedgerTrouble(isGeneral: isGeneral, isReadOnly: false, "gone"))
        }
        for event in surroundings.takeEvents() { desk.handle(event) }
        desk.handle(.databaseProbed(nil))
        #expect(surroundings.orders.count == 1)
    }

    @Test("by a clock that is behind, the old schedule holds until the new one is in force")
    func behind() throws {
        let tape = LogTape()
        var desk = try makeDesk(logger: tape.logger)
        let start = clock.instant
        let new = try schedule("  a: {every: 1m, task: work, suspend: true}\n")
        desk.handle(
            .activated(
                new, activation(of: new, version: 2, inForceFrom: start.advanced(bySeconds: 75))))
        let skipped = surroundings.errands.flatMap { errand -> [Instant] in
            if case .record(let skips, _, _) = errand {
                skips.instants ?? [skips.first]
            } else {
                []
            }
        }
        let given = skipped + surroundings.orders.map { Instant($0.identity.scheduledFor) }
        #expect(Set(given) == Set([10, 70].map { start.advanced(bySeconds: $0) }))
        // Its own time goes on, and what is behind it is not due once more.
        let count = surroundings.orders.count
        clock.advance(bySeconds: 20)
        desk.handle(.ring)
        #expect(surroundings.orders.count == count)
        #expect(tape.lines("warning: the clock went back") == [])
    }

    @Test("what is accounted for goes on with the time where nothing is due for long")
    func quiet() throws {
        var desk = try makeDesk()
        desk.handle(.ring)
        let orders = surroundings.orders.count
        let before = try #require(desk.lastWatermark?.instant)
        clock.advance(bySeconds: 4)
        desk.handle(.checkOrphans)
        #expect(desk.lastWatermark?.instant == before)
        clock.advance(bySeconds: 1)
        desk.handle(.checkOrphans)
        #expect(desk.lastWatermark?.instant == before.advanced(bySeconds: 5))
        #expect(surroundings.orders.count == orders)
    }

    // MARK: Schedules of others

    private func newest(_ version: Int64, digest: String) -> NewestSchedule {
        NewestSchedule(version: version, digest: digest)
    }

    @Test("takes its schedule up again by the version that is in force, and asks again if it fails")
    func takeUp() throws {
        var desk = try makeDesk()
        func versions() -> [Int64] {
            surroundings.errands.compactMap { errand in
                if case .takeUp(_, let version) = errand { version } else { nil }
            }
        }
        let same = ScheduleChange(added: [], removed: [], changed: [])
        desk.handle(.newerScheduleFound(newest(3, digest: "d1"), same))
        #expect(versions() == [3])
        desk.handle(.newerScheduleFound(newest(3, digest: "d1"), same))
        #expect(versions() == [3])
        desk.handle(.takeUpFailed("overtaken"))
        desk.handle(.newerScheduleFound(newest(5, digest: "d1"), same))
        desk.handle(.takeUpFailed("no connection"))
        desk.handle(.newerScheduleFound(newest(5, digest: "d1"), same))
        #expect(versions() == [3, 5, 5])
    }

    @Test("reads the files anew when the schedule could not be put in force")
    func reload() throws {
        var desk = try makeDesk()
        let readings = Mutex(0)
        let read: ScheduleReading = {
            readings.withLock { $0 += 1 }
            return nil
        }
        desk.handle(.reload(read))
        desk.handle(.reloadFailed(read, "no connection"))
        let later = surroundings.errands.compactMap { errand in
            if case .wait(_, .reload(let read)) = errand { read } else { nil }
        }
        #expect(later.count == 1)
        _ = later.first?()
        #expect(readings.withLock(\.self) == 1)
        let begun = surroundings.errands.contains { errand in
            if case .reload = errand { true } else { false }
        }
        #expect(begun)
    }

    @Test(
        "runs what is queued of a job that is the same in the schedule in force, and no other",
        arguments: [false, true])
    func leftAlone(hasChanged: Bool) throws {
        var desk = try makeDesk()
        let change = ScheduleChange(added: [], removed: [], changed: hasChanged ? ["a"] : [])
        desk.handle(.newerScheduleFound(newest(3, digest: "other"), change))
        clock.advance(bySeconds: 10)
        desk.handle(.ring)
        // Of a time before the account of the job begins, or of a definition that is no more.
        surroundings.end(0) { _ in .stale }
        for event in surroundings.takeEvents() { desk.handle(event) }
        var sight = QueueInSight()
        sight.due = [
            QueuedRun(
                runID: UUID(), job: "a", scheduledFor: clock.now, number: 2, trigger: .schedule,
                notBefore: clock.now, priority: 0, version: 1)
        ]
        desk.handle(.attemptsFound(sight, asked: [], nil))
        #expect(surroundings.orders.count == (hasChanged ? 1 : 2))
    }
}
