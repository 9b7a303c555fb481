import Foundation
import Logging
import PostgresSession
import Synchronization

/// Gives the ledger signs of life of this process, and looks after processes that give none.
///
/// On a thread and a connection of its own, and with no lock but that of one row: neither the
/// planning nor a run nor a write of the books that waits for something can hold it up. When it
/// fails, that is logged, and all goes on.
package actor Pulse {
    private nonisolated let thread = WorkerThread(name: "almanac-pulse")
    private let bench: Workbench
    private let services: NodeServices
    private let entry: NodeEntry
    private let suspectAfterSeconds: Double
    /// The schedule that the process has; 0 for none.
    private nonisolated let version = Atomic<Int64>(0)
    private var steadiness: Steadiness
    private var others = SilentNodes()
    private var drift = ClockDrift()
    private var clockOffset: Double?
    private var toldTimeZoneData: [String] = []
    /// Runs that were to be ended and may not be.
    private var toldRuns: Set<UUID> = []
    private var isFailing = false
    private var hasBegun = false
    /// The backend whose settings are made.
    private var prepared = ""

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        thread.asUnownedSerialExecutor()
    }

    /// - Parameter suspectAfterSeconds: after how long others are suspected that give no sign.
    package init(services: NodeServices, entry: NodeEntry, suspectAfterSeconds: Int) {
        bench = Workbench(services, name: "pulse")
        self.services = services
        self.entry = entry
        self.suspectAfterSeconds = Double(suspectAfterSeconds)
        steadiness = Steadiness(neededSeconds: Double(suspectAfterSeconds))
    }

    /// How long it is from one sign to the next.
    static func pause(suspectAfterSeconds: Double) -> Duration {
        .seconds(min(5, max(0.25, suspectAfterSeconds / 4)))
    }

    /// Gives signs until the task is cancelled.
    package nonisolated func run() async {
        let pause = Self.pause(suspectAfterSeconds: suspectAfterSeconds)
        while !Task.isCancelled {
            await beat()
            guard (try? await services.clock.sleep(for: pause)) != nil else { return }
        }
    }

    /// Takes note of the schedule that the process has.
    package nonisolated func note(version: Int64) {
        self.version.store(version, ordering: .relaxed)
    }

    /// Gives one sign, and looks around.
    package func beat() {
        do {
            let connection = try connection()
            try look(on: connection)
            let version = version.load(ordering: .relaxed)
            try bench.ledger.beat(
                entry, version: version == 0 ? nil : version, clockOffset: clockOffset,
                on: connection)
            isFailing = false
            let uptime = services.clock.uptime
            let isSteady = steadiness.note(beatAt: uptime)
            if steadiness.begin == uptime { others.forget() }
            if entry.kind == .scheduler { lookAfterOthers(isSteady: isSteady, on: connection) }
            hasBegun = true
        } catch {
            bench.discard()
            steadiness.reset()
            others.forget()
            services.logger.log(
                level: isFailing ? .debug : .warning,
                "no sign of life could be given; trying again",
                metadata: ["error": "\(error)"])
            isFailing = true
        }
    }

    /// The connection. On it nothing waits for locks: the books may be locked, and the signs go on.
    private func connection() throws -> Connection {
        let connection = try bench.connection()
        let backend = "\(connection.backendProcessID) \(connection.backendStartText)"
        if backend != prepared {
            _ = try connection.query("SELECT set_config('lock_timeout', '1s', false) AS done")
            prepared = backend
        }
        return connection
    }

    /// Says goodbye and gives the connection and the thread up.
    package func stop() {
        if hasBegun, !isFailing {
            do {
                try bench.ledger.endNode(entry.kind, on: try bench.connection())
            } catch {
                services.logger.debug("no goodbye could be said", metadata: ["error": "\(error)"])
            }
        }
        bench.discard()
        thread.stop()
    }

    // MARK: What there is to see

    private func look(on connection: Connection) throws {
        let clock = services.clock
        let (sent, sentAt) = (clock.uptime, clock.now)
        let seen = try bench.ledger.surroundings(of: entry, on: connection)
        let roundTrip = (clock.uptime - sent) / .seconds(1)
        let offset = sentAt.timeIntervalSince(seen.now) + roundTrip / 2
        clockOffset = offset
        guard entry.kind == .scheduler else { return }
        tell(drift.note(offsetSeconds: offset, roundTripSeconds: roundTrip))
        if seen.otherTimeZoneData != toldTimeZoneData, !seen.otherTimeZoneData.isEmpty {
            services.logger.warning(
                """
                other nodes have other time zone data; where rules have changed, nodes disagree on \
                when jobs are due
                """,
                metadata: [
                    "here": "\(entry.timeZoneData)",
                    "there": "\(seen.otherTimeZoneData.joined(separator: ", "))",
                ])
        }
        toldTimeZoneData = seen.otherTimeZoneData
    }

    private func tell(_ news: ClockDrift.News?) {
        switch news {
        case .differs(let seconds):
            services.logger.warning(
                """
                the clock of this machine is not that of the database; jobs start by this one, and \
                rows are dated by the other
                """, metadata: ["aheadSeconds": "\(Self.rounded(seconds))"])
        case .agrees(let seconds):
            services.logger.notice(
                "the clock of this machine agrees with that of the database again",
                metadata: ["aheadSeconds": "\(Self.rounded(seconds))"])
        case nil: break
        }
    }

    private static func rounded(_ seconds: Double) -> Double { (seconds * 10).rounded() / 10 }

    private func lookAfterOthers(isSteady: Bool, on connection: Connection) {
        do {
            if !hasBegun { try bench.ledger.forgetNodes(on: connection) }
            others.note(try bench.ledger.signs(on: connection), at: services.clock.uptime)
            if isSteady { try endSuspects(on: connection) }
        } catch {
            // A connection that is lost is found to be so by the next sign.
            services.logger.debug("others could not be looked at", metadata: ["error": "\(error)"])
        }
    }

    private func endSuspects(on connection: Connection) throws {
        let suspects = try bench.ledger.suspectRuns(
            of: others.silent(
                for: .seconds(suspectAfterSeconds), at: services.clock.uptime), on: connection)
        for suspect in suspects {
            switch try bench.ledger.endBackend(of: suspect, on: connection) {
            case .told:
                services.logger.warning(
                    "a node is not heard of; the backend of its run was ended",
                    metadata: suspect.metadata)
            case .gone: break
            case .notAllowed where toldRuns.insert(suspect.runID).inserted:
                services.logger.warning(
                    """
                    a node is not heard of, and this role may not end the backend of its run; it \
                    is left running (GRANT pg_signal_backend, pg_read_all_stats TO the role)
                    """, metadata: suspect.metadata)
            case .notAllowed: break
            }
        }
        toldRuns.formIntersection(suspects.map(\.runID))
    }
}

extension SuspectRun {
    fileprivate var metadata: Logger.Metadata {
        [
            "run": "\(runID.uuidString.lowercased())", "job": "\(job)", "owner": "\(node)",
            "unseenSince": "\(PlaceholderValues.rfc3339(unseenSince))",
            "backend": .stringConvertible(backendPID),
        ]
    }
}

/// Whether this process may suspect others: only one that has given its own signs without a gap for
/// as long as it asks of others. After an outage of the database, or after having been stopped
/// itself, the silence of the others says nothing.
struct Steadiness: Sendable {
    private let needed: Duration
    /// Since when the signs have been without a gap.
    private(set) var begin: Duration?
    private var last: Duration?

    init(neededSeconds: Double) { needed = .seconds(neededSeconds) }

    /// Takes note of a sign.
    ///
    /// - Returns: whether the signs have been steady for long enough.
    mutating func note(beatAt uptime: Duration) -> Bool {
        if let last, uptime - last > needed / 2 { begin = nil }
        last = uptime
        guard let begin else {
            begin = uptime
            return false
        }
        return uptime - begin >= needed
    }

    /// A sign could not be given.
    mutating func reset() { (begin, last) = (nil, nil) }
}

/// What is worth telling of how far a clock is before the database's.
struct ClockDrift: Sendable {
    enum News: Sendable, Hashable {
        /// It is off by more than it may, or by another span than was told.
        case differs(seconds: Double)
        /// It was off and is not any more.
        case agrees(seconds: Double)
    }

    /// How far it may be off, in seconds.
    static let boundSeconds = 2.0
    /// What was told last.
    private var told: Double?

    /// Takes note of a measurement.
    ///
    /// - Parameter roundTripSeconds: how long it took; half of it is the error.
    mutating func note(offsetSeconds offset: Double, roundTripSeconds: Double) -> News? {
        guard roundTripSeconds < Self.boundSeconds / 2 else { return nil }
        guard abs(offset) > Self.boundSeconds else {
            defer { told = nil }
            return told.map { _ in .agrees(seconds: offset) }
        }
        if let told, abs(offset - told) <= Self.boundSeconds { return nil }
        told = offset
        return .differs(seconds: offset)
    }
}
