package import PostgresSession

/// What one thread works with: its connection, which it keeps from run to run, and the ledger.
///
/// Belongs to one thread and cannot be sent to another.
package final class Workbench {
    package let ledger: Ledger
    package let clock: any WallClock
    /// The database, for programs that a task starts.
    package let connectionString: String
    /// Told of each chunk that was committed.
    let onProgress: (@Sendable (ClaimedRun, RunProgress) -> Void)?
    private let engine: Engine
    private let name: String
    private var kept: Connection?
    /// Why the last write failed, if it did.
    private var lastFailure: PostgresError?
    /// Whether there is no time left to wait for a server that does not answer.
    private let isHurried: @Sendable () -> Bool

    /// Nothing is connected before the first use.
    package init(
        _ services: NodeServices, name: String,
        isHurried: @escaping @Sendable () -> Bool = { false }
    ) {
        self.isHurried = isHurried
        engine = services.engine
        ledger = services.ledger
        onProgress = services.onProgress
        clock = services.clock
        connectionString = services.connectionString
        self.name = name
    }

    /// The connection; a new one when there is none or it is broken.
    ///
    /// - Throws: `PostgresError` when the server cannot be reached.
    package func connection() throws -> Connection {
        if let kept, kept.isUsable { return kept }
        discard()
        let connection = try engine.connect(for: name)
        kept = connection
        return connection
    }

    /// Leaves nothing of a run on the connection; gives it up when that cannot be had.
    package func cleanUp() {
        guard let kept else { return }
        do { try kept.reset() } catch { discard() }
    }

    /// Gives the connection up.
    package func discard() {
        kept?.close()
        kept = nil
    }

    /// Writes what has to be written, over as many connections as it takes.
    ///
    /// Tries for about half a minute when the server does not answer or cannot take it now, once
    /// when it is hurried; what is wrong with the statement itself is thrown at once.
    package func persist<Result>(
        _ body: (Ledger, Connection) throws -> Result
    ) async throws -> Result {
        var backoff = Backoff(initialMilliseconds: 100, maxMilliseconds: 5_000, limit: 12)
        if isHurried(), let lastFailure { throw lastFailure }
        while true {
            do {
                let result = try body(ledger, try connection())
                lastFailure = nil
                return result
            } catch let error as PostgresError where error.mayPass {
                if error.classification == .connection { discard() }
                lastFailure = error
                guard !isHurried(), let pause = backoff.next() else { throw error }
                // Waits also when the run was cancelled: its outcome is still to be written.
                await waitUninterrupted(pause)
            }
        }
    }

    private func waitUninterrupted(_ pause: Duration) async {
        let clock = clock
        await Task.detached { try? await clock.sleep(for: pause) }.value
    }
}

extension PostgresError {
    /// Whether the same statement may succeed later: no answer, a full disk, a limit on its time.
    fileprivate var mayPass: Bool {
        switch classification {
        case .connection, .retryable, .cancelled: true
        case .data, .programming: sqlState == "25006"  // a standby, until it is promoted
        }
    }
}

/// Growing pauses between attempts, of a limited number.
package struct Backoff: Sendable {
    private var milliseconds: Int
    private let maxMilliseconds: Int
    private var remaining: Int

    package init(initialMilliseconds: Int, maxMilliseconds: Int, limit: Int = .max) {
        milliseconds = initialMilliseconds
        self.maxMilliseconds = maxMilliseconds
        remaining = limit
    }

    /// The next pause; nil when there are no more attempts.
    package mutating func next() -> Duration? {
        guard remaining > 0 else { return nil }
        remaining -= 1
        defer { milliseconds = min(milliseconds * 2, maxMilliseconds) }
        return .milliseconds(milliseconds)
    }
}
