package import Foundation
package import PostgresSession

/// A process that runs jobs, as the ledger is to know it.
package struct NodeEntry: Sendable {
    /// What kind of process it is.
    package enum Kind: String, Sendable {
        /// `almanac run`: plans, claims, and looks after others.
        case scheduler
        /// `almanac exec`: one occurrence in the foreground.
        case exec
    }

    package let kind: Kind
    package let host: String
    package let processID: Int32
    package let programVersion: String?
    package let workers: Int
    /// The time zone data that it reckons by.
    package let timeZoneData: String

    package init(
        kind: Kind = .scheduler, host: String = ProcessInfo.processInfo.hostName,
        processID: Int32 = ProcessInfo.processInfo.processIdentifier,
        programVersion: String? = nil, workers: Int = 1,
        timeZoneData: String = TimeZone.timeZoneDataVersion
    ) {
        self.kind = kind
        self.host = host
        self.processID = processID
        self.programVersion = programVersion
        self.workers = workers
        self.timeZoneData = timeZoneData
    }
}

/// What a process sees when it looks up from its work.
package struct NodeSurroundings: Sendable, Hashable {
    /// The database's clock at the look.
    package let now: Date
    /// The time zone data of others that are at work, where it is not the same.
    package let otherTimeZoneData: [String]
}

extension Ledger {
    /// After how many days a process that has ended, or is not heard of, is forgotten.
    static let nodeDays = 7

    /// Writes that this process lives and is seen now, by the database's clock.
    ///
    /// Waits for no disk: after a crash of the server every node says it again.
    ///
    /// - Parameters:
    ///   - version: the schedule that it has.
    ///   - clockOffset: how far its clock is before the database's, in seconds.
    package func beat(
        _ entry: NodeEntry, version: Int64?, clockOffset: Double?, on connection: Connection
    ) throws {
        try connection.execute(
            """
            INSERT INTO \(table("nodes")) AS n (node, kind, host, process_id, program_version, \
            workers, schedule_version, tzdata_version, backend_pid, backend_start, clock_offset) \
            SELECT \(node)::text, \(entry.kind.rawValue)::text, \(entry.host)::text, \
            \(Int(entry.processID))::int, \(entry.programVersion)::text, \(entry.workers)::int, \
            \(version)::bigint, \(entry.timeZoneData)::text, pg_backend_pid(), \
            \(connection.backendStartText)::text::timestamptz, \
            make_interval(secs => \(clockOffset)::float8) \
            FROM set_config('synchronous_commit', 'off', true) \
            ON CONFLICT (node) DO UPDATE SET seen_at = clock_timestamp(), \
            schedule_version = excluded.schedule_version, backend_pid = excluded.backend_pid, \
            backend_start = excluded.backend_start, clock_offset = excluded.clock_offset, \
            stopped_at = NULL
            """)
    }

    /// Forgets processes of long ago. One that still has a run is kept.
    package func forgetNodes(on connection: Connection) throws {
        try connection.execute(
            """
            DELETE FROM \(table("nodes")) AS n WHERE coalesce(n.stopped_at, n.seen_at) \
            < clock_timestamp() - make_interval(days => \(Self.nodeDays)::int) \
            AND NOT EXISTS (SELECT FROM \(runs) AS r WHERE r.node = n.node AND r.state = 'running')
            """)
        try connection.execute(
            """
            DELETE FROM \(table("suspicions")) AS s WHERE s.suspected_at \
            < clock_timestamp() - make_interval(days => \(Self.nodeDays)::int) \
            AND NOT EXISTS (SELECT FROM \(runs) AS r WHERE r.run_id = s.run_id \
            AND r.state IN ('queued', 'running'))
            """)
    }

    /// Writes that this process has ended well. Of one in the foreground nothing is kept: its run
    /// says all there is.
    package func endNode(_ kind: NodeEntry.Kind, on connection: Connection) throws {
        switch kind {
        case .scheduler:
            try connection.execute(
                """
                UPDATE \(table("nodes")) SET stopped_at = GREATEST(clock_timestamp(), seen_at) \
                WHERE node = \(node)
                """)
        case .exec:
            try connection.execute("DELETE FROM \(table("nodes")) WHERE node = \(node)")
        }
    }

    /// The database's clock, and what of other nodes a node should know.
    package func surroundings(
        of entry: NodeEntry, on connection: Connection
    ) throws -> NodeSurroundings {
        let rows = try connection.query(
            """
            SELECT clock_timestamp() AS now, ARRAY(SELECT DISTINCT n.tzdata_version \
            FROM \(table("nodes")) AS n WHERE n.kind = 'scheduler' AND n.stopped_at IS NULL \
            AND n.seen_at > clock_timestamp() - interval '1 minute' \
            AND n.tzdata_version <> \(entry.timeZoneData) ORDER BY 1) AS others
            """)
        guard let row = rows.first else {
            throw LedgerError(message: "the database does not say what time it is")
        }
        return NodeSurroundings(
            now: try row.get("now"), otherTimeZoneData: try row.get("others"))
    }
}
