import Logging
import PostgresSession

/// Opens the ledger at a node's start, and waits for a database that is away.
struct LedgerOpening: Sendable {
    let bookkeeper: Bookkeeper
    let services: NodeServices
    /// Whether the node was asked to stop meanwhile.
    let isStopped: @Sendable () -> Bool

    /// Brings the schema up to date and puts the schedule in force.
    ///
    /// - Parameter waits: whether to try again for as long as no server answers, or none that can
    ///   write. What the server refuses for good, such as a wrong password, is thrown at once.
    /// - Returns: nil if the node was stopped before.
    /// - Throws: `LedgerError` or `PostgresError`.
    func open(_ schedule: Schedule, waits: Bool) async throws -> Activation? {
        var pauses = Backoff(initialMilliseconds: 100, maxMilliseconds: 5_000)
        var isAway = false
        while true {
            do {
                let activation = try await openOnce(schedule)
                if isAway { services.logger.notice("the database is back") }
                return activation
            } catch {
                let trouble = LedgerTrouble(error)
                guard waits, trouble.isGeneral, let pause = pauses.next() else { throw error }
                if !isAway {
                    services.logger.warning(
                        "\(trouble.notice)", metadata: ["error": "\(trouble.text)"])
                }
                isAway = true
                guard await wait(pause) else { return nil }
            }
        }
    }

    private func openOnce(_ schedule: Schedule) async throws -> Activation {
        let steps = try await bookkeeper.migrate()
        if let first = steps.first, let last = steps.last {
            logMigration(from: first.version - 1, to: last.version)
        }
        for note in try await bookkeeper.confirmIdentity(environment: services.environment) {
            services.logger.warning("\(note)")
        }
        let activation = try await bookkeeper.activate(schedule)
        // Somebody may have named other files than at the last start, and ends its jobs.
        if let change = activation.change, !change.isEmpty {
            services.logger.notice("the schedule has changed", metadata: change.metadata)
        }
        return activation
    }

    private func logMigration(from old: Int, to new: Int) {
        guard old > 0 else { return services.logger.notice("ledger made") }
        services.logger.notice(
            "ledger upgraded",
            metadata: ["from": .stringConvertible(old), "to": .stringConvertible(new)])
    }

    /// - Returns: false if the node was stopped.
    private func wait(_ pause: Duration) async -> Bool {
        let end = services.clock.uptime + pause
        while services.clock.uptime < end {
            if isStopped() { return false }
            guard (try? await services.clock.sleep(for: .milliseconds(100))) != nil else {
                return false
            }
        }
        return !isStopped()
    }
}
