import Foundation
import Testing

@testable import PostgresSession

/// A row that is written all the time.
private struct Cup: Record, Equatable {
    static let table = "cups"
    var id: Int64?
    var name: String
    var size: Int
    var note: String?
}

/// As a cup, with a version.
private struct Mug: Record, Equatable {
    static let table = "mugs"
    static let versionColumn: String? = "version"
    var id: Int64?
    var name: String
    var size: Int
    var note: String?
    var version = 1
}

/// What both have in common, for one walk over either.
private protocol Vessel: Record, Equatable {
    var id: Int64? { get set }
    var name: String { get set }
    var size: Int { get set }
    var note: String? { get set }
    init(_ name: String, _ size: Int)
}

extension Cup: Vessel {
    init(_ name: String, _ size: Int) { self.init(id: nil, name: name, size: size) }
}

extension Mug: Vessel {
    init(_ name: String, _ size: Int) { self.init(id: nil, name: name, size: size) }
}

/// Adds, changes and deletes at random, and keeps its own account of what should be there.
private struct FlushWalk<V: Vessel> {
    struct Row: Equatable {
        var name: String
        var size: Int
        var note: String?
    }

    /// What the account was at some point, and the values that went with it.
    struct Mark {
        var rows: [Int64: Row]
        var values: [V]
    }

    let session: Session
    var random: SeededGenerator
    /// The rows as they should be.
    var rows: [Int64: Row] = [:]
    /// The values as a program would hold them.
    var values: [V] = []
    var committed = Mark(rows: [:], values: [])

    mutating func step() throws {
        switch Int.random(in: 0...11, using: &random) {
        case 0...2: try insert()
        case 3...6: try change()
        case 7: try delete()
        case 8:
            try session.commit()
            committed = Mark(rows: rows, values: values)
        case 9:
            try session.rollback()
            (rows, values) = (committed.rows, committed.values)
        case 10: try inSavepoint()
        default: try reread()
        }
    }

    private mutating func insert() throws {
        let count = Int.random(in: 1...4, using: &random)
        let new = (0..<count).map { _ in V("n\(random.next() % 100)", Int(random.next() % 100)) }
        let staged = try session.addAll(new)
        try session.flush()
        for handle in staged { take(handle.value) }
    }

    private mutating func take(_ value: V) {
        guard let id = value.id else { return }
        values.removeAll { $0.id == id }
        values.append(value)
        rows[id] = Row(name: value.name, size: value.size, note: value.note)
    }

    private mutating func change() throws {
        guard var value = values.randomElement(using: &random) else { return }
        if Bool.random(using: &random) { value.size += 1 }
        if Bool.random(using: &random) { value.note = value.note == nil ? "x" : nil }
        if Int.random(in: 0...3, using: &random) == 0 { value.name += "!" }
        let staged = try session.add(value)
        if Bool.random(using: &random) { value.size += 10; try session.add(value) }
        try session.flush()
        take(staged.value.size == value.size ? staged.value : value)
    }

    private mutating func delete() throws {
        guard let value = values.randomElement(using: &random), let id = value.id else { return }
        try session.delete(value)
        if Bool.random(using: &random) { try session.flush() }
        values.removeAll { $0.id == id }
        rows[id] = nil
    }

    private mutating func inSavepoint() throws {
        let before = Mark(rows: rows, values: values)
        let fails = Bool.random(using: &random)
        do {
            // A savepoint's closure cannot change a struct it is a part of.
            var inner = self
            defer { (rows, values, random) = (inner.rows, inner.values, inner.random) }
            try session.withSavepoint {
                try inner.insert()
                try inner.change()
                if fails { throw TimedOut() }
            }
        } catch is TimedOut {
            (rows, values) = (before.rows, before.values)
        }
    }

    /// Reads some row again, as a program does that does not keep its values.
    private mutating func reread() throws {
        guard let id = rows.keys.sorted().randomElement(using: &random) else { return }
        if let value = try session.get(V.self, id) { take(value) }
    }

    func check(_ note: String) throws {
        let found = try session.query(V.self).untracked().all()
        let seen = Dictionary(
            found.compactMap { value in
                value.id.map { ($0, Row(name: value.name, size: value.size, note: value.note)) }
            }, uniquingKeysWith: { first, _ in first })
        try #require(seen == rows, "\(note)")
    }
}

@Suite("A session that writes at random")
struct FlushWalkTests {
    private func walk<V: Vessel>(_ type: V.Type, steps: Int) async throws {
        let random = SeededGenerator.printed("walking over \(V.table)")
        try await onSharedDatabase { connection in
            try connection.executeScript(
                """
                CREATE TEMP TABLE \(V.table) (
                    id int8 GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text NOT NULL,
                    size int NOT NULL, note text, version int NOT NULL DEFAULT 1)
                """)
            try withSession(connection) { session in
                var walk = FlushWalk<V>(session: session, random: random)
                for number in 0..<steps {
                    try walk.step()
                    try walk.check("step \(number)")
                }
            }
        }
    }

    @Test("its rows are those of the account after each step")
    func plain() async throws { try await walk(Cup.self, steps: 600) }

    @Test("with a version, no write of its own is stale")
    func versioned() async throws { try await walk(Mug.self, steps: 600) }
}

@Suite("Rows that went wrong in a COPY")
struct CopyContextTests {
    static let contexts: [(context: String?, row: Int?, column: String?)] = [
        ("COPY books, line 3, column copies: \"secret\"", 3, "copies"),
        ("COPY books, line 1", 1, nil), ("COPY books, line 12: \"1\\tsecret\"", 12, nil),
        ("COPY public.books, line 7, column a b: \"x\"", 7, "a b"),
        ("COPY books, Zeile 5, Spalte copies: »x«", 5, "copies"),
        ("COPY books, line 4294967297, column id: null input", 4_294_967_297, "id"),
        ("COPY a, b, line 2, column c: \"x\"", 2, "c"),
        ("PL/pgSQL function f() line 3 at RAISE\nCOPY books, line 9", nil, nil),
        ("SQL statement \"x\"", nil, nil), (nil, nil, nil), ("", nil, nil), ("COPY", nil, nil),
    ]

    @Test("row and column are read from the context, and nothing else of it", arguments: contexts)
    func context(context: String?, row: Int?, column: String?) {
        let error = PostgresError(.serverError, "wrong").inCopy(context: context)
        #expect(error.row == row && error.column == column)
        #expect(!error.description.contains("secret"))
    }

    @Test("a column that the server names itself stays")
    func named() {
        var error = PostgresError(.notNullViolation, "wrong")
        error.column = "title"
        #expect(error.inCopy(context: "COPY t, line 2, column x: y").column == "title")
        #expect(
            error.inCopy(context: "COPY t, line 2").description.contains("Row 2, column title."))
    }
}
