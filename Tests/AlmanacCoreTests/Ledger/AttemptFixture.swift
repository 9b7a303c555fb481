import AlmanacTesting
import Foundation
import PostgresSession

@testable import AlmanacCore

extension LedgerFixture {
    /// A job with two attempts after the first, which follow at once.
    func retriedJob(_ name: String = "job", keys: String = "") throws -> JobDefinition {
        try runner.makeJob(
            task: "probe", parameters: "{journal: x, deed: succeed}",
            keys: "backoffLimit: 2\nbackoff: {initial: 0s}\n\(keys)", name: name)
    }

    /// Claims an occurrence and lets its first attempt fail.
    ///
    /// - Returns: the order for the attempt that follows.
    func failOnce(
        _ job: JobDefinition, at seconds: Int64, pauseSeconds: Double = 0,
        isInForeground: Bool = false, on connection: Connection
    ) throws -> RunOrder {
        let plain = order(job, at: seconds)
        let first = RunOrder(
            identity: plain.identity, job: job, worker: 1, version: nil, effects: .database,
            isInForeground: isInForeground)
        let clock = services.clock
        guard
            case .claimed(let run) = try services.ledger.claim(first, clock: clock, on: connection)
        else { throw ProbeError(description: "the first attempt was not claimed") }
        let recorded = try fail(run, pauseSeconds: pauseSeconds, on: connection)
        guard let next = recorded.next else { throw ProbeError(description: "nothing follows") }
        return first.followed(by: next)
    }

    func fail(
        _ run: ClaimedRun, pauseSeconds: Double? = nil, on connection: Connection
    ) throws -> RecordedFailure {
        let next = pauseSeconds.map { FollowUp(runID: UUID(), pauseSeconds: $0) }
        return try services.ledger.recordFailure(
            of: run, Failure(outcome: .failed(ProbeError(description: "x"))),
            output: OutputTail(), followedBy: next, on: connection)
    }

    func claim(_ order: RunOrder, on connection: Connection) throws -> ClaimResult {
        try services.ledger.claim(order, clock: services.clock, on: connection)
    }

    /// All rows: attempt, state, reason.
    func attempts(on connection: Connection) throws -> [String] {
        try connection.query(
            """
            SELECT attempt || ' ' || state || coalesce(' ' || reason, '') AS text \
            FROM almanac.runs ORDER BY scheduled_for, attempt
            """
        ).map { try $0.get("text") }
    }
}

/// A node that claims on a thread of its own, so that several really do so at once.
actor Racer {
    private nonisolated let thread = WorkerThread(name: "racer")
    private let fixture: LedgerFixture
    private let connection: Connection

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(_ fixture: LedgerFixture) throws {
        self.fixture = fixture
        connection = try fixture.connect()
    }

    /// Claims after a while, and leaves the run running.
    func claim(_ order: RunOrder, afterMicroseconds pause: Int) throws -> String {
        try result(of: order, afterMicroseconds: pause).kind
    }

    /// Claims after a while, and lets the run fail.
    func claimAndFail(_ order: RunOrder, afterMicroseconds pause: Int) throws -> String {
        let result = try result(of: order, afterMicroseconds: pause)
        if case .claimed(let run) = result { _ = try fixture.fail(run, on: connection) }
        return result.kind
    }

    private func result(
        of order: RunOrder, afterMicroseconds pause: Int
    ) throws -> ClaimResult {
        _ = try connection.query("SELECT pg_sleep(\(Double(pause) / 1_000_000))::text AS s")
        return try fixture.claim(order, on: connection)
    }

    /// Leaves nothing on the connection, as a worker does after a run.
    func finish() throws { try connection.reset() }

    func stop() {
        connection.close()
        thread.stop()
    }
}
