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

    private func makeDesk() throws -> NodeDesk {
        let site = try SimulatedSite()
        let services = NodeServices(
            engine: Engine(""), ledger: Ledger(schema: "almanac", node: "n"),
            registry: site.registry, clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, connectionString: "")
        let source = try SourceFile(
            path: "a.yaml", bytes: Array("version: 1\njobs:\n  a: {every: 1m, task: work}\n".utf8))
        let schedule = try ScheduleLoader(tasks: site.registry).load(sources: [source]).schedule
        let surroundings = surroundings
        var desk = NodeDesk(
            services: services, options: SchedulerOptions(), errands: surroundings,
            hire: { _ in surroundings }, mail: { surroundings.post($0) })
        let now = clock.instant
        desk.handle(
            .activated(
                schedule,
                Activation(
                    version: 1, watermark: now, since: [], accountedFrom: ["a": now],
                    completions: [:], digest: "d", definitionDigests: ["a": "d"],
                    inForceFrom: now)))
        return desk
    }

    private func report(_ order: RunOrder, recorded state: RunState?) -> OrderEnd {
        .ran(
            AttemptReport(
                run: ClaimedRun(order: order, startedAt: clock.now, deadline: nil),
                outcome: .failed(ProbeError(description: "x")), recorded: state, next: nil,
                duration: .zero))
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
}
