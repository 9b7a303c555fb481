import Logging
import PostgresSession

/// What is done about a COMMIT whose answer was lost: it is found out what became of it, so that a
/// run is neither taken for failed nor done again while its work is in the database.
struct DoubtfulCommit {
    let run: ClaimedRun
    let bench: Workbench
    let logger: Logger

    /// Returns if the COMMIT of the run's own transaction, with its outcome, was carried out.
    ///
    /// - Throws: `PostgresError` with code `ConnectionLost` if it was not, and the doubt itself if
    ///   the server could not be asked.
    func settle(_ doubt: PostgresError) async throws {
        let fate: CommitFate
        do {
            fate = try await bench.persist { ledger, connection in
                try ledger.commitFate(of: run, on: connection)
            }
        } catch {
            logger.error(
                "the connection was lost during COMMIT, and the server cannot be asked about it",
                metadata: run.identity.metadata.merging(["error": "\(error)"]) { $1 })
            throw doubt
        }
        note(fate)
        if fate != .committed { throw Self.lost(because: doubt) }
    }

    /// What is known of an error of a task that commits by itself: a COMMIT in doubt that was
    /// rolled back is no more than a lost connection.
    func explained(_ error: any Error, of session: Session?) -> any Error {
        guard run.job.transaction == .explicit, var doubt = error as? PostgresError,
            doubt.code == .commitInDoubt, let session
        else { return error }
        let fate = (try? session.commitFate()) ?? .unknown
        note(fate)
        switch fate {
        case .committed:
            doubt.detail = "The server says that it was carried out"
            doubt.hint = "What the task had to do after that COMMIT is missing"
            return doubt
        case .rolledBack: return Self.lost(because: doubt)
        case .unknown: return doubt
        }
    }

    private func note(_ fate: CommitFate) {
        let found =
            switch fate {
            case .committed: "it was carried out"
            case .rolledBack: "it was not carried out"
            case .unknown: "the server does not know what became of it"
            }
        logger.warning(
            "the connection was lost during COMMIT; \(found)", metadata: run.identity.metadata)
    }

    private static func lost(because doubt: PostgresError) -> PostgresError {
        PostgresError(
            .connectionLost, "the connection was lost during COMMIT, which was not carried out",
            sqlState: doubt.sqlState, underlying: doubt.underlying)
    }
}
