import Foundation
import Logging
import PostgresSession
import Scheduling
import Synchronization

/// Sends what the ledger has noted for the channels of this node's schedule, and looks which limits
/// have passed.
///
/// On a thread and a connection of its own, and not by a worker: what is told is mostly that the
/// workers are busy or stuck. One message goes out at a time. With a schedule that has no channels
/// and no limits it does nothing, without a connection.
package actor Messenger {
    private nonisolated let thread = WorkerThread(name: "almanac-messenger")
    private let bench: Workbench
    private let services: NodeServices
    private nonisolated let assignment = Mutex<Assignment?>(nil)
    private nonisolated let present = Mutex<RunControl?>(nil)
    private var rounds: Task<Void, Never>?
    private var isFailing = false

    /// What the schedule in force has for it.
    struct Assignment: Sendable {
        let channels: [String: Channel]
        /// The jobs with a `mustFinishBy`.
        var punctual: [JobDefinition] = []
        /// Of their definitions, by name.
        var digests: [String: String] = [:]
        /// Whether a job has a `warnAfter`.
        var watchesLength = false

        var isIdle: Bool { channels.isEmpty && punctual.isEmpty && !watchesLength }

        init(channelsOf schedule: Schedule) {
            channels = Dictionary(schedule.channels.map { ($0.name, $0) }) { first, _ in first }
        }
    }

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        thread.asUnownedSerialExecutor()
    }

    package init(services: NodeServices) {
        bench = Workbench(services, name: "messenger")
        self.services = services
    }

    /// How long to rest between two looks.
    static let pause = Duration.seconds(2)
    /// How many messages one look sends at the most, so that limits are looked at in between.
    static let mostMessages = 100
    /// How long nobody else tries a message that is being sent, beside its own limit.
    static let leaseSeconds = 30.0

    /// Takes note of the schedule that the node has.
    package nonisolated func note(_ schedule: Schedule, definitionDigests: [String: String]) {
        var found = Assignment(channelsOf: schedule)
        for job in schedule.jobs {
            found.watchesLength = found.watchesLength || job.punctuality.warnAfter != nil
            guard job.punctuality.mustFinishBy != nil else { continue }
            found.punctual.append(job)
            found.digests[job.name] = definitionDigests[job.name]
        }
        take(found)
    }

    /// Takes note of the channels alone: whoever runs one job watches over no others.
    package nonisolated func noteChannels(of schedule: Schedule) {
        take(Assignment(channelsOf: schedule))
    }

    private nonisolated func take(_ found: Assignment) {
        assignment.withLock { $0 = found.isIdle ? nil : found }
    }

    /// Begins to look now and then.
    func start() {
        let clock = services.clock
        rounds = Task {
            // What was missed while no node ran gets its rows first: it is not late but skipped.
            while (try? await clock.sleep(for: Self.pause)) != nil {
                await self.tryRound()
            }
        }
    }

    /// Sends what is still to be sent, and ends.
    package func stop() async {
        rounds?.cancel()
        await rounds?.value
        await tryRound()
        bench.discard()
        thread.stop()
    }

    /// Gives up the message that goes out at this moment, and whatever would follow.
    nonisolated func hurry() {
        assignment.withLock { $0 = nil }
        present.withLock { $0 }?.stop(.shutdown)
    }

    private func tryRound() async {
        do {
            try await round()
            isFailing = false
        } catch {
            bench.discard()
            services.logger.log(
                level: isFailing ? .debug : .warning, "notifications have to wait",
                metadata: ["error": "\(error)"])
            isFailing = true
        }
    }

    /// Looks which limits have passed, and sends what is to be sent.
    ///
    /// - Throws: `PostgresError` when the ledger cannot be read or written.
    package func round() async throws {
        guard let assignment = assignment.withLock({ $0 }) else { return }
        try watchLimits(assignment)
        guard !assignment.channels.isEmpty else { return }
        let names = assignment.channels.keys.sorted()
        let longest = assignment.channels.values.map(\.activeDeadlineSeconds).max() ?? 0
        for _ in 0..<Self.mostMessages {
            guard self.assignment.withLock({ $0 }) != nil,
                let due = try services.ledger.takeNotification(
                    for: names, leaseSeconds: Double(longest) + Self.leaseSeconds,
                    on: try bench.connection()),
                let channel = assignment.channels[due.channel]
            else { return }
            try await send(due, to: channel)
        }
    }

    // MARK: Limits

    private func watchLimits(_ assignment: Assignment) throws {
        guard !assignment.punctual.isEmpty || assignment.watchesLength else { return }
        let (ledger, connection) = (services.ledger, try bench.connection())
        let (until, now) = try ledger.limitsWatched(on: connection)
        guard now > until else { return }
        let late = LimitWatch.late(assignment.punctual, after: until, through: now)
        var passed = try ledger.noteLate(late, digests: assignment.digests, on: connection)
        if assignment.watchesLength {
            passed += try ledger.noteSlow(
                since: until.advanced(bySeconds: -Self.slowCommitSeconds), on: connection)
        }
        try ledger.noteWatch(until: now, on: connection)
        for limit in passed { log(limit) }
    }

    /// How long a run's row may take from its `finished_at` to its commit and still be looked at.
    private static let slowCommitSeconds: Int64 = 60

    private func log(_ limit: PassedLimit) {
        var metadata: Logger.Metadata = [
            "job": "\(limit.job)", "due": "\(PlaceholderValues.rfc3339(limit.scheduledFor))",
            limit.key: "\(PlaceholderValues.rfc3339(limit.bound))",
        ]
        if let runID = limit.runID { metadata["run"] = "\(runID.uuidString.lowercased())" }
        services.logger.warning(
            limit.runID == nil
                ? "an occurrence is not over by when it had to be"
                : "a run takes longer than it usually may", metadata: metadata)
    }

    // MARK: Sending

    private func send(_ due: DueNotification, to channel: Channel) async throws {
        let metadata: Logger.Metadata = [
            "channel": "\(channel.name)", "job": "\(due.job)", "event": "\(due.event.rawValue)",
        ]
        let secrets = RunSecrets()
        do {
            try await RunSecrets.$current.withValue(secrets) {
                try await deliver(due, to: channel)
            }
        } catch {
            bench.cleanUp()
            let problem = secrets.striking(String(describing: error))
            let pause = Self.pauseSeconds(after: due, at: services.clock.now)
            services.logger.log(
                level: pause == nil ? .error : .warning,
                pause == nil
                    ? "a notification is given up"
                    : "a notification could not be sent; trying again",
                metadata: metadata.merging(["error": "\(problem)"]) { $1 })
            return try services.ledger.noteFailedDelivery(
                of: due.ids, problem, pauseSeconds: pause, on: try bench.connection())
        }
        bench.cleanUp()
        try services.ledger.noteDelivery(of: due.ids, on: try bench.connection())
        services.logger.info("notified", metadata: metadata)
    }

    /// After how long it is tried again: first ten seconds, then twice as long each time, ten
    /// minutes at the most; nil after a day.
    static func pauseSeconds(after due: DueNotification, at now: Date) -> Double? {
        guard now.timeIntervalSince(due.notedAt) < 86_400 else { return nil }
        return min(600, 10 * pow(2, Double(min(due.tries, 10) - 1)))
    }

    /// Runs the task of the channel, without a row in the audit table.
    private func deliver(_ due: DueNotification, to channel: Channel) async throws {
        let control = RunControl()
        present.withLock { $0 = control }
        defer { present.withLock { $0 = nil } }
        let (clock, limit) = (services.clock, channel.activeDeadlineSeconds)
        let watch = Task(executorPreference: WorkerThread.errands) {
            try await clock.sleep(for: .seconds(limit))
            control.stop(.deadline(seconds: limit))
        }
        defer { watch.cancel() }
        let work = Task(executorPreference: thread) {
            try await self.perform(due, on: channel, control)
        }
        control.attach { work.cancel() }
        do {
            try await work.value
        } catch {
            throw control.stopCause.map { RunStopped(cause: $0) } ?? error
        }
    }

    private func perform(
        _ due: DueNotification, on channel: Channel, _ control: RunControl
    ) async throws {
        let run = ClaimedRun(
            order: RunOrder(
                identity: RunIdentity(
                    runID: due.key, job: due.job, scheduledFor: due.scheduledFor,
                    attempt: due.tries, trigger: .manual, node: services.ledger.node),
                job: JobDefinition(sending: channel), worker: 0, version: nil, effects: .anywhere),
            startedAt: services.clock.now,
            deadline: RunDeadline(
                afterSeconds: channel.activeDeadlineSeconds, by: services.clock))
        guard let type = services.registry.type(named: channel.task) else {
            throw UnknownTask(name: channel.task)
        }
        let context = TaskContext(
            run, try bench.connection(), bench, control, services.logger)
        defer { context.closeSession() }
        context.message = due.message
        let task = try services.registry.makeTask(
            of: type, parameters: channel.parameters, values: context.placeholderValues)
        do {
            try await task.run(context)
        } catch {
            guard !context.output.isEmpty else { throw error }
            // A delivery has no row for its output, which mostly says why. Secrets go before it is
            // cut: of one at the cut a part would be left.
            let output = RunSecrets.striking("\(context.output)")
            throw FailedDelivery(error: error, output: output)
        }
        // What it wrote commits with the note that the channel was told, or not at all.
        if let session = context.openedSession, !session.isUntouched {
            try session.finish(
                with: services.ledger.delivery(of: due.ids), expectingRows: due.ids.count)
        }
    }
}

/// A channel's task has failed, and had printed something or got an answer.
private struct FailedDelivery: Error, CustomStringConvertible {
    let error: any Error
    let output: String

    /// The error and the end of the output.
    var description: String {
        let text = output.trimmingCharacters(in: .whitespacesAndNewlines)
        return "\(error); its output ends with: \(text.suffix(500))"
    }
}

extension JobDefinition {
    /// What a run of a channel's task goes by.
    init(sending channel: Channel) {
        var session = SessionSettings()
        session.statementTimeoutSeconds = Int64(channel.activeDeadlineSeconds)
        self.init(
            name: channel.name, description: nil, owner: nil, labels: [:], task: channel.task,
            parameters: channel.parameters,
            recurrence: .every(seconds: 86_400, anchor: .distantPast), startOffset: .none,
            cronTexts: "", timeZone: .utc, isSuspended: false, transaction: .perRun,
            activeDeadlineSeconds: channel.activeDeadlineSeconds, retry: RetryPolicy(),
            dispatch: DispatchPolicy(), window: nil, session: session, expectation: nil,
            history: HistoryPolicy(), punctuality: Punctuality(), notify: NotifyPolicy(),
            file: channel.file, position: channel.position, baseDirectory: channel.baseDirectory)
    }
}
