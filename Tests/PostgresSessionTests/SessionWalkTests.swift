import Foundation
import Testing

@testable import PostgresSession

/// What a session and its table should be after each step, worked out without the code under test.
private struct Model {
    enum Phase { case idle, active, failed }

    var phase = Phase.idle
    /// The rows others see.
    var committed: Set<Int> = []
    /// The rows the transaction sees.
    var visible: Set<Int> = []
    /// What each open savepoint goes back to.
    var marks: [(name: String, rows: Set<Int>)] = []
    var staged: [Int] = []

    /// Writes what is staged; false if a row was there already.
    mutating func flush() -> Bool {
        let rows = staged
        staged = []
        guard !rows.isEmpty else { return true }
        phase = .active
        guard Set(rows).isDisjoint(with: visible), Set(rows).count == rows.count else {
            phase = .failed
            return false
        }
        visible.formUnion(rows)
        return true
    }

    mutating func end(committing: Bool) {
        if committing { committed = visible } else { visible = committed }
        marks = []
        staged = []
        phase = .idle
    }
}

private enum Step: CaseIterable {
    case insert, insertStaged, flush, break_, count, commit, rollback, rawCommit, rawRollback
    case savepoint, rollbackTo, release, missingSavepoint, changes
}

/// Walks a session at random and asks both it and the model what has become of everything.
private struct Walk {
    let session: Session
    let other: Connection
    var random: SeededGenerator
    var model = Model()
    var names = 0
    var trace: [String] = []

    /// The code of the error that `body` throws, nil for none.
    private func code(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? PostgresError)?.code.rawValue ?? "\(error)"
        }
    }

    mutating func step() throws {
        let step = Step.allCases.randomElement(using: &random) ?? .count
        let number = Int.random(in: 0..<12, using: &random)
        trace.append("\(step)(\(number))")
        let (expected, actual) = take(step, number)
        try #require(actual == expected, "\(trace.suffix(12).joined(separator: " "))")
        try check()
    }

    /// What the step should throw and what it does throw.
    private mutating func take(_ step: Step, _ number: Int) -> (String?, String?) {
        switch step {
        case .insert: insert(number)
        case .insertStaged: stage(number)
        case .flush: flush()
        case .break_: breakIt()
        case .count: count()
        case .commit: commit { try $0.commit() }
        case .rawCommit: commit { try $0.execute("COMMIT") }
        case .rollback: rollback { try $0.rollback() }
        case .rawRollback: rollback { try $0.execute("ROLLBACK") }
        case .savepoint: savepoint()
        case .rollbackTo: rollbackTo()
        case .release: release()
        case .missingSavepoint: missingSavepoint()
        case .changes: changes()
        }
    }

    private mutating func statement(
        _ sql: SQL, then expect: (inout Model) -> String?
    ) -> (String?, String?) {
        let actual = code { try session.execute(sql) }
        guard model.phase != .failed else { return ("SessionFailed", actual) }
        guard model.flush() else { return ("UniqueViolation", actual) }
        model.phase = .active
        return (expect(&model), actual)
    }

    private mutating func insert(_ number: Int) -> (String?, String?) {
        statement("INSERT INTO walk VALUES (\(number)::int)") { model in
            guard model.visible.insert(number).inserted else {
                model.phase = .failed
                return "UniqueViolation"
            }
            return nil
        }
    }

    private mutating func stage(_ number: Int) -> (String?, String?) {
        // A record without a key: always an INSERT.
        let actual = code { try session.add(WalkRow(n: Int32(number))) }
        guard model.phase != .failed else { return ("SessionFailed", actual) }
        model.staged.append(number)
        return (nil, actual)
    }

    private mutating func flush() -> (String?, String?) {
        let actual = code { try session.flush() }
        guard model.phase != .failed else { return ("SessionFailed", actual) }
        return (model.flush() ? nil : "UniqueViolation", actual)
    }

    private mutating func breakIt() -> (String?, String?) {
        statement("SELECT 1 / 0") { model in
            model.phase = .failed
            return "ServerError"
        }
    }

    private mutating func count() -> (String?, String?) {
        var seen: [Int]?
        let session = session
        let result = statement("SELECT 1") { model in
            seen = try? session.scalar("SELECT array_agg(n) FROM walk", as: [Int]?.self) ?? []
            return Set(seen ?? [-1]) == model.visible ? nil : "other rows"
        }
        return result
    }

    private mutating func commit(_ body: (Session) throws -> Void) -> (String?, String?) {
        let actual = code { try body(session) }
        guard model.phase != .failed else {
            model.end(committing: false)
            return ("TransactionRolledBack", actual)
        }
        guard model.flush() else { return ("UniqueViolation", actual) }
        model.end(committing: true)
        return (nil, actual)
    }

    private mutating func rollback(_ body: (Session) throws -> Void) -> (String?, String?) {
        let actual = code { try body(session) }
        model.end(committing: false)
        return (nil, actual)
    }

    private mutating func savepoint() -> (String?, String?) {
        names += 1
        let name = "s\(names)"
        return statement("SAVEPOINT \(identifier: name)") { model in
            model.marks.append((name, model.visible))
            return nil
        }
    }

    private mutating func rollbackTo() -> (String?, String?) {
        guard let index = model.marks.indices.randomElement(using: &random) else {
            return (nil, nil)
        }
        let mark = model.marks[index]
        let actual = code {
            try session.execute("ROLLBACK TO SAVEPOINT \(identifier: mark.name)")
        }
        model.visible = mark.rows
        model.marks.removeSubrange((index + 1)...)
        model.phase = .active
        return (nil, actual)
    }

    private mutating func release() -> (String?, String?) {
        guard let index = model.marks.indices.randomElement(using: &random) else {
            return (nil, nil)
        }
        let name = model.marks[index].name
        return statement("RELEASE SAVEPOINT \(identifier: name)") { model in
            model.marks.removeSubrange(index...)
            return nil
        }
    }

    private mutating func missingSavepoint() -> (String?, String?) {
        let actual = code { try session.execute("ROLLBACK TO never_made") }
        guard model.phase != .idle else { return ("NoTransaction", actual) }
        model.phase = .failed
        return ("ServerError", actual)
    }

    private func changes() -> (String?, String?) {
        let expected =
            !model.staged.isEmpty || model.phase == .failed
            // A savepoint's number is assigned with the first write, and a rollback to it leaves
            // the outer one: only the transaction that never wrote is sure to have none.
            || model.visible != model.committed
        let actual = (try? session.hasUncommittedChanges) ?? false
        return (nil, expected && !actual ? "no changes" : nil)
    }

    /// The session, the server and the model agree on where the session is and what others see.
    private func check() throws {
        let (phase, status): (SessionState.Phase, TransactionStatus) =
            switch model.phase {
            case .idle: (.idle, .idle)
            case .active: (.active, .inTransaction)
            case .failed: (.failed, .inFailedTransaction)
            }
        let steps = trace.suffix(12).joined(separator: " ")
        try #require(session.state.phase == phase, "\(steps)")
        try #require(session.connection.transactionStatus == status, "\(steps)")
        try #require(session.work.staged.count { !$0.isVoid } == model.staged.count, "\(steps)")
        let seen = try other.query("SELECT array_agg(n) FROM walk")[0]
        try #require(Set(seen.get(at: 0, as: [Int]?.self) ?? []) == model.committed, "\(steps)")
    }
}

private struct WalkRow: Record {
    static let table = "walk"
    static let primaryKey = "key"
    var key: Int64?
    var n: Int32

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(n, forKey: .n)
    }
}

@Suite("A session walked at random")
struct SessionWalkTests {
    @Test("session, server and model agree after each of two thousand steps")
    func walk() async throws {
        let library = try await Library.make()
        let random = SeededGenerator.printed("walking a session")
        let other = try library.engine.connect(for: "observer")
        defer { other.close() }
        try other.execute(
            """
            CREATE TABLE walk (n int UNIQUE, key int8 GENERATED ALWAYS AS IDENTITY)
            """)
        try library.engine.withConnection { connection in
            let session = Session(on: connection)
            defer { session.close() }
            var walk = Walk(session: session, other: other, random: random)
            for number in 0..<2000 {
                if number % 100 == 0 {
                    try session.rollback()
                    try other.execute("TRUNCATE walk")
                    walk.model = Model()
                }
                try walk.step()
            }
        }
    }
}
