import Logging
package import PostgresSession
import Scheduling

/// Seals the days that are over and lets retention remove what it may, once in an hour and on one
/// node at a time. On a thread and a connection of its own: nothing else waits for it, and what
/// goes wrong is logged and tried again.
package actor Housekeeper {
    package nonisolated let thread = WorkerThread(name: "almanac-housekeeper")
    private let services: NodeServices
    private var errands: Task<Void, Never>?

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        thread.asUnownedSerialExecutor()
    }

    /// What one round has done.
    package struct Round: Sendable {
        /// Whether another node was at it.
        package var wasBusy = false
        package var seals: [Seal] = []
        package var pruned = PruneResult()
    }

    /// When the first round is after a start: a node that is starting has other things to do.
    static let firstPause = Duration.seconds(60)
    /// How long to wait between two rounds.
    static let pause = Duration.seconds(3_600)
    /// How long to rest between two days of many rows, so that others get at the disk.
    static let restBetweenDays = Duration.milliseconds(100)

    package init(services: NodeServices) { self.services = services }

    /// Begins to do rounds.
    func start() {
        let clock = services.clock
        errands = Task {
            try? await clock.sleep(for: Self.firstPause)
            while !Task.isCancelled {
                await self.doRound()
                try? await clock.sleep(for: Self.pause)
            }
        }
    }

    /// Ends the rounds; one that goes on ends with the day that it is at.
    func stop() async {
        errands?.cancel()
        await errands?.value
        thread.stop()
    }

    private func doRound() async {
        do {
            let round = try await round()
            guard round.pruned.rowCount > 0 else { return }
            services.logger.notice(
                "retention has removed rows",
                metadata: [
                    "rows": .stringConvertible(round.pruned.rowCount),
                    "jobs": .stringConvertible(round.pruned.occurrences.count),
                ])
        } catch {
            services.logger.warning(
                "seals and retention have to wait", metadata: ["error": "\(error)"])
        }
    }

    /// Seals all that can be sealed, and removes all that can be removed.
    package func round() async throws -> Round {
        let connection = try services.engine.connect(for: "housekeeper")
        defer { connection.close() }
        var round = Round()
        let ledger = services.ledger
        guard try ledger.beginHousekeeping(on: connection) else {
            round.wasBusy = true
            return round
        }
        try ledger.forgetNotifications(on: connection)
        for day in try ledger.unsealedDays(on: connection) where !Task.isCancelled {
            let seal = try ledger.inTransaction(on: connection) {
                try ledger.seal(day: day, on: connection)
            }
            log(seal)
            round.seals.append(seal)
            await rest(after: seal.rowCount)
        }
        for day in try ledger.prunableDays(on: connection) where !Task.isCancelled {
            let result = try ledger.prune(day: day, on: connection)
            for day in result.brokenDays { logBroken(day) }
            round.pruned.add(result)
            await rest(after: result.rowCount)
        }
        return round
    }

    private func rest(after rowCount: Int) async {
        guard rowCount > 1_000 else { return }
        try? await services.clock.sleep(for: Self.restBetweenDays)
    }

    /// The line can be kept elsewhere: then not even who may write to the table can change a day
    /// and its seal.
    private func log(_ seal: Seal) {
        services.logger.notice(
            "sealed a day",
            metadata: [
                "day": "\(seal.day)", "rows": .stringConvertible(seal.rowCount),
                "digest": "\(seal.digest)",
            ])
    }

    private func logBroken(_ day: String) {
        services.logger.error(
            """
            the rows of a day are not those that were sealed; nothing of it is removed, and \
            `almanac verify --seals` says more
            """, metadata: ["day": "\(day)"])
    }
}

extension Ledger {
    /// Takes the lock under which one node at a time seals and prunes, until the connection is
    /// closed.
    ///
    /// - Returns: false when another one has it.
    package func beginHousekeeping(on connection: Connection) throws -> Bool {
        let rows = try connection.query(
            "SELECT pg_try_advisory_lock(\(key(of: .housekeeping, ""))::bigint) AS taken")
        return try rows.first?.get("taken", as: Bool.self) ?? false
    }
}
