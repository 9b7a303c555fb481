package import Foundation
package import PostgresSession

// A run is known as dead when its backend is gone. Its process may go on nevertheless, with a
// program that it has started: a proxy or an administrator has taken the connection, which is idle
// meanwhile. Then the row is closed, the next attempt may begin, and the process must know.
extension Ledger {
    /// Of the runs that this node is working on those whose rows others have closed.
    package func endedRows(
        among active: [UUID], on connection: Connection
    ) throws -> [UUID: StopCause] {
        var ended: [UUID: StopCause] = [:]
        let rows = try connection.query(
            """
            SELECT run_id, state FROM \(runs) WHERE run_id = ANY(\(active)) \
            AND state IN ('orphaned', 'cancelled')
            """)
        for row in rows {
            guard let state = RunState(rawValue: try row.get("state", as: String.self)) else {
                continue
            }
            ended[try row.get("run_id", as: UUID.self)] = .endOfRow(state: state)
        }
        return ended
    }
}
