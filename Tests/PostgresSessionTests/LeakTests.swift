import Foundation
import Testing

@testable import PostgresSession

@Suite("Sessions that end in any way")
struct LeakTests {
    /// `ALMANAC_LEAK_SESSIONS=10000` for a long look.
    static let count =
        ProcessInfo.processInfo.environment["ALMANAC_LEAK_SESSIONS"].flatMap { Int($0) } ?? 400

    private enum Ending: CaseIterable {
        case commit, rollback, drop, sqlError, swiftError, swallowed, staged, savepoint, stream,
            copy
        case failedCopy, stoppedCopyOut, traces, cancelled, batches, deferred, constraint
    }

    /// Runs a session that ends so, and lets whatever it throws pass.
    private static func run(_ ending: Ending, _ number: Int, _ engine: Engine) {
        _ = try? engine.withSession(for: "session \(number)") { session in
            try session.add(Author(name: "a\(number)"))
            try end(session, ending, number)
        }
    }

    private static func end(_ session: Session, _ ending: Ending, _ number: Int) throws {
        switch ending {
        case .commit: try session.commit()
        case .rollback: try session.rollback()
        case .drop: _ = try session.query(Author.self).count()
        case .sqlError: try session.execute("SELECT 1 / 0")
        case .swiftError: throw TimedOut()
        case .swallowed: _ = try? session.execute("nonsense")
        case .staged: try session.add(Book(title: "t\(number)"))
        case .deferred, .constraint: try fail(session, number, isDeferred: ending == .deferred)
        case .savepoint:
            _ = try? session.withSavepoint { try session.execute("SELECT * FROM nowhere") }
        case .stream:
            try session.stream("SELECT generate_series(1, 1000)", as: Int.self) { numbers in
                _ = try numbers.next()
                if number.isMultiple(of: 2) { throw TimedOut() }
            }
        case .copy, .failedCopy, .stoppedCopyOut, .batches: try bulk(session, ending, number)
        case .traces: try leaveTraces(session)
        case .cancelled:
            session.cancelHandle.cancel()
            try session.execute("SELECT 1")
        }
    }

    private static func fail(_ session: Session, _ number: Int, isDeferred: Bool) throws {
        if isDeferred { try session.execute("SET CONSTRAINTS ALL DEFERRED") }
        try session.execute(
            "INSERT INTO books (title) VALUES (\("twice \(number)")), (\("twice \(number)"))")
    }

    private static func bulk(_ session: Session, _ ending: Ending, _ number: Int) throws {
        switch ending {
        case .copy: try session.copyIn((1...50).map { Author(name: "c\($0)") })
        case .failedCopy:
            try session.copyIn((1...50).map { Book(title: "f\($0)", copies: -$0) })
        case .stoppedCopyOut:
            try session.copyOut("SELECT generate_series(1, 100000)") { (_: [String?]) in
                throw TimedOut()
            }
        default: try session.query(Author.self).inBatches(of: 40, committing: true) { _ in }
        }
    }

    /// All that a connection could bring to its next user.
    private static func leaveTraces(_ session: Session) throws {
        for statement in [
            "SET work_mem = '9MB'", "CREATE TEMP TABLE leftover (x int)", "LISTEN leftover",
            "SELECT pg_advisory_lock(42)", "PREPARE leftover AS SELECT 1",
        ] as [SQL] {
            try session.execute(statement)
        }
    }

    private struct State: Equatable {
        var backends: Int
        var open: Int
        var locks: Int
    }

    private static func state(_ library: Library, _ watcher: Connection) throws -> State {
        let row = try watcher.query(
            """
            SELECT count(*) FILTER (WHERE pid <> pg_backend_pid()) AS backends,
                count(*) FILTER (WHERE pid <> pg_backend_pid() AND state <> 'idle') AS open,
                (SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
                 WHERE d.datname = current_database() AND l.pid <> pg_backend_pid()) AS locks
            FROM pg_stat_activity
            WHERE datname = current_database() AND backend_type = 'client backend'
            """)[0]
        return State(
            backends: try row.get("backends"), open: try row.get("open"),
            locks: try row.get("locks"))
    }

    @Test("no backend, no lock and no memory stays behind")
    func endings() async throws {
        let library = try await Library.make(poolSize: 3)
        let watcher = try library.engine.connect(for: "watcher")
        defer { watcher.close() }
        var random = SeededGenerator.printed("endings")
        // What is kept for good is there after some rounds: caches, layouts, prepared statements.
        for number in 0..<min(Self.count, 200) {
            Self.run(Ending.allCases[number % Ending.allCases.count], number, library.engine)
        }
        let before = try residentKilobytes()
        for number in 0..<Self.count {
            Self.run(
                Ending.allCases.randomElement(using: &random) ?? .drop, 1000 + number,
                library.engine)
            if number.isMultiple(of: 100) { try watcher.execute("TRUNCATE authors, books") }
        }
        let grown = try residentKilobytes() - before
        #expect(library.engine.statistics.inUse == 0 && library.engine.statistics.waiting == 0)
        try eventually { try Self.state(library, watcher).open == 0 }
        let after = try Self.state(library, watcher)
        #expect(after.backends <= 3 && after.locks == 0, "\(after)")
        #expect(grown < 5000, "grown by \(grown) kB in \(Self.count) sessions")
        print("\(Self.count) sessions: \(grown) kB, \(after)")
    }

    @Test("what one leaves in its session the next does not find, whatever that was")
    func traces() async throws {
        let library = try await Library.make(poolSize: 1)
        var random = SeededGenerator.printed("traces")
        for number in 0..<40 {
            Self.run(
                Ending.allCases.randomElement(using: &random) ?? .traces, number, library.engine)
            try library.engine.withConnection { connection in
                #expect(connection.transactionStatus == .idle)
                let clean: Bool = try connection.query(
                    """
                    SELECT current_setting('work_mem') = '4MB' AND to_regclass('leftover') IS NULL
                        AND NOT EXISTS (SELECT FROM pg_listening_channels())
                        AND NOT EXISTS (SELECT FROM pg_cursors WHERE name <> '')
                        AND NOT EXISTS (SELECT FROM pg_prepared_statements WHERE from_sql)
                        AND NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory')
                    """)[0].get(at: 0)
                #expect(clean)
            }
        }
    }

    private func residentKilobytes() throws -> Int {
        let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
            .split(separator: " ")
        return (Int(fields[1]) ?? 0) * 4
    }
}
