import Foundation
import Testing

@testable import PostgresSession

/// A row of `numbers`.
private struct Number: Record, Equatable {
    static let table = "numbers"
    var id: Int64
    var text: String
}

private func withNumbers(
    _ count: Int, _ options: SessionOptions = SessionOptions(),
    _ body: (Session) throws -> Void
) async throws {
    try await onSharedDatabase { connection in
        try connection.execute(
            """
            CREATE TEMP TABLE numbers AS SELECT id::int8, 'number ' || id AS text
            FROM generate_series(1, \(count)::int) AS id
            """)
        try connection.execute("CREATE UNIQUE INDEX ON numbers (id)")
        try withSession(connection, options, body)
    }
}

/// What the process has in memory, in bytes.
private func residentBytes() throws -> Int {
    let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(
        separator: " ")
    return (Int(fields[1]) ?? 0) * 4096
}

@Suite("Streams of rows")
struct StreamTests {
    @Test("all rows come, in order, a portion at a time, beside other work of the session")
    func all() async throws {
        try await withNumbers(5000) { session in
            let log = StatementLog(session.connection)
            let query = session.query(Number.self).filter { $0.id > 10 }.order { $0.id.ascending }
            var expected: Int64 = 11
            let count = try query.forEach { number in
                #expect(number == Number(id: expected, text: "number \(expected)"))
                if expected % 1000 == 0 {
                    let one = try session.scalar("SELECT \(expected)", as: Int64.self)
                    #expect(one == expected)
                }
                expected += 1
            }
            #expect(count == 4990 && expected == 5001)
            #expect((3...40).contains(log.count("FETCH")), "\(log.count("FETCH"))")
            #expect(session.rowsAffected == 0)
            try session.execute("SELECT 1")
            #expect(log.statements.contains { $0.hasPrefix("CLOSE ") })
        }
    }

    @Test("leaving early leaves the session as it was")
    func leaving() async throws {
        try await withNumbers(1000) { session in
            #expect(throws: TimedOut.self) {
                try session.query(Number.self).forEach { _ in throw TimedOut() }
            }
            let first = try session.query(Number.self).order { $0.id.ascending }.stream { cursor in
                try cursor.next()?.id
            }
            #expect(first == 1 && session.state.phase == .active)
            let cursors = try session.scalar(
                "SELECT count(*) FROM pg_cursors WHERE name LIKE 'session_%'", as: Int.self)
            #expect(cursors == 0)
            try session.commit()
        }
    }

    @Test("a commit inside is refused with the reason; a rollback ends the rows")
    func ends() async throws {
        try await withNumbers(1000) { session in
            try session.query(Number.self).stream { cursor in
                _ = try cursor.next()
                let error = try failure(.cursorOpen) { try session.commit() }
                #expect(error.hint?.contains("inBatches") == true)
                _ = try failure(.cursorOpen) { try session.execute("COMMIT") }
                #expect(session.state.phase == .active)
                try session.rollback()
                var ended: PostgresError?
                do {
                    while try cursor.next() != nil {}
                } catch let error as PostgresError { ended = error }
                #expect(ended?.code == .noTransaction)
            }
            try session.commit()
        }
    }

    @Test("values of any statement are streamed, with parameters")
    func values() async throws {
        try await withNumbers(300) { session in
            let limit = 250
            var sum = 0
            try session.stream("SELECT id FROM numbers WHERE id <= \(limit)", as: Int.self) {
                while let id = try $0.next() { sum += id }
            }
            #expect(sum == 250 * 251 / 2)
            let error = try failure(.typeMismatch) {
                try session.stream("SELECT text FROM numbers", as: Int.self) { _ = try $0.next() }
            }
            #expect(error.line != nil && session.state.phase == .active)
        }
        var options = SessionOptions()
        options.mode = .autocommit
        try await withNumbers(3, options) { session in
            let error = try failure(.noTransaction) {
                try session.query(Number.self).forEach { _ in }
            }
            #expect(error.hint?.contains("transaction") == true)
            let count = try session.transaction { try session.query(Number.self).forEach { _ in } }
            #expect(count == 3)
        }
    }

    @Test("a million rows grow the memory by less than 20 MB")
    func memory() async throws {
        try await onSharedDatabase { connection in
            try withSession(connection) { session in
                let sql: SQL = """
                    SELECT id::int8, 'number ' || id AS text FROM generate_series(1, 1000000) AS id
                    """
                var before = 0
                var most = 0
                var count = 0
                try session.stream(sql, as: Number.self) { numbers in
                    while let number = try numbers.next() {
                        count += 1
                        guard number.id % 50_000 == 0 else { continue }
                        if before == 0 { before = try residentBytes() }
                        most = max(most, try residentBytes())
                    }
                }
                #expect(count == 1_000_000)
                #expect(most - before < 20_000_000, "grown by \(most - before) bytes")
            }
        }
    }

    @Test("a portion grows with narrow rows and shrinks with wide ones")
    func portion() {
        var portion = Portion()
        portion.adapt(rows: 100, bytes: 10_000)
        #expect(portion.rows == 400)
        for _ in 1...9 { portion.adapt(rows: portion.rows, bytes: portion.rows * 10) }
        #expect(portion.rows == Portion.rowLimit)
        portion.adapt(rows: 10, bytes: 10 << 20)
        #expect(portion.rows == 1)
        portion.adapt(rows: 0, bytes: 0)
        #expect(portion.rows == 1)
    }
}

@Suite("Batches by key")
struct BatchTests {
    @Test(
        "each row comes once, whatever the size, and commits in between do no harm",
        arguments: [
            1, 7, 100, 101, 1000,
        ])
    func sizes(size: Int) async throws {
        try await withNumbers(100) { session in
            var ids: [Int64] = []
            let log = StatementLog(session.connection)
            let count = try session.query(Number.self).inBatches(of: size, committing: true) {
                #expect($0.count <= size)
                ids += $0.map(\.id)
            }
            #expect(ids == Array(1...100) && count == 100)
            #expect(log.count("COMMIT") == 100 / size + 1)
            #expect(session.state.phase == .idle)
        }
    }

    @Test("what is staged in a batch is written after it; a failure keeps those before it")
    func writing() async throws {
        try await withNumbers(30) { session in
            #expect(throws: TimedOut.self) {
                try session.query(Number.self).filter { $0.id > 3 }
                    .inBatches(of: 10, committing: true) { numbers in
                        if numbers.contains(where: { $0.id == 25 }) { throw TimedOut() }
                        for var number in numbers {
                            number.text = "new"
                            try session.add(number)
                        }
                    }
            }
            try session.rollback()
            let changed = try session.query(Number.self).filter { $0.text == "new" }.count()
            #expect(changed == 20)
        }
    }

    @Test("rows of a batch are forgotten after it")
    func forgotten() async throws {
        try await withNumbers(20) { session in
            let kept = try #require(try session.get(Number.self, 1 as Int64))
            var last: Number?
            try session.query(Number.self).inBatches(of: 5) { last = $0.last }
            var (one, other) = (kept, try #require(last))
            (one.text, other.text) = ("a", "b")
            let log = StatementLog(session.connection)
            try session.add(one)
            try session.flush()
            #expect(log.count("UPDATE") == 1)
            try session.add(other)
            _ = try failure(.uniqueViolation) { try session.flush() }
        }
    }

    @Test("an order, a limit and a commit that is not the caller's are refused")
    func refused() async throws {
        try await withNumbers(3) { session in
            let query = session.query(Number.self)
            for wrong in [query.order { $0.id.descending }, query.limit(1), query.offset(1)] {
                _ = try failure(.invalidParameter) { try wrong.inBatches { _ in } }
            }
        }
        var options = SessionOptions()
        options.commitPolicy = .reserved
        try await withNumbers(3, options) { session in
            _ = try failure(.commitNotAllowed) {
                try session.query(Number.self).inBatches(committing: true) { _ in }
            }
            #expect(try session.query(Number.self).inBatches { _ in } == 3)
        }
    }
}
