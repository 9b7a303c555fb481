import Foundation
import PostgresSession
import Synchronization

/// What is seen of a run while it is rehearsed.
///
/// Filled on the thread of the run; another one may cancel its statement.
final class RehearsalNotes: Sendable {
    private struct State {
        var statements: [RehearsalReport.Statement] = []
        var places: [String: Int] = [:]
        var others = 0
        var statement: CancelHandle?
        var isFirstChunkDone = false
        var isClosed = false
    }

    private let state = Mutex(State())
    /// How many different statements are told one by one.
    static let statementLimit = 50

    /// What was executed, each text once.
    var statements: [RehearsalReport.Statement] { state.withLock { $0.statements } }
    /// How many statements there were besides.
    var others: Int { state.withLock { $0.others } }
    var isFirstChunkDone: Bool { state.withLock { $0.isFirstChunkDone } }

    /// Takes note of a statement that was executed.
    func note(_ executed: ExecutedStatement) {
        let text = executed.text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        state.withLock { state in
            guard !state.isClosed else { return }
            let place: Int
            if let known = state.places[text] {
                place = known
            } else if state.statements.count < Self.statementLimit {
                place = state.statements.count
                state.places[text] = place
                state.statements.append(RehearsalReport.Statement(text: text))
            } else {
                state.others += 1
                return
            }
            state.statements[place].times += 1
            state.statements[place].rowsAffected += executed.rowsAffected
            state.statements[place].milliseconds += executed.seconds * 1_000
        }
    }

    /// The task is done: what is executed from here on is not its doing.
    func close() { state.withLock { $0.isClosed = true } }

    /// A chunk has come to where it would be committed: as far as a rehearsal goes.
    func endOfChunk() -> EndOfRehearsal {
        state.withLock { $0.isFirstChunkDone = true }
        return EndOfRehearsal()
    }

    /// Says how the statement that runs is cancelled.
    func attach(_ statement: CancelHandle) { state.withLock { $0.statement = statement } }

    /// Cancels the statement that runs.
    func cancelStatement() { _ = state.withLock { $0.statement }?.cancel(timeoutSeconds: 1) }
}

/// Thrown where a rehearsal ends before the task does.
struct EndOfRehearsal: Error {}
