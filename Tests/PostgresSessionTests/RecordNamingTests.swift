import Foundation
import Testing

@testable import PostgresSession

@Suite("Names of columns")
struct RecordNamingTests {
    static let names: [(property: String, snake: String)] = [
        ("id", "id"), ("title", "title"), ("authorId", "author_id"), ("pageURL", "page_url"),
        ("URLPage", "url_page"), ("isbn13", "isbn13"), ("isbn13Code", "isbn13_code"),
        ("aB", "a_b"), ("ABC", "abc"), ("aBC", "a_bc"), ("aBCd", "a_b_cd"),
        (
            "already_snake",
            "already_snake"
        ), ("mixed_Case", "mixed_case"), ("_id", "_id"),
        (
            "größeÄndern",
            "größe_ändern"
        ), ("", ""),
    ]

    @Test("a property's name in snake case, and as written", arguments: names)
    func snakeCase(property: String, snake: String) {
        #expect(ColumnNaming.snakeCase.column(property) == snake)
        #expect(ColumnNaming.asWritten.column(property) == property)
    }

    /// Properties of every traceable type, each under another key.
    struct Renamed: Record, Equatable {
        static let table = "renamed"
        static let primaryKey = "pk"
        var key: Int64?
        var name: String
        var small: Int16
        var medium: Int32
        var large: Int
        var ratio: Double
        var share: Float
        var price: Decimal?
        var bytes: Data
        var when: Date
        var token: UUID
        var kept: String

        enum CodingKeys: String, CodingKey {
            case key = "pk", name = "full_name", small = "s", medium = "m", large = "l"
            case ratio = "r", share = "f", price = "eur", bytes = "raw", when = "at"
            case token = "uid", kept
        }

        static let example = Renamed(
            key: 7, name: "Ann", small: -1, medium: 2, large: 3, ratio: 0.5, share: 0.25,
            price: 9.99, bytes: Data([0, 255]), when: Date(timeIntervalSince1970: 1),
            token: UUID(), kept: "k")
    }

    static let renamedTable = """
        CREATE TEMP TABLE renamed (pk int8 PRIMARY KEY, full_name text, s int2, m int4, l int8,
            r float8, f float4, eur numeric, raw bytea, at timestamptz, uid uuid, kept text)
        """

    @Test("a column has the name of its coding key, also where that is not the property's")
    func renamedColumns() {
        let schema = RecordSchema.of(Renamed.self)
        #expect(
            schema.columns.map(\.name) == [
                "pk", "full_name", "s", "m", "l", "r", "f", "eur", "raw", "at", "uid", "kept",
            ])
        #expect(schema.columns.map(\.property).prefix(3) == ["key", "name", "small"])
        #expect(schema.unknown.isEmpty)
    }

    @Test("a record of renamed properties is written, queried, updated and deleted by its columns")
    func renamedRecord() async throws {
        try await onSharedDatabase { connection in
            try connection.execute(SQL(raw: Self.renamedTable))
            try withSession(connection) { session in
                var record = Renamed.example
                try session.add(record)
                #expect(try session.get(Renamed.self, 7) == record)
                let found = try session.query(Renamed.self).filter {
                    $0.name == "Ann" && $0.small == -1 && $0.medium == 2 && $0.large == 3
                        && $0.ratio == 0.5 && $0.share == 0.25 && $0.price == 9.99
                        && $0.bytes == Data([0, 255]) && $0.when == record.when
                        && $0.token == record.token && $0.kept == "k" && $0.key == 7
                }.one()
                #expect(found == record)
                record.name = "Bob"
                let log = StatementLog(connection)
                try session.add(record)
                try session.flush()
                #expect(
                    log.statements == [#"UPDATE "renamed" SET "full_name" = $1 WHERE "pk" = $2"#])
                #expect(try session.query(Renamed.self).update { [$0.kept.set("z")] } == 1)
                #expect(try session.scalar("SELECT kept FROM renamed", as: String.self) == "z")
                try session.delete(record)
                try session.flush()
                #expect(try session.query(Renamed.self).count() == 0)
            }
        }
    }

    /// Two Bools cannot be told apart by their values.
    struct Untraceable: Record {
        static let table = "flags"
        var id: Int64?
        var isOpen: Bool
        var isPaid: Bool
        var isLate: Bool
        enum CodingKeys: String, CodingKey {
            case id, isOpen = "open", isPaid = "paid", isLate
        }
    }

    @Test("a renamed property whose column cannot be found out is refused with the way out")
    func untraceable() async throws {
        let schema = RecordSchema.of(Untraceable.self)
        #expect(schema.columns.map(\.name) == ["id", "isLate"])
        #expect(schema.unknown.keys.sorted() == ["isOpen", "isPaid"])
        try await onSharedDatabase { connection in
            try withSession(connection) { session in
                let query = session.query(Untraceable.self).filter { $0.isPaid == true }
                let error = try failure(.unknownColumn) { _ = try query.all() }
                #expect(error.message.contains("give the property the key's name"))
                let good = session.query(Untraceable.self).filter { $0.isLate == true }
                #expect(good.whereClause.text == #" WHERE "isLate" = $1"#)
            }
        }
    }

    struct Both: Record, Equatable {
        static let table = "either"
        static let columnNaming = ColumnNaming.snakeCase
        var id: Int64?
        var pageCount: Int32
        var homePage: String
        var isbn13: String?
        enum CodingKeys: String, CodingKey {
            case id, pageCount, homePage = "homeURL", isbn13
        }
    }

    @Test("snake case applies to the coding key, when writing, asking and reading alike")
    func snakeCaseRecord() async throws {
        #expect(
            RecordSchema.of(Both.self).columns.map(\.name) == [
                "id", "page_count", "home_url", "isbn13",
            ])
        try await onSharedDatabase { connection in
            try connection.execute(
                """
                CREATE TEMP TABLE either (id int8 GENERATED ALWAYS AS IDENTITY, page_count int4,
                    home_url text, isbn13 text)
                """)
            try withSession(connection) { session in
                let staged = try session.add(Both(pageCount: 3, homePage: "h"))
                let found = try session.query(Both.self).filter { $0.homePage == "h" }
                    .order { $0.pageCount.descending }.one()
                #expect(found == staged.value && found.id == 1)
                let row = try #require(try session.rows("SELECT * FROM either").first)
                #expect(try row.decode(Both.self, naming: .snakeCase) == found)
                let error = try failure(.unknownColumn) { _ = try row.decode(Both.self) }
                #expect(error.column == "\"pageCount\"")
            }
        }
    }

    struct Plain: Codable, Equatable {
        struct Inner: Codable, Equatable { var someValue: Int }
        var firstName: String
        var lastSeenAt: Date?
        var innerPart: Inner
    }

    @Test("a raw row is decoded by either naming; the keys inside a JSON column are its own")
    func rawDecode() async throws {
        try await onSharedDatabase { connection in
            let rows = try connection.query(
                """
                SELECT 'Ann' AS first_name, NULL::timestamptz AS last_seen_at,
                    '{"someValue": 3}'::json AS inner_part, 'Bob' AS "firstName",
                    '2001-01-01'::date AS "lastSeenAt", '{"someValue": 4}'::jsonb AS "innerPart"
                """)
            #expect(
                try rows[0].decode(Plain.self, naming: .snakeCase)
                    == Plain(firstName: "Ann", innerPart: .init(someValue: 3)))
            #expect(
                try rows[0].decode(Plain.self)
                    == Plain(
                        firstName: "Bob", lastSeenAt: Date(timeIntervalSinceReferenceDate: 0),
                        innerPart: .init(someValue: 4)))
        }
    }

    struct Elsewhere: Record {
        static let table = "odd \"schema.the.table"
        var id: Int64?
    }

    @Test("each part of a table's name is quoted by itself")
    func quotedTables() {
        #expect(Book.quotedTable.text == "\"books\"")
        #expect(Elsewhere.quotedTable.text == #""odd ""schema"."the"."table""#)
    }
}

@Suite("The order of record types")
struct RecordDepthTests {
    struct Root: Record { static let table = "a"; var id: Int64? }
    struct Child: Record {
        static let table = "b"
        static let references: [any Record.Type] = [Root.self]
        var id: Int64?
    }
    struct Grandchild: Record {
        static let table = "c"
        static let references: [any Record.Type] = [Root.self, Child.self]
        var id: Int64?
    }
    /// A tree: a node refers to its parent.
    struct Node: Record {
        static let table = "d"
        static let references: [any Record.Type] = [Node.self, Child.self]
        var id: Int64?
    }
    /// Hens and eggs refer to each other.
    struct Hen: Record {
        static let table = "e"
        static let references: [any Record.Type] = [Egg.self]
        var id: Int64?
    }
    struct Egg: Record {
        static let table = "f"
        static let references: [any Record.Type] = [Hen.self]
        var id: Int64?
    }
    /// Refers to a circle it is no part of.
    struct Farm: Record {
        static let table = "g"
        static let references: [any Record.Type] = [Hen.self, Root.self]
        var id: Int64?
    }

    static let depths: [(type: any Record.Type, depth: Int)] = [
        (Root.self, 0), (Child.self, 1), (Grandchild.self, 2), (Node.self, 2), (Hen.self, 1),
        (Egg.self, 1), (Farm.self, 2),
    ]

    @Test("a type lies below all it refers to; circles end", arguments: depths.indices)
    func depth(index: Int) {
        #expect(Self.depths[index].type.depth() == Self.depths[index].depth)
    }
}
