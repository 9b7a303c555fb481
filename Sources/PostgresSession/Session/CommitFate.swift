/// What became of a COMMIT whose answer was lost.
public enum CommitFate: String, Sendable, Hashable, CaseIterable {
    /// It was carried out.
    case committed
    /// Nothing of the transaction was written.
    case rolledBack
    /// The server cannot say: it has crashed since, another one has taken its place, it was too
    /// long ago, or the transaction had no id.
    case unknown
}

extension Session {
    /// What became of the COMMIT that was in doubt, as the server tells another connection.
    ///
    ///     do {
    ///         try session.commit()
    ///     } catch let error as PostgresError where error.code == .commitInDoubt {
    ///         guard try session.commitFate() == .committed else { throw error }
    ///     }
    ///
    /// Waits until the transaction is over. A backend that is not at work on it will never hear of
    /// its client again, and is ended; one that is at work gets five seconds before.
    ///
    /// Needs ``SessionOptions/notesTransactionID``; without it the answer is `unknown`.
    ///
    /// - Parameter waitSeconds: how long a server that cannot be reached is waited for.
    /// - Throws: ``PostgresError`` with code `NoTransaction` if no COMMIT of the session is in
    ///   doubt; why the server cannot be asked.
    public func commitFate(waitSeconds: Double = 30) throws -> CommitFate {
        try checkThread()
        guard let doubt else {
            throw PostgresError(.noTransaction, "no COMMIT of this session is in doubt")
        }
        if let fate = doubt.fate { return fate }
        let fate = try doubt.mark?.fate(connection.configuration, waitSeconds) ?? .unknown
        self.doubt?.fate = fate
        return fate
    }

    /// Whether the last COMMIT was in doubt and has been found carried out.
    package var isFoundCommitted: Bool { doubt?.fate == .committed }
}

/// A COMMIT whose answer was lost.
struct CommitDoubt: Sendable {
    let mark: TransactionMark?
    var fate: CommitFate?
}

/// What a transaction can be found by from another connection.
struct TransactionMark: Sendable, Hashable {
    private let transactionID: String
    /// Changes whenever the server may have forgotten a transaction id and given it to another
    /// transaction: with each start, and after the crash of a backend, which loses what was not
    /// yet on the disk while the postmaster lives on.
    private let serverLife: String
    private let processID: Int32
    private let startText: String

    private static let life: SQL = """
        pg_catalog.pg_postmaster_start_time()::text || ' ' || \
        pg_catalog.pg_stat_get_bgwriter_stat_reset_time()::text
        """

    /// What is asked of the transaction before its COMMIT.
    static let statement: SQL = """
        SELECT pg_catalog.pg_current_xact_id_if_assigned()::text AS id, \(life) AS life
        """

    /// The answer to `statement`; nil if the transaction has written nothing.
    init?(_ row: Row?, on connection: Connection) {
        guard let id = row?.text("id"), let life = row?.text("life") else { return nil }
        transactionID = id
        serverLife = life
        processID = connection.backendProcessID
        startText = connection.backendStartText
    }

    /// How long a backend may be at work on the COMMIT.
    private static let patienceSeconds = 5.0

    func fate(
        _ configuration: EngineConfiguration, _ waitSeconds: Double
    ) throws -> CommitFate {
        let start = MonotonicClock.seconds
        var pauseSeconds = 0.02
        while true {
            do {
                let connection = try Connection(configuration, for: "commit in doubt")
                defer { connection.close() }
                return try fate(connection, patientUntil: start + Self.patienceSeconds)
            } catch let error as PostgresError where error.classification == .connection {
                let isLate = MonotonicClock.seconds + pauseSeconds > start + waitSeconds
                guard !isLate else { throw error }
                MonotonicClock.pause(seconds: pauseSeconds)
                pauseSeconds = min(pauseSeconds * 2, 1)
            }
        }
    }

    private func fate(_ connection: Connection, patientUntil end: Double) throws -> CommitFate {
        while true {
            switch try status(connection) {
            case "committed": return .committed
            case "aborted": return .rolledBack
            case "in progress": break
            default: return .unknown
            }
            try terminate(connection, alsoAtWork: MonotonicClock.seconds > end)
            MonotonicClock.pause(seconds: 0.02)
        }
    }

    /// Nil where the id tells nothing any more.
    private func status(_ connection: Connection) throws -> String? {
        try connection.query(
            """
            SELECT CASE WHEN \(Self.life) = \(serverLife)::text \
            THEN pg_catalog.pg_xact_status(\(transactionID)::text::xid8) END AS status
            """
        ).first?.text("status")
    }

    private func terminate(_ connection: Connection, alsoAtWork: Bool) throws {
        _ = try connection.query(
            """
            SELECT pg_catalog.pg_terminate_backend(a.pid)::text AS done \
            FROM pg_catalog.pg_stat_get_activity(\(processID)) AS a \
            WHERE a.backend_start = \(startText)::text::timestamptz \
            AND (a.state IS DISTINCT FROM 'active' OR a.wait_event = 'ClientRead' \
            OR \(alsoAtWork)::bool)
            """)
    }
}
