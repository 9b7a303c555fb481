import AlmanacCore
import Foundation
import Logging
import PostgresSession
import Scheduling

/// A machine that one node after the other runs on: its clock, its wire to the server, and the
/// schedule file that lies there.
// Safe because a night and all that belongs to it is used by one thread.
final class SimulatedMachine: @unchecked Sendable {
    let name: String
    let clock: SimulatedClock
    let world: SimulatedWorld
    let options: SchedulerOptions
    var file: SimulatedSchedule
    var isCutOff = false
    private(set) var process: SimulatedProcess?
    /// Called when a task begins.
    var onStart: (SimulatedAttempt) -> Void = { _ in }
    /// Called in the transaction of a run that succeeds.
    var onEffect: (RunOrder) -> Void = { _ in }
    private var lives = 0

    init(
        name: String, world: SimulatedWorld, file: SimulatedSchedule, options: SchedulerOptions,
        driftPerMillion: Int64
    ) {
        self.name = name
        self.world = world
        self.file = file
        self.options = options
        clock = SimulatedClock(world: world, driftPerMillion: driftPerMillion)
    }

    var canReachServer: Bool { world.isServerUp && !isCutOff }

    /// Starts a node, if none lives.
    func start() {
        guard process == nil else { return }
        lives += 1
        world.note("\(name): starts")
        process = SimulatedProcess(name: "\(name)-\(lives)", machine: self)
        process?.open()
    }

    /// `kill -9`, or the end of the process. The server notices when the wire tells it.
    func crash() {
        guard let ended = process else { return }
        world.note("\(name): ends")
        process = nil
        clock.setAlarm(at: nil)
        ended.end(lingering: isCutOff ? .seconds(30) : .seconds(2))
    }
}

/// One life of a node: a real ``NodeDesk`` among simulated workers, books and time.
// Safe because a night and all that belongs to it is used by one thread.
final class SimulatedProcess: @unchecked Sendable {
    let name: String
    unowned let machine: SimulatedMachine
    let world: SimulatedWorld
    private var desk: NodeDesk?
    private(set) var isAlive = true
    private(set) var isHurried = false
    private var isPaused = false
    /// Whether the ledger is open: then there is a desk.
    private var isOpen = false
    /// How many runs wait on its board.
    private(set) var waitingCount = 0
    /// How many rows it has not written yet.
    private(set) var unwrittenCount = 0
    /// What has come while the process was paused.
    private var inbox: [() -> Void] = []
    /// What has come before the ledger was open.
    private var early: [NodeEvent] = []
    /// The schedule file as it was at the start.
    private let file: SimulatedSchedule
    private(set) lazy var books = SimulatedConnection(process: self)
    private var workers: [SimulatedWorker] = []
    private(set) var attempts: [SimulatedAttempt] = []
    private var isEnding = false

    init(name: String, machine: SimulatedMachine) {
        self.name = name
        self.machine = machine
        file = machine.file
        world = machine.world
        machine.clock.ring = { [weak self] in self?.post(.ring) }
    }

    // MARK: Life

    /// `Scheduler.open`: with the files as they were at the start, until the ledger can be opened.
    func open() {
        let file = file
        books.ask(
            { ledger, _ in ledger.activate(file) },
            then: { [self] answer in
                guard let activation = answer.flatMap(\.self) else {
                    return after(.seconds(2)) { [self] in open() }
                }
                begin(file, activation)
            })
    }

    private func begin(_ file: SimulatedSchedule, _ activation: Activation) {
        world.note("\(name): version \(activation.version), watermark \(activation.watermark)")
        desk = NodeDesk(
            services: services, options: machine.options, errands: SimulatedErrands(process: self),
            hire: { [unowned self] number in hire(number) },
            mail: { [unowned self] event in post(event) })
        isOpen = true
        handle(.activated(file.schedule, activation))
        handle(.ring)
        handle(.checkOrphans)
        let waiting = early
        early = []
        for event in waiting { handle(event) }
    }

    private var services: NodeServices {
        var services = NodeServices(
            engine: world.engine, ledger: Ledger(schema: "almanac", node: name),
            registry: world.site.registry, clock: machine.clock, logger: logger,
            connectionString: "")
        services.makeRunID = { [world] in world.random.uuid() }
        return services
    }

    private var logger: Logger {
        guard world.trace != nil else {
            return Logger(label: name) { _ in SwiftLogNoOpLogHandler() }
        }
        return Logger(label: name) { [world] name in
            SimulatedLog(name: name) { text in world.note(text) }
        }
    }

    private func hire(_ number: Int) -> any NodeWorker {
        let worker = SimulatedWorker(process: self)
        workers.append(worker)
        return worker
    }

    /// The process is gone; its backends follow when the server has noticed.
    func end(lingering: SimulatedTime) {
        isAlive = false
        desk = nil
        let connections = [books] + workers.map(\.connection)
        for connection in connections {
            let backend = connection.backend
            world.after(world.random.span(1...lingering)) { [world] in world.end(backend) }
        }
    }

    /// SIGSTOP and SIGCONT.
    func pause() { isPaused = true }

    func resume() {
        isPaused = false
        let waiting = inbox
        inbox = []
        // One after the other, as they came.
        for deed in waiting { deliver(deed) }
    }

    /// SIGHUP.
    func reload() {
        post(.reload { [weak machine] in machine?.file.schedule })
    }

    // MARK: What happens to it

    /// Lets something happen in this process: later if it is paused, never if it is gone.
    func deliver(_ deed: @escaping () -> Void) {
        guard isAlive else { return }
        guard !isPaused else { return inbox.append(deed) }
        deed()
    }

    func after(_ span: SimulatedTime, _ deed: @escaping () -> Void) {
        world.after(span) { [weak self] in self?.deliver(deed) }
    }

    /// Puts an event into the mailbox.
    func post(_ event: NodeEvent) {
        after(1) { [weak self] in self?.handle(event) }
    }

    func handle(_ event: NodeEvent) {
        guard isAlive, !isEnding else { return }
        guard isOpen else { return early.append(event) }
        desk?.handle(event)
        waitingCount = desk?.board.waitingCount ?? 0
        unwrittenCount = desk?.unwrittenSkips ?? 0
        for attempt in attempts { attempt.heedStop() }
        if desk?.isDone == true { finish() }
    }

    /// `Scheduler.close`.
    private func finish() {
        isEnding = true
        isHurried = true
        guard let (instant, version) = desk?.lastWatermark else { return machine.crash() }
        books.ask(
            { ledger, _ in ledger.moveWatermark(to: instant, by: version) },
            then: { [machine] (_: Void?) in machine.crash() })
    }

    func hurry() { isHurried = true }

    /// The orders that go on, and what they do.
    var executing: [SimulatedAttempt] { attempts.filter(\.isExecuting) }

    func began(_ attempt: SimulatedAttempt) { attempts.append(attempt) }

    func ended(_ attempt: SimulatedAttempt) { attempts.removeAll { $0 === attempt } }
}

/// What a node logs, in the trace.
private struct SimulatedLog: LogHandler {
    let name: String
    let write: @Sendable (String) -> Void
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.debug

    init(name: String, write: @escaping @Sendable (String) -> Void) {
        self.name = name
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let details = (event.metadata ?? [:]).sorted { $0.key < $1.key }
            .map { " \($0.key)=\($0.value)" }.joined()
        write("\(name): \(event.message)\(details)")
    }
}
