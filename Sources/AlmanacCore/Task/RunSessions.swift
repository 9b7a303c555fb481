import Foundation
import Logging
import PostgresSession

/// The sessions of one attempt: the run's own, and after it a new one for the hooks.
final class RunSessions {
    private let run: ClaimedRun
    private let connection: Connection
    private let bench: Workbench
    private let control: RunControl
    private let logger: Logger
    private let rehearsal: RehearsalNotes?
    private var isConcluded = false
    private var concludedRows: Int?
    /// The session, if anybody has asked for it.
    private(set) var opened: Session?

    /// - Parameters:
    ///   - connection: the one that the run was claimed over. Its backend is the proof that the run
    ///     lives, so the run's session has no other.
    ///   - logger: one that has the run's labels.
    ///   - rehearsal: takes notes of a run that is to be rolled back.
    init(
        run: ClaimedRun, connection: Connection, bench: Workbench, control: RunControl,
        logger: Logger, rehearsal: RehearsalNotes? = nil
    ) {
        self.rehearsal = rehearsal
        self.run = run
        self.connection = connection
        self.bench = bench
        self.control = control
        self.logger = logger
    }

    /// The session, made on first use. On a connection that is lost its every use throws that.
    var current: Session {
        if let opened { return opened }
        let session: Session
        if isConcluded {
            session = Session(on: (try? bench.connection()) ?? connection, options: hookOptions)
        } else {
            session = Session(on: connection, options: runOptions)
        }
        rehearsal?.attach(session.cancelHandle)
        control.attach(statement: session.cancelHandle, on: Backend(of: session.connection))
        opened = session
        return session
    }

    var ledger: Ledger { bench.ledger }

    /// Where an attempt before has left the work of the occurrence.
    var resumption: Resumption? { run.resumption }

    /// The clock of the run.
    var clock: any WallClock { bench.clock }

    /// Commits a chunk with its checkpoint, fenced like the run's outcome.
    ///
    /// - Throws: `ChunkError`; `PostgresError`, one with code `FenceLost` when the run is no longer
    ///   this node's.
    func commit(checkpoint: String, _ progress: RunProgress) throws {
        guard run.job.transaction == .perRun else { throw ChunkError.wrongTransaction }
        if let rehearsal { throw rehearsal.endOfChunk() }
        let statement = bench.ledger.chunk(
            of: run.identity, checkpoint: checkpoint, progress: progress)
        do {
            try current.finish(with: statement, expectingRows: 1)
        } catch let doubt as PostgresError where doubt.code == .commitInDoubt {
            // The checkpoint was written with the chunk's work, or neither was.
            throw PostgresError(
                .connectionLost,
                "the connection was lost during the COMMIT of a chunk; the checkpoint in the "
                    + "run's row tells whether it was carried out, and the next attempt goes on "
                    + "from there", sqlState: doubt.sqlState, underlying: doubt.underlying)
        }
        bench.onProgress?(run, progress)
    }

    /// How many rows the run's own session has changed; nil when it was never asked for.
    var rowsAffected: Int? { isConcluded ? concludedRows : opened?.rowsAffected }

    /// Closes the run's own session; the next one to ask gets one for hooks.
    func conclude() {
        concludedRows = rowsAffected
        isConcluded = true
        close()
    }

    /// Closes whatever session there is. Never throws.
    func close() {
        opened?.close()
        opened = nil
    }

    /// How long a run's transaction may be idle without a word.
    private static let idleLimitSeconds = 60.0

    private var runOptions: SessionOptions {
        var options = SessionOptions()
        options.mode = run.job.transaction == .none ? .autocommit : .transactional
        options.commitPolicy = run.job.transaction == .perRun ? .reserved : .allowed
        options.notesTransactionID = run.job.transaction == .explicit
        run.job.session.apply(to: &options)
        options.applicationName = run.identity.applicationName
        if let rehearsal { options.onStatement = { rehearsal.note($0) } }
        let limit = run.job.session.statementTimeoutSeconds.map { Int($0) * 1_000 }
        let control = control
        let deadline = run.deadline
        let clock = bench.clock
        options.idleWarning = .init(limitSeconds: Self.idleLimitSeconds) { [logger] seconds in
            logger.warning(
                "the run's transaction was open and idle, and held its locks meanwhile",
                metadata: ["idleSeconds": "\(Int(seconds))"])
        }
        options.statementTimeout = {
            // A run that was asked to stop gets no further than its next statement.
            if control.stopCause != nil { return 0 }
            guard let deadline else { return limit }
            return min(
                Int(deadline.secondsLeft(by: clock) * 1000), limit ?? .max,
                ServerLimit.longestMilliseconds)
        }
        return options
    }

    private var hookOptions: SessionOptions {
        var options = SessionOptions()
        options.applicationName = run.identity.applicationName
        return options
    }
}

/// What Postgres takes for a limit on time.
enum ServerLimit {
    /// Limits are whole milliseconds in 32 bits, which is 24.8 days. What is longer is this node's
    /// own affair.
    static let longestMilliseconds = Int(Int32.max)
    static let longestSeconds = Int64(longestMilliseconds / 1_000)
}

extension RunIdentity {
    /// What the server shows of a run's connection. Postgres keeps 63 bytes: the id comes first,
    /// since a long job name would push it out.
    package var applicationName: String { "almanac \(runID.uuidString.lowercased()) \(job)" }
}
