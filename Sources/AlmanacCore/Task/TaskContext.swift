public import Foundation
public import Logging
public import PostgresSession

/// What a run knows about itself, and its session.
///
/// A context belongs to one attempt and to the thread that runs it; it cannot be sent elsewhere.
public final class TaskContext {
    /// The key of the attempt, also to be used as idempotency key towards other systems.
    public let runID: UUID
    /// The job that runs.
    public let job: String
    /// The nominal instant: when the occurrence was due, whenever it really started.
    public let scheduledFor: Date
    /// The data that the run is for, from its start up to but without its end; nil unless the job
    /// has a `window`.
    public let window: Range<Date>?
    /// Which attempt this is, from 1.
    public let attempt: Int
    /// How many attempts the job may have: one and its `backoffLimit`.
    public let maxAttempts: Int
    /// What made the run come about.
    public let trigger: RunTrigger
    /// The process that runs it.
    public let node: String
    /// The number of the worker in its node, from 1; 0 in the foreground.
    public let worker: Int
    /// When the run is stopped, if it has a deadline.
    public let deadline: Date?
    /// The folder of the job's schedule file: relative paths start here.
    public let baseDirectory: String
    /// The database of the session, as libpq takes it, for programs that the run starts; without
    /// its password, which they find in `~/.pgpass` or `PGPASSFILE`.
    public let connectionString: String
    /// Logs with the run's id, its job and its node on each line.
    public let logger: Logger
    /// What the run leaves as its `result`; encoded as JSON before the commit, so that a value
    /// which cannot be encoded fails the run with nothing written.
    public var result: (any Encodable)?
    /// What the run leaves as its `output`: the tail of what is appended.
    public var output = OutputTail()
    /// What a channel is to tell; nil for a job.
    var message: NotificationMessage?
    /// How far a task that works in chunks has come.
    public internal(set) var progress: RunProgress?

    let control: RunControl
    private let sessions: RunSessions

    init(
        identity: RunIdentity, window: Range<Date>?, maxAttempts: Int, worker: Int, deadline: Date?,
        baseDirectory: String, connectionString: String,
        logger: Logger, control: RunControl, sessions: RunSessions
    ) {
        runID = identity.runID
        job = identity.job
        scheduledFor = identity.scheduledFor
        self.window = window
        attempt = identity.attempt
        self.maxAttempts = maxAttempts
        trigger = identity.trigger
        node = identity.node
        self.worker = worker
        self.deadline = deadline
        self.baseDirectory = baseDirectory
        self.connectionString = connectionString
        self.logger = logger
        self.control = control
        self.sessions = sessions
    }

    /// The run's session: ready, closed for you, yours alone.
    ///
    /// Nothing is sent to the server before it is used. By default what it writes is committed
    /// together with the run's outcome. A hook after the outcome gets a new session, which keeps
    /// what the hook commits and nothing else.
    public var session: Session { sessions.current }

    var ledger: Ledger { sessions.ledger }

    /// The session, if anybody has asked for it.
    var openedSession: Session? { sessions.opened }

    /// How many rows the run's own session has inserted, updated and deleted; nil without a
    /// session.
    var rowsAffected: Int? { sessions.rowsAffected }

    /// Where an attempt before this one has left the work of the occurrence, if one has.
    var resumption: Resumption? { sessions.resumption }

    /// The time on the run's clock, which never goes back.
    var uptime: Duration { sessions.clock.uptime }

    /// Commits what the session has written since the last commit, together with where the work
    /// goes on and how far it has come.
    func commit(checkpoint: String, _ progress: RunProgress) throws {
        try sessions.commit(checkpoint: checkpoint, progress)
        self.progress = progress
    }

    /// Waits, by the run's clock, until then or until the run is stopped.
    func sleep(for duration: Duration) async throws {
        let clock = sessions.clock
        try await clock.sleep(for: duration)
    }

    /// What the placeholders of the job's parameters stand for in this run.
    package var placeholderValues: PlaceholderValues {
        PlaceholderValues(
            scheduledFor: scheduledFor, window: window, message: message,
            baseDirectory: baseDirectory)
    }

    /// Closes the run's own session: from here on the context is that of the hooks.
    func concludeSession() { sessions.conclude() }

    /// Closes whatever session there is.
    func closeSession() { sessions.close() }

    /// A path of the parameters, relative to the schedule file unless it is absolute.
    public func resolve(path: String) -> String {
        RelativePath.resolve(path, in: baseDirectory)
    }

    /// Ends the run here if somebody asked it to stop. To be called now and then by long work that
    /// neither awaits nor uses its session, since nothing else can stop it.
    ///
    /// - Throws: `RunStopped`.
    public func checkStopped() throws {
        if let cause = control.stopCause { throw RunStopped(cause: cause) }
    }

    /// Takes down what was done to stop the run, if it was asked to.
    package func noteStop(_ step: StopStep.Kind) {
        if control.stopCause != nil { control.note(step) }
    }
}

/// Which attempt of which occurrence a run is.
package struct RunIdentity: Sendable, Hashable {
    package let runID: UUID
    package let job: String
    package let scheduledFor: Date
    package let attempt: Int
    package let trigger: RunTrigger
    package let node: String

    package init(
        runID: UUID, job: String, scheduledFor: Date, attempt: Int = 1, trigger: RunTrigger,
        node: String
    ) {
        self.runID = runID
        self.job = job
        self.scheduledFor = scheduledFor
        self.attempt = attempt
        self.trigger = trigger
        self.node = node
    }

    /// The attempt after this one.
    func followed(by next: NextAttempt) -> RunIdentity {
        RunIdentity(
            runID: next.runID, job: job, scheduledFor: scheduledFor, attempt: next.number,
            trigger: trigger, node: node)
    }
}

/// The last part of what a run printed, in bounded memory.
public struct OutputTail: Sendable, CustomStringConvertible {
    /// How much is kept.
    public static let limitBytes = 16_384
    private var bytes: [UInt8] = []
    private var dropped = 0

    /// Nothing yet.
    public init() {}

    /// Whether nothing was appended.
    public var isEmpty: Bool { bytes.isEmpty && dropped == 0 }

    /// Appends bytes, which need not end at a character's end.
    public mutating func append(contentsOf more: some Sequence<UInt8>) {
        bytes.append(contentsOf: more)
        if bytes.count > 2 * Self.limitBytes { trim() }
    }

    /// Appends a text.
    public mutating func append(_ text: String) { append(contentsOf: text.utf8) }

    /// What is kept, as text: what is not UTF-8 is replaced, NUL is left out.
    public var description: String {
        var tail = self
        tail.trim()
        // A cut in the middle of a character leaves up to three continuation bytes.
        let start = tail.dropped > 0 ? tail.bytes.prefix(3).prefix { $0 & 0xC0 == 0x80 }.count : 0
        let text = String(decoding: tail.bytes.dropFirst(start), as: UTF8.self)
            .replacing("\0", with: "")
        return tail.dropped > 0 ? "… (\(tail.dropped + start) bytes before this)\n" + text : text
    }

    private mutating func trim() {
        guard bytes.count > Self.limitBytes else { return }
        let excess = bytes.count - Self.limitBytes
        bytes.removeFirst(excess)
        dropped += excess
    }
}
