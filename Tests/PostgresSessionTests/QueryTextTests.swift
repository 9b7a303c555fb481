import AlmanacTesting
import Foundation
import Testing

@testable import PostgresSession

/// A record with every kind of column a query can compare.
private struct Loan: Record {
    static let table = "library.loans"
    static let columnNaming = ColumnNaming.snakeCase
    var id: UUID?
    var reader: String
    var note: String?
    var daysLate: Int32
    var fee: Decimal?
    var isOpen: Bool
    var dueAt: Date
    var mood: Mood?
}

extension Book {
    /// No stored property, so no column.
    fileprivate var length: Int { title.count }
}

/// Builds queries that are not sent: the table is nowhere.
private func withQuery(_ body: (Query<Loan>) throws -> Void) async throws {
    try await onSharedDatabase { try withSession($0) { try body($0.query(Loan.self)) } }
}

private struct Golden: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let sql: String
    let types: [PostgresType]
    let condition: @Sendable (Columns<Loan>) -> Condition

    init(
        _ sql: String, _ types: [PostgresType],
        _ condition: @escaping @Sendable (Columns<Loan>) -> Condition
    ) {
        testDescription = sql
        self.sql = sql
        self.types = types
        self.condition = condition
    }
}

private let goldens: [Golden] = [
    Golden(#""reader" = $1"#, [.inferred]) { $0.reader == "Ann" },
    Golden(#""reader" IS DISTINCT FROM $1"#, [.inferred]) { $0.reader != "Ann" },
    Golden(#""days_late" < $1"#, [.int4]) { $0.daysLate < 3 },
    Golden(#""days_late" <= $1"#, [.int4]) { $0.daysLate <= 3 },
    Golden(#""days_late" > $1"#, [.int4]) { $0.daysLate > 3 },
    Golden(#""days_late" >= $1"#, [.int4]) { $0.daysLate >= 3 },
    Golden(#""is_open" = $1"#, [.bool]) { $0.isOpen == true },
    Golden(#""due_at" >= $1"#, [.timestamptz]) { $0.dueAt >= Date(timeIntervalSince1970: 0) },
    Golden(#""id" = $1"#, [.uuid]) { $0.id == UUID() },
    // An optional column: a value is bound, nil is asked for by IS [NOT] NULL.
    Golden(#""note" = $1"#, [.inferred]) { $0.note == "x" },
    Golden(#""note" IS NULL"#, []) { $0.note == nil },
    Golden(#""note" IS NOT NULL"#, []) { $0.note != nil },
    Golden(#""note" IS DISTINCT FROM $1"#, [.inferred]) { $0.note != "x" },
    Golden(#""note" IS NULL"#, []) { $0.note.isNull },
    Golden(#""note" IS NOT NULL"#, []) { $0.note.isNotNull },
    Golden(#""fee" > $1"#, [.numeric]) { $0.fee > 1.5 },
    // NULL compared by size is unknown, also when it is bound.
    Golden(#""fee" <= $1"#, [.numeric]) { $0.fee <= nil },
    // An enum travels as its raw value.
    Golden(#""mood" = $1"#, [.inferred]) { $0.mood == .happy },
    Golden(#""mood" IS NULL"#, []) { $0.mood == nil },
    Golden(#""note" LIKE $1"#, [.inferred]) { $0.note.like("a%") },
    Golden(#""reader" ILIKE $1"#, [.inferred]) { $0.reader.ilike("a%") },
    Golden(#""days_late" = ANY($1)"#, [PostgresType(oid: 1007)]) { $0.daysLate.in([1, 2]) },
    Golden(#""days_late" = ANY($1)"#, [PostgresType(oid: 1007)]) { $0.daysLate.in([]) },
    Golden(#""mood" = ANY($1)"#, [.inferred]) { $0.mood.in([.happy, nil]) },
    Golden(#""id" <> ALL($1) AND "id" IS NOT NULL"#, [PostgresType(oid: 2951)]) {
        $0.id.notIn([UUID()])
    },
    // Precedence: each side of an operator is in parentheses of its own.
    Golden(#"("reader" = $1) AND ("days_late" > $2)"#, [.inferred, .int4]) {
        $0.reader == "x" && $0.daysLate > 1
    },
    Golden(#"("reader" = $1) OR ("days_late" > $2)"#, [.inferred, .int4]) {
        $0.reader == "x" || $0.daysLate > 1
    },
    Golden(#"NOT ("reader" = $1)"#, [.inferred]) { !($0.reader == "x") },
    Golden(#"(("note" IS NULL) OR ("note" = $1)) AND ("fee" > $2)"#, [.inferred, .numeric]) {
        ($0.note == nil || $0.note == "x") && $0.fee > 1
    },
    Golden(#"("note" IS NULL) OR (("note" = $1) AND ("fee" > $2))"#, [.inferred, .numeric]) {
        $0.note == nil || $0.note == "x" && $0.fee > 1
    },
    Golden(#"NOT (("note" IS NULL) AND (NOT ("is_open" = $1)))"#, [.bool]) {
        !($0.note == nil && !($0.isOpen == true))
    },
    Golden(
        #"("days_late" <> ALL($1) AND "days_late" IS NOT NULL) AND ("note" IS NULL)"#,
        [PostgresType(oid: 1007)]
    ) { $0.daysLate.notIn([1]) && $0.note == nil },
    Golden(#"("note" IS NULL) AND (a = 1 OR b = $1)"#, [.int8]) {
        $0.note == nil && Condition("a = 1 OR b = \(2)")
    },
]

@Suite("The text of a query")
struct QueryTextTests {
    private static let head = """
        SELECT "id", "reader", "note", "days_late", "fee", "is_open", "due_at", "mood" \
        FROM "library"."loans"
        """

    @Test("a condition is this SQL with these parameters", arguments: goldens)
    fileprivate func golden(golden: Golden) async throws {
        try await withQuery { query in
            let sql = query.filter(golden.condition).sql
            #expect(sql.text == "\(Self.head) WHERE \(golden.sql)")
            #expect(sql.parameters.map(\.type) == golden.types)
            #expect("\(query.filter(golden.condition))" == sql.text)
        }
    }

    private static let shapes:
        [(name: String, tail: String, build: @Sendable (Query<Loan>) -> Query<Loan>)] = [
            ("nothing", "", { $0 }),
            ("ascending", #" ORDER BY "reader""#, { $0.order { $0.reader.ascending } }),
            ("descending", #" ORDER BY "reader" DESC"#, { $0.order { $0.reader.descending } }),
            (
                "nulls", #" ORDER BY "note" DESC NULLS LAST, "fee" NULLS FIRST"#,
                { $0.order { $0.note.descending.nullsLast }.order { $0.fee.ascending.nullsFirst } }
            ),
            ("limit", " LIMIT 3", { $0.limit(3) }),
            ("the last limit counts", " LIMIT 5", { $0.limit(3).limit(5) }),
            ("offset", " OFFSET 4", { $0.offset(4) }),
            ("for update", " FOR UPDATE", { $0.forUpdate() }),
            ("skip locked", " FOR UPDATE SKIP LOCKED", { $0.forUpdate(.skipLocked) }),
            ("no wait", " FOR UPDATE NOWAIT", { $0.forUpdate(.noWait) }),
            (
                "filters are joined by AND", " WHERE (a OR b) AND (c OR d)",
                { $0.filter(sql: "a OR b").filter(sql: "c OR d") }
            ),
            (
                "all of it, in the server's order whatever the order of the calls",
                #" WHERE "fee" IS NULL ORDER BY "id" LIMIT 1 OFFSET 2 FOR UPDATE SKIP LOCKED"#,
                {
                    $0.forUpdate(.skipLocked).offset(2).limit(1).order { $0.id.ascending }
                        .filter { $0.fee == nil }
                }
            ),
        ]

    @Test("order, limit, offset and lock stand where the server wants them")
    func shapes() async throws {
        try await withQuery { query in
            for (name, tail, build) in Self.shapes {
                #expect(build(query).sql.text == Self.head + tail, "\(name)")
            }
            // A query is a value: what was built from it does not change it.
            #expect(query.sql.text == Self.head)
        }
    }

    @Test("the first thing wrong with a query is thrown by its verb, before anything is sent")
    func mistakes() async throws {
        try await onOwnTables { connection in
            let session = Session(on: connection)
            defer { session.close() }
            let wrong: [Query<Book>] = [
                session.query(Book.self).filter { $0.length == 3 && $0.copies == 1 },
                session.query(Book.self).filter { $0.copies == 1 || $0.length == 3 },
                session.query(Book.self).filter { !($0.length == 3) },
                session.query(Book.self).order { $0.length.ascending },
                session.query(Book.self).order { $0.length.descending.nullsLast },
            ]
            let verbs: [@Sendable (Query<Book>) throws -> Void] = [
                { _ = try $0.all() }, { _ = try $0.one() }, { _ = try $0.oneOrNil() },
                { _ = try $0.first() }, { _ = try $0.count() }, { _ = try $0.exists() },
                { _ = try $0.delete() },
            ]
            for query in wrong {
                for verb in verbs {
                    let error = try failure(.unknownColumn) { try verb(query) }
                    #expect(error.message.contains("Book has no column"))
                    #expect(error.hint == "Columns of Book: id, title, copies, author_id, mood")
                }
            }
            _ = try failure(.unknownColumn) {
                try session.query(Book.self).update { [$0.length.set(3)] }
            }
            #expect(session.isUntouched)
        }
    }
}

@Suite("Verbs of a query")
struct QueryVerbTests {
    @Test("each verb sends the statement it needs and no more")
    func statements() async throws {
        try await onOwnTables { connection in
            let log = StatementLog(connection)
            let session = Session(on: connection)
            defer { session.close() }
            try session.execute("SELECT 1")
            let query = session.query(Author.self).filter { $0.name == "A" }
                .order { $0.id.ascending }
            let columns = #""id", "name" FROM "authors" WHERE "name" = $1"#
            let expected: [(String, () throws -> Void)] = [
                ("SELECT \(columns) ORDER BY \"id\"", { _ = try query.all() }),
                ("SELECT \(columns) ORDER BY \"id\" LIMIT 2", { _ = try query.oneOrNil() }),
                ("SELECT \(columns) ORDER BY \"id\" LIMIT 1", { _ = try query.first() }),
                (
                    "SELECT \(columns) ORDER BY \"id\" LIMIT 1",
                    { _ = try query.limit(1).oneOrNil() }
                ),
                ("SELECT \(columns) ORDER BY \"id\" LIMIT 0", { _ = try query.limit(0).first() }),
                (
                    "SELECT count(*) FROM (SELECT 1 FROM \"authors\" WHERE \"name\" = $1) "
                        + "AS counted", { _ = try query.forUpdate().count() }
                ),
                (
                    "SELECT count(*) FROM (SELECT 1 FROM \"authors\" WHERE \"name\" = $1 "
                        + "LIMIT 3 OFFSET 1) AS counted",
                    { _ = try query.limit(3).offset(1).count() }
                ),
                (
                    "SELECT EXISTS (SELECT 1 FROM \"authors\" WHERE \"name\" = $1)",
                    { _ = try query.forUpdate().exists() }
                ),
            ]
            for (text, verb) in expected {
                log.clear()
                try verb()
                #expect(log.statements == [text])
            }
        }
    }

    @Test("a bulk update or delete without a filter is of the whole table")
    func bulkOfAll() async throws {
        try await onOwnTables { connection in
            let log = StatementLog(connection)
            let session = Session(on: connection)
            defer { session.close() }
            #expect(try session.query(Author.self).update { _ in [] } == 0)
            #expect(log.statements.isEmpty)
            try session.addAll((0..<5).map { Author(name: "\($0)") })
            let all = session.query(Author.self)
            #expect(try all.update { [$0.name.set("x")] } == 5)
            #expect(try all.filter { $0.name == "x" }.count() == 5)
            #expect(try all.delete() == 5)
            #expect(try all.delete() == 0)
        }
    }

    @Test("a bulk write takes a filter only, and says so")
    func bulkLimits() async throws {
        try await onOwnTables { connection in
            let session = Session(on: connection)
            defer { session.close() }
            let query = session.query(Author.self)
            for limited in [
                query.limit(1), query.offset(1), query.forUpdate(), query.order { $0.id.ascending },
            ] {
                let deletion = try failure(.invalidParameter) { try limited.delete() }
                #expect(deletion.statement == "DELETE FROM \"authors\"")
                #expect(deletion.hint == "Leave out order, limit, offset and forUpdate")
                _ = try failure(.invalidParameter) {
                    try limited.update { [$0.name.set("x")] }
                }
            }
            #expect(session.isUntouched)
        }
    }

    @Test("a list of any length is one parameter", arguments: [0, 1, 2, 40_000])
    func inList(count: Int) async throws {
        try await onOwnTables { connection in
            let session = Session(on: connection)
            defer { session.close() }
            try session.addAll((0..<3).map { Author(id: Int64($0), name: "\($0)") })
            let keys = (0..<count).map { Int64?(Int64($0)) }
            let names = keys.map { "\($0 ?? -1)" }
            let query = session.query(Author.self)
            let expected = min(count, 3)
            #expect(try query.filter { $0.id.in(keys) }.count() == expected)
            #expect(try query.filter { $0.id.notIn(keys) }.count() == 3 - expected)
            #expect(try query.filter { $0.name.in(names) }.count() == expected)
            #expect(try query.filter { !$0.name.in(names) }.count() == 3 - expected)
            #expect(query.filter { $0.id.in(keys) }.sql.parameters.count == 1)
        }
    }

    @Test("NULL is in no list and out of every list, whether the list has a nil or not")
    func nullInLists() async throws {
        try await onOwnTables { connection in
            let session = Session(on: connection)
            defer { session.close() }
            try session.addAll([
                Book(id: 1, title: "a", mood: .happy), Book(id: 2, title: "b", mood: .sad),
                Book(id: 3, title: "c"),
            ])
            func ids(_ condition: (Columns<Book>) -> Condition) throws -> [Int64?] {
                try session.query(Book.self).filter(condition).order { $0.id.ascending }.all()
                    .map(\.id)
            }
            #expect(try ids { $0.mood.in([.happy]) } == [1])
            #expect(try ids { $0.mood.in([.happy, nil]) } == [1])
            #expect(try ids { $0.mood.in([nil]) } == [])
            #expect(try ids { $0.mood.notIn([.happy]) } == [2])
            #expect(try ids { $0.mood.notIn([.happy, nil]) } == [2])
            #expect(try ids { $0.mood.notIn([nil]) } == [1, 2])
            #expect(try ids { $0.mood.notIn([]) } == [1, 2])
            #expect(try ids { $0.mood != .happy } == [2, 3])
        }
    }

    @Test("a LIKE pattern's own characters are escaped by a backslash")
    func likeEscapes() async throws {
        try await onOwnTables { connection in
            let session = Session(on: connection)
            defer { session.close() }
            try session.addAll(["50%", "50x", "a_b", "axb", "A_B"].map { Author(name: $0) })
            let query = session.query(Author.self)
            #expect(try query.filter { $0.name.like("50\\%") }.count() == 1)
            #expect(try query.filter { $0.name.like("50%") }.count() == 2)
            #expect(try query.filter { $0.name.like("a\\_b") }.count() == 1)
            #expect(try query.filter { $0.name.ilike("a\\_b") }.count() == 2)
        }
    }
}
