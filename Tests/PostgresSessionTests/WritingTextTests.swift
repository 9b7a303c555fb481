import Foundation
import Testing

@testable import PostgresSession

/// A record with all that shapes its statements.
private struct Loan: Record, Equatable {
    static let table = "library.loans"
    static let primaryKey = "number"
    static let columnNaming = ColumnNaming.snakeCase
    static let versionColumn: String? = "row_version"
    var number: Int64?
    var bookId: Int64
    var daysLeft: Int
    var note: String?
    var rowVersion = 1
}

/// A record of nothing but what the database makes.
private struct Ticket: Record {
    static let table = "tickets"
    var id: Int64?
}

@Suite("The text of what is written")
struct WritingTextTests {
    private static func staged<R: Record>(
        _ records: [R], _ action: StagedRow.Action
    ) throws -> [StagedRow] {
        try records.map { try StagedRow($0, action, nil) }
    }

    private static let loans = [
        Loan(number: 7, bookId: 1, daysLeft: 2, note: "a"),
        Loan(number: 8, bookId: 3, daysLeft: 4, rowVersion: 5),
    ]

    private static let columns =
        #""number", "book_id", "days_left", "note", "row_version""#

    @Test("rows of one shape are one INSERT, with their keys or without")
    func inserts() throws {
        let keyed = FlushPlan.insertion(of: try Self.staged(Self.loans, .insert))
        #expect(
            keyed.text == """
                INSERT INTO "library"."loans" (\(Self.columns)) VALUES ($1, $2, $3, $4, $5), \
                ($6, $7, $8, $9, $10)
                """)
        #expect(keyed.parameters.map(\.isNull).count { $0 } == 1)
        let new = FlushPlan.insertion(of: try Self.staged([Loan(bookId: 1, daysLeft: 2)], .insert))
        #expect(
            new.text == """
                INSERT INTO "library"."loans" ("book_id", "days_left", "note", "row_version") \
                VALUES ($1, $2, $3, $4)
                """)
        let ticket = FlushPlan.insertion(of: try Self.staged([Ticket()], .insert))
        #expect(ticket.text == #"INSERT INTO "tickets" DEFAULT VALUES"#)
        #expect(FlushPlan.insertion(of: []).text.isEmpty)
    }

    @Test("rows of other shapes, and more than a thousand, are portions of their own")
    func portions() throws {
        let mixed = (0..<2500).map { number in
            Loan(number: number % 5 == 0 ? Int64(number) : nil, bookId: 1, daysLeft: number)
        }
        let batches = FlushPlan.batches(try Self.staged(mixed, .insert))
        #expect(batches.map(\.count) == [500, 1000, 1000])
        let days = batches.flatMap { $0 }.compactMap { ($0.record as? Loan)?.daysLeft }
        #expect(days.sorted() == Array(0..<2500))
        #expect(FlushPlan.batches(try Self.staged([Ticket(), Ticket()], .insert)).count == 2)
        #expect(FlushPlan.batches([]).isEmpty)
    }

    @Test("an update names the key and the version, and a delete of several both of each")
    func versions() throws {
        var work = UnitOfWork()
        let rows = try Self.staged(Self.loans, .update)
        for row in rows {
            if let identity = row.identity { work.read(identity, row.record) }
        }
        var changed = Self.loans[1]
        changed.note = "b"
        let plan = FlushPlan(
            try Self.staged([Self.loans[0], changed], .update)
                + Self.staged(Self.loans, .delete), work)
        #expect(plan.unchanged.count == 1)
        #expect(
            plan.steps.map(\.sql.text) == [
                """
                UPDATE "library"."loans" SET "note" = $1, "row_version" = "row_version" + 1 \
                WHERE "number" = $2 AND "row_version" = $3 RETURNING \(Self.columns)
                """,
                """
                DELETE FROM "library"."loans" WHERE ("number", "row_version") \
                IN (($1, $2), ($3, $4))
                """,
            ])
        #expect(plan.steps[0].sql.parameters.last == 5.postgresParameter())
        #expect(plan.steps[1].sql.parameters[3] == 5.postgresParameter())
    }

    @Test("the version that counts is the record's, unless the session has made another of it")
    func expectedVersion() throws {
        var work = UnitOfWork()
        let row = try StagedRow(Self.loans[0], .update, nil)
        let identity = try #require(row.identity)
        #expect(work.expectedVersion(of: row) == 1.postgresParameter())
        var latest = Self.loans[0]
        latest.rowVersion = 2
        work.read(identity, latest)
        #expect(work.expectedVersion(of: row) == 1.postgresParameter())
        work.supersede(1.postgresParameter(), of: identity)
        #expect(work.expectedVersion(of: row) == 2.postgresParameter())
        work.forgetSnapshots()
        #expect(work.expectedVersion(of: row) == 1.postgresParameter())
        work.rolledBack()
        work.read(identity, latest)
        #expect(work.expectedVersion(of: row) == 1.postgresParameter())
        #expect(work.expectedVersion(of: try StagedRow(Ticket(id: 1), .update, nil)) == nil)
    }

    @Test("what is forgotten after a batch is what was not known before it")
    func forgetting() throws {
        var work = UnitOfWork()
        let rows = try Self.staged(Self.loans, .update)
        let identities = rows.compactMap(\.identity)
        work.read(identities[0], Self.loans[0])
        let before = work
        work.read(identities[1], Self.loans[1])
        work.forgetRows(unknownTo: before)
        #expect(work.knowledge(of: identities[0]) != nil)
        #expect(work.knowledge(of: identities[1]) == nil)
    }

    private static func assignments(
        _ list: (Columns<Loan>) -> [Assignment], qualifier: SQL? = nil
    ) throws -> String {
        try list(Columns(qualifier: qualifier)).list(for: Loan.self, qualifier: qualifier).text
    }

    @Test("assignments are constants, columns and what is computed of them, and the version's")
    func assignmentTexts() throws {
        let constants = try Self.assignments { [$0.note.set(nil), $0.daysLeft.set(3)] }
        #expect(constants == #""note" = $1, "days_left" = $2, "row_version" = "row_version" + 1"#)
        let computed = try Self.assignments { [$0.daysLeft.set($0.daysLeft * 2 - 1)] }
        #expect(
            computed == """
                "days_left" = (("days_left" * $1) - $2), "row_version" = "row_version" + 1
                """)
        let own = try Self.assignments { [$0.rowVersion.set(1)] }
        #expect(own == #""row_version" = $1"#)
        let qualified = try Self.assignments(
            { [$0.daysLeft.set($0.daysLeft + $0.daysLeft)] }, qualifier: "l")
        #expect(
            qualified == """
                "days_left" = (l."days_left" + l."days_left"), "row_version" = l."row_version" + 1
                """)
        #expect(try Self.assignments { _ in [] }.isEmpty)
    }

    @Test("an action says what a conflict does")
    func actions() throws {
        let names = ["days_left", "note"]
        func text(_ action: ConflictAction<Loan>) throws -> String? {
            try action.assignments?(names).text
        }
        let version = #""row_version" = "library"."loans"."row_version" + 1"#
        #expect(
            try text(.update)
                == #""days_left" = excluded."days_left", "note" = excluded."note", \#(version)"#)
        #expect(try text(.update([\.note])) == #""note" = excluded."note", \#(version)"#)
        let summed = ConflictAction<Loan>.update { old, new in
            [old.daysLeft.set(old.daysLeft + new.daysLeft)]
        }
        #expect(
            try text(summed) == """
                "days_left" = ("library"."loans"."days_left" + excluded."days_left"), \(version)
                """)
        #expect(try text(.nothing) == nil)
    }

    static let begins: [(SessionOptions.Isolation?, Bool, TransactionScope?, String)] = [
        (nil, false, nil, "BEGIN"),
        (
            .serializable, true, nil,
            "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY"
        ),
        (.serializable, true, TransactionScope(), "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY"),
        (
            .serializable, true, TransactionScope(isolation: .repeatableRead, isReadOnly: false),
            "BEGIN ISOLATION LEVEL REPEATABLE READ"
        ),
        (
            nil, false, TransactionScope(isolation: .readCommitted, isReadOnly: true),
            "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"
        ),
    ]

    @Test("what a scope says goes before what the session has", arguments: begins)
    private func begin(
        isolation: SessionOptions.Isolation?, isReadOnly: Bool, scope: TransactionScope?,
        text: String
    ) {
        var options = SessionOptions()
        options.isolation = isolation
        options.isReadOnly = isReadOnly
        #expect(options.beginStatement(scope).text == text)
    }
}

@Suite("Cancel requests under way")
struct CancelTrafficTests {
    @Test("they are counted, and awaited for a while")
    func counting() {
        let traffic = CancelTraffic()
        #expect(!traffic.isUnderWay)
        traffic.wait(timeoutSeconds: 10)  // For nothing: at once.
        traffic.begin()
        traffic.begin()
        traffic.end()
        #expect(traffic.isUnderWay)
        let start = MonotonicClock.seconds
        traffic.wait(timeoutSeconds: 0.05)
        #expect(MonotonicClock.seconds - start >= 0.04 && traffic.isUnderWay)
        Thread.detachNewThread { traffic.end() }
        traffic.wait(timeoutSeconds: 10)
        #expect(!traffic.isUnderWay)
    }
}
