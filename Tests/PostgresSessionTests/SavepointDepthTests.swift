import AlmanacTesting
import Foundation
import Testing

@testable import PostgresSession

@Suite("Savepoints three deep")
struct SavepointDepthTests {
    /// What happens at a level, after what is within it.
    enum Event: CaseIterable { case nothing, thrown, sql, swallowed, unsendable }

    struct Deliberate: Error {}

    /// The names of the levels that are to survive, given what happens at each, outermost first.
    ///
    /// Anything but `nothing` undoes a level and all within it; the enclosing level goes on.
    private func survivors(_ events: [Event]) -> [String] {
        let first = events.firstIndex { $0 != .nothing } ?? events.count
        return (0..<first).map(String.init)
    }

    private func run(_ session: Session, _ events: [Event], _ level: Int = 0) throws {
        guard level < events.count else { return }
        do {
            try session.withSavepoint {
                try session.add(Author(name: "\(level)"))
                try run(session, events, level + 1)
                switch events[level] {
                case .nothing: break
                case .thrown: throw Deliberate()
                case .sql: try session.execute("SELECT 1 / 0")
                case .swallowed: _ = try? session.execute("SELECT 1 / 0")
                case .unsendable: try session.add(Author(name: "\0"))
                }
            }
            #expect(events[level] == .nothing, "level \(level) of \(events) did not throw")
        } catch is Deliberate {
            #expect(events[level] == .thrown)
        } catch let error as PostgresError {
            let code: PostgresError.Code? =
                switch events[level] {
                case .sql: .serverError
                case .swallowed: .sessionFailed
                case .unsendable: .invalidParameter
                case .nothing, .thrown: nil
                }
            #expect(error.code == code, "level \(level) of \(events): \(error)")
        }
        #expect(session.state.phase != .failed, "level \(level) of \(events)")
    }

    @Test(
        "each level undoes itself and what is within it, whatever fails where",
        arguments: [
            false, true,
        ])
    func matrix(isInTransaction: Bool) async throws {
        try await onOwnTables { connection in
            for outer in Event.allCases {
                for middle in Event.allCases {
                    for inner in Event.allCases {
                        let events = [outer, middle, inner]
                        try withSession(connection) { session in
                            if isInTransaction { try session.execute("SELECT 1") }
                            try run(session, events)
                            let names = try session.query(Author.self)
                                .order { $0.name.ascending }.all().map(\.name)
                            #expect(names == survivors(events), "\(events)")
                            try session.add(Author(name: "after"))
                            try session.flush()
                        }
                    }
                }
            }
        }
    }

    @Test("values that can never be sent undo their own savepoints only, wherever they come")
    func unsendableRows() async throws {
        let library = try await Library.make()
        try library.session { session in
            var refused = 0
            for number in 0..<30 {
                do {
                    try session.withSavepoint {
                        try session.add(Author(name: number % 3 == 0 ? "a\0" : "\(number)"))
                    }
                } catch let error as PostgresError {
                    #expect(error.code == .invalidParameter)
                    refused += 1
                }
            }
            #expect(refused == 10)
            try session.commit()
        }
        #expect(try library.seen("SELECT count(*) FROM authors", as: Int.self) == 20)
    }

    @Test("a setting that fails inside of a savepoint is thrown as itself")
    func missingRole() async throws {
        try await onSharedDatabase { connection in
            var options = SessionOptions()
            options.role = "no_such_role"
            try withSession(connection, options) { session in
                let error = try failure {
                    try session.withSavepoint { () -> Void in try session.execute("SELECT 1") }
                }
                #expect(error.sqlState == "22023" && error.message.contains("no_such_role"))
                try session.rollback()
            }
        }
    }

    @Test("a savepoint around a lost connection throws what was lost, and nothing more")
    func lost() async throws {
        try await onSharedDatabase { connection in
            try withSession(connection) { session in
                _ = try failure(.connectionLost) {
                    try session.withSavepoint { () -> Void in
                        try session.withSavepoint { () -> Void in
                            try session.execute("SELECT pg_terminate_backend(pg_backend_pid())")
                        }
                    }
                }
                #expect(session.state.phase == .lost)
            }
        }
    }

    @Test("a commit inside of a savepoint ends it; what the body throws then is thrown alone")
    func committedInside() async throws {
        let library = try await Library.make()
        try library.session { session in
            #expect(throws: Deliberate.self) {
                try session.withSavepoint {
                    try session.add(Author(name: "kept"))
                    try session.commit()
                    throw Deliberate()
                }
            }
            try session.add(Author(name: "later"))
            try session.commit()
        }
        #expect(try library.seen("SELECT count(*) FROM authors", as: Int.self) == 2)
    }
}
