import AlmanacTesting
import Foundation
import Testing

@testable import PostgresSession

@Suite("The states of a session")
struct SessionStateTests {
    typealias Phase = SessionState.Phase
    typealias Event = SessionState.Event

    /// For each phase, where each event leads, in the order of `Event.allCases`.
    static let transitions: [(Phase, [Phase])] = [
        (.idle, [.idle, .active, .failed, .lost, .closed]),
        (.active, [.idle, .active, .failed, .lost, .closed]),
        (.failed, [.idle, .active, .failed, .lost, .closed]),
        (.lost, [.lost, .lost, .lost, .lost, .closed]),
        (.closed, [.closed, .closed, .closed, .closed, .closed]),
    ]

    @Test("every event in every state leads where the table says", arguments: transitions)
    func transition(phase: Phase, expected: [Phase]) {
        #expect(Event.allCases.map { SessionState.next(phase, $0) } == expected)
    }

    /// For each phase, what each entry is refused with, in the order of `Entry.allCases`: stage,
    /// statement, savepoint, rollbackToSavepoint, commit, rollback, close.
    static let refusals: [(Phase, [PostgresError.Code?])] = [
        (.idle, [nil, nil, nil, .noTransaction, nil, nil, nil]),
        (.active, [nil, nil, nil, nil, nil, nil, nil]),
        (.failed, [.sessionFailed, .sessionFailed, .sessionFailed, nil, nil, nil, nil]),
        (
            .lost,
            [
                .connectionLost, .connectionLost, .connectionLost, .connectionLost,
                .connectionLost, nil, nil,
            ]
        ),
        (
            .closed,
            [
                .sessionClosed, .sessionClosed, .sessionClosed, .sessionClosed, .sessionClosed,
                .sessionClosed, nil,
            ]
        ),
    ]

    @Test("every entry in every state is refused as the table says", arguments: refusals)
    func refusal(phase: Phase, expected: [PostgresError.Code?]) {
        #expect(SessionState.Entry.allCases.map { SessionState.refusal(phase, $0) } == expected)
    }

    @Test("the tables have no gap")
    func complete() {
        #expect(Self.transitions.map(\.0) == Phase.allCases)
        #expect(Self.refusals.map(\.0) == Phase.allCases)
    }

    @Test("the first error is kept, and forgotten with the transaction")
    func cause() {
        var state = SessionState()
        let first = PostgresError(.uniqueViolation, "first", sqlState: "23505")
        state.observe(.inTransaction)
        state.observe(.inFailedTransaction, first)
        state.observe(.inFailedTransaction, PostgresError(.sessionFailed, "second"))
        #expect(state.cause?.message == "first")
        #expect(throws: PostgresError.self) { try state.admit(.statement) }
        state.observe(.idle)
        #expect(state.cause == nil && state.phase == .idle)
        state.observe(.unknown, PostgresError(.connectionLost, "gone"))
        #expect(state.phase == .lost && state.cause?.message == "gone")
    }
}

@Suite("Misuse of a session")
struct SessionMisuseTests {
    static let uses: [(name: String, use: @Sendable (Session) throws -> Void)] = [
        ("execute", { try $0.execute("SELECT 1") }),
        ("rows", { try $0.rows("SELECT 1") }),
        ("scalar", { _ = try $0.scalar("SELECT 1", as: Int32.self) }),
        ("add", { try $0.add(Book(title: "x")) }),
        ("delete", { try $0.delete(Book(id: 1, title: "x")) }),
        ("flush", { try $0.flush() }),
        ("commit", { try $0.commit() }),
        ("rollback", { try $0.rollback() }),
        ("savepoint", { try $0.withSavepoint {} }),
        ("query", { _ = try $0.query(Book.self).all() }),
        ("count", { _ = try $0.query(Book.self).count() }),
        ("get", { _ = try $0.get(Book.self, 1) }),
        ("refresh", { _ = try $0.refresh(Book(id: 1, title: "x")) }),
        ("hasUncommittedChanges", { _ = try $0.hasUncommittedChanges }),
        ("finish", { try $0.finish(with: "SELECT 1", expectingRows: 0) }),
    ]

    @Test("every use from another thread is refused, and leaves the session as it was")
    func wrongThread() async throws {
        let library = try await Library.make()
        try library.session { session in
            try session.execute("INSERT INTO books (title) VALUES ('Dune')")
            for (name, use) in Self.uses {
                let code = try onThread { try failure { try use(session) }.code }
                #expect(code == .wrongThread, "\(name)")
            }
            try onThread { session.close() }
            #expect(try session.scalar("SELECT count(*) FROM books", as: Int.self) == 1)
            try session.commit()
        }
        #expect(try library.titles() == ["Dune"])
    }

    @Test("every use after close is refused")
    func closed() async throws {
        let library = try await Library.make()
        try library.session { session in
            session.close()
            #expect(session.isClosed)
            for (name, use) in Self.uses {
                let error = try failure { try use(session) }
                #expect(error.code == .sessionClosed, "\(name)")
            }
        }
    }

    @Test("without confinement a session may move between threads")
    func unconfined() async throws {
        let library = try await Library.make()
        var options = SessionOptions()
        options.isThreadConfined = false
        try library.session(options) { session in
            try session.add(Book(title: "Dune"))
            try onThread { try session.commit() }
        }
        #expect(try library.titles() == ["Dune"])
    }
}
