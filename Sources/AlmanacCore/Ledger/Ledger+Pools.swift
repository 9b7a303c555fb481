import Foundation
import PostgresSession
import Scheduling

// A slot of a pool is an advisory lock on the connection of its run. The server gives it back when
// the connection is cleaned or its backend is gone, whatever has become of the node.
extension Ledger {
    /// Claims a run of a pool: a slot first, so that no row says it runs that has none.
    func claim(
        _ order: RunOrder, in pool: PoolUse, clock: any WallClock, on connection: Connection
    ) throws -> ClaimResult {
        guard let slot = try takeSlot(of: pool, on: connection) else {
            return try waitForSlot(order, of: pool, on: connection)
        }
        let result: ClaimResult
        do {
            result = try claimOutsidePools(order, clock: clock, on: connection)
        } catch is DefinitionNotInForce {
            result = .stale
        }
        if case .claimed = result { return result }
        _ = try connection.query("SELECT pg_advisory_unlock(\(slot)::bigint)::text AS done")
        return result
    }

    /// - Returns: the key of the slot; nil when none is free.
    private func takeSlot(of pool: PoolUse, on connection: Connection) throws -> Int64? {
        let keys = (0..<max(1, pool.slots)).map { key(of: .slot, "\(pool.name) \($0)") }
        // The limit ends the scan with the first lock that could be had.
        let rows = try connection.query(
            """
            SELECT slot FROM unnest(\(keys)::bigint[]) AS slot \
            WHERE pg_try_advisory_lock(slot) LIMIT 1
            """)
        return try rows.first?.get("slot", as: Int64.self)
    }

    private func waitForSlot(
        _ order: RunOrder, of pool: PoolUse, on connection: Connection
    ) throws -> ClaimResult {
        let obstacle = "pool \(pool.name)"
        guard !order.isQueued, order.identity.trigger != .exec else { return .waits(obstacle) }
        if let state = try state(of: order.identity, on: connection) { return .taken(state) }
        try require(isInForce(order), on: connection)
        if let note = try recordPause(of: order, on: connection) { return .skipped(.paused, note) }
        if let result = try meetOverlap(of: order, on: connection) { return result }
        return try enqueue(order, behind: obstacle, startBy: order.nextDue, on: connection)
    }
}

extension RunOrder {
    /// When the next occurrence is due, if that is how long this one may wait.
    fileprivate var nextDue: Date? {
        guard job.dispatch.startingDeadline == .untilNext else { return nil }
        return job.recurrence.nextNominal(after: Instant(identity.scheduledFor))?.instant.date
    }
}
