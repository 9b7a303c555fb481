import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@Suite("Queries for records")
struct QueryTests {
    private func filled() async throws -> Library {
        let library = try await Library.make()
        try library.engine.withSession { session in
            try session.addAll([
                Book(id: 1, title: "Dune", copies: 3, mood: .happy),
                Book(id: 2, title: "Emma", copies: 0),
                Book(id: 3, title: "Faust", copies: 5, mood: .sad),
                Book(id: 4, title: "Ödland", copies: 5, mood: .sad),
            ])
        }
        return library
    }

    struct Filter: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let ids: [Int64]
        let condition: @Sendable (Columns<Book>) -> Condition

        init(
            _ name: String, _ ids: [Int64],
            _ condition: @escaping @Sendable (Columns<Book>) -> Condition
        ) {
            testDescription = name
            self.ids = ids
            self.condition = condition
        }
    }

    static let filters: [Filter] = [
        Filter("equal", [1]) { $0.title == "Dune" },
        Filter("not equal", [2, 3, 4]) { $0.title != "Dune" },
        Filter("nil is IS NULL", [2]) { $0.mood == nil },
        Filter("not nil", [1, 3, 4]) { $0.mood != nil },
        Filter("an optional unequal to a value may be nil", [1, 2]) { $0.mood != .sad },
        Filter("enum", [3, 4]) { $0.mood == .sad },
        Filter("and", [3]) { $0.copies == 5 && $0.title == "Faust" },
        Filter("or", [1, 2]) { $0.copies == 0 || $0.title == "Dune" },
        Filter("and binds closer than or", [1, 3]) {
            $0.title == "Dune" || $0.copies == 5 && $0.title == "Faust"
        },
        Filter("not", [1, 2]) { !($0.copies >= 5) },
        Filter("less", [2]) { $0.copies < 3 },
        Filter("less or equal", [1, 2]) { $0.copies <= 3 },
        Filter("greater", [3, 4]) { $0.copies > 3 },
        Filter("in", [1, 3]) { $0.title.in(["Dune", "Faust", "Nothing"]) },
        Filter("in numbers", [2, 4]) { $0.id.in([2, 4]) },
        Filter("in enums", [1]) { $0.mood.in([.happy]) },
        Filter("an empty IN matches nothing", []) { $0.title.in([]) },
        Filter("not in nothing", [1, 2, 3, 4]) { $0.title.notIn([]) },
        Filter("not in", [2, 4]) { $0.title.notIn(["Dune", "Faust"]) },
        Filter("like", [2]) { $0.title.like("_m%") },
        Filter("ilike", [2]) { $0.title.ilike("EMM%") },
        Filter("is null", [2]) { $0.mood.isNull },
        Filter("own SQL", [3]) { $0.copies > 0 && Condition("length(title) = \(5)") },
        Filter("quotes", []) { $0.title == "'; DROP TABLE books; --" },
    ]

    @Test("a filter finds its rows", arguments: filters)
    func filter(filter: Filter) async throws {
        let library = try await filled()
        try library.session { session in
            let books = try session.query(Book.self).filter(filter.condition)
                .order { $0.id.ascending }.all()
            #expect(books.compactMap(\.id) == filter.ids)
        }
    }

    @Test("one, oneOrNil, first, count and exists")
    func verbs() async throws {
        let library = try await filled()
        try library.engine.withConnection { connection in
            let log = StatementLog(connection)
            let session = Session(on: connection)
            defer { session.close() }
            let fives = session.query(Book.self).filter { $0.copies == 5 }
            let none = session.query(Book.self).filter { $0.copies == 77 }
            _ = try failure(.multipleResultsFound) { _ = try fives.one() }
            #expect(log.statements.last?.hasSuffix("LIMIT 2") == true)
            _ = try failure(.multipleResultsFound) { _ = try fives.oneOrNil() }
            let error = try failure(.noResultFound) { _ = try none.one() }
            #expect(error.statement?.contains("\"copies\" = $1") == true)
            #expect(error.parameterTypes == ["int8"])
            #expect(!"\(error)".contains("77"))
            #expect(try none.oneOrNil() == nil)
            #expect(try none.first() == nil)
            #expect(try fives.order { $0.id.descending }.first()?.id == 4)
            #expect(try fives.count() == 2)
            #expect(try fives.limit(1).count() == 1)
            #expect(try fives.exists())
            #expect(try !none.exists())
        }
    }

    @Test("order, limit and offset")
    func order() async throws {
        let library = try await filled()
        try library.session { session in
            let ids = try session.query(Book.self).order { $0.copies.descending }
                .order { $0.id.descending }.limit(2).offset(1).all().map(\.id)
            #expect(ids == [3, 1])
            let moods = try session.query(Book.self).order { $0.mood.ascending.nullsFirst }
                .all().map(\.mood)
            #expect(moods.first == .some(nil))
        }
    }

    @Test("bulk update and delete count their rows and make the session read anew")
    func bulk() async throws {
        let library = try await filled()
        try library.session { session in
            let query = session.query(Book.self).filter { $0.copies == 5 }
            var book = try session.query(Book.self).filter { $0.title == "Faust" }.one()
            #expect(try query.update { [$0.copies.set(6), $0.mood.set(nil)] } == 2)
            // What was read is out of date now: adding it writes all columns.
            book.mood = .happy
            try session.add(book)
            #expect(try session.get(Book.self, 3)?.copies == 5)
            #expect(try session.query(Book.self).filter { $0.copies == 6 }.delete() == 1)
            #expect(try session.query(Book.self).count() == 3)
            _ = try failure(.invalidParameter) {
                _ = try session.query(Book.self).limit(1).delete()
            }
        }
    }

    @Test("the SQL of a query can be printed")
    func printed() async throws {
        let library = try await Library.make()
        try library.session { session in
            let query = session.query(Book.self)
                .filter { $0.authorId == 3 && $0.title.like("D%") }
                .order { $0.title.ascending }.limit(5).forUpdate(.skipLocked)
            #expect(
                "\(query)" == """
                    SELECT "id", "title", "copies", "author_id", "mood" FROM "books" \
                    WHERE ("author_id" = $1) AND ("title" LIKE $2) ORDER BY "title" LIMIT 5 \
                    FOR UPDATE SKIP LOCKED
                    """)
            #expect(session.isUntouched)
        }
    }

    @Test("a locked row is skipped, or refused at once")
    func locking() async throws {
        let library = try await filled()
        try library.session { holder in
            _ = try holder.query(Book.self).filter { $0.id == 1 }.forUpdate().one()
            try library.session { other in
                let free = try other.query(Book.self).order { $0.id.ascending }
                    .forUpdate(.skipLocked).all()
                #expect(free.map(\.id) == [2, 3, 4])
                let error = try failure(.lockNotAvailable) {
                    _ = try other.query(Book.self).filter { $0.id == 1 }.forUpdate(.noWait).all()
                }
                #expect(error.isRetryable)
            }
        }
    }

    @Test("four threads drain a queue of rows exactly once")
    func drain() async throws {
        let library = try await Library.make(poolSize: 4)
        try library.engine.withSession { session in
            try session.addAll((0..<1000).map { Book(title: "\($0)") })
        }
        let engine = library.engine
        let drained = try (0..<4).map { _ in
            startThread {
                var ids: [Int64] = []
                while true {
                    let taken = try engine.withSession { session -> [Int64] in
                        let books = try session.query(Book.self).filter { $0.copies == 0 }
                            .limit(7).forUpdate(.skipLocked).all()
                        for var book in books {
                            book.copies = 1
                            try session.add(book)
                        }
                        return books.compactMap(\.id)
                    }
                    if taken.isEmpty { return ids }
                    ids += taken
                }
            }
        }.flatMap { try $0() }
        #expect(drained.count == 1000)
        #expect(Set(drained).count == 1000)
    }

    struct Missing: Record {
        static let table = "no_such_table"
        var id: Int64?
    }

    struct Misspelt: Record {
        static let table = "books"
        var id: Int64?
        var tittle: String
    }

    struct WrongType: Record {
        static let table = "books"
        var id: Int64?
        var title: Int
    }

    struct Computed: Record {
        static let table = "books"
        var id: Int64?
        var title: String
        var length: Int { title.count }
    }

    @Test("an unknown table, an unknown column and a wrong type name the column and the Swift type")
    func mistakes() async throws {
        let library = try await filled()
        try library.session { session in
            let table = try failure(.unknownTable) { _ = try session.query(Missing.self).all() }
            #expect("\(table)".contains("Missing") && "\(table)".contains("no_such_table"))
            try session.rollback()

            let column = try failure(.unknownColumn) { _ = try session.query(Misspelt.self).all() }
            #expect("\(column)".contains("Misspelt") && "\(column)".contains("tittle (String)"))
            try session.rollback()
            try session.add(Misspelt(tittle: "x"))
            let insert = try failure(.unknownColumn) { try session.flush() }
            #expect("\(insert)".contains("Misspelt") && insert.message.contains("tittle"))
            try session.rollback()

            let type = try failure(.typeMismatch) { _ = try session.query(WrongType.self).all() }
            #expect(type.column == "title" && type.message.contains("Int"))

            let computed = try failure(.unknownColumn) {
                _ = try session.query(Computed.self).filter { $0.length == 4 }.all()
            }
            #expect(computed.message.contains("Computed"))
        }
    }

    @Test("an untracked read leaves nothing to compare with")
    func untracked() async throws {
        let library = try await filled()
        try library.session { session in
            let book = try session.query(Book.self).untracked().filter { $0.id == 1 }.one()
            try session.add(book)
            _ = try failure(.uniqueViolation) { try session.flush() }
        }
    }
}
