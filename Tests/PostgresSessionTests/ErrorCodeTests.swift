import AlmanacTesting
import Foundation
import Testing

@testable import PostgresSession

@Suite("Codes of errors")
struct ErrorCodeTests {
    typealias Code = PostgresError.Code

    struct Provocation: Sendable, CustomTestStringConvertible {
        let state: String
        let code: Code
        let sql: SQL
        var hint: String?
        var check: @Sendable (PostgresError) -> Bool = { _ in true }
        var testDescription: String { "\(state) \(code)" }
    }

    static let provocations: [Provocation] = [
        .init(state: "23505", code: .uniqueViolation, sql: "INSERT INTO t VALUES (1), (1)") {
            $0.constraint == "t_a_key" && $0.table == "t"
                && $0.detail == "Key (a)=(1) already exists."
        },
        .init(state: "23503", code: .foreignKeyViolation, sql: "INSERT INTO u VALUES (9)") {
            $0.table == "u" && $0.constraint == "u_a_fkey"
        },
        .init(state: "23502", code: .notNullViolation, sql: "INSERT INTO t VALUES (NULL)") {
            $0.column == "a" && $0.table == "t"
        },
        .init(state: "23514", code: .checkViolation, sql: "INSERT INTO t VALUES (-1)") {
            $0.constraint == "t_a_check"
        },
        .init(
            state: "23P01", code: .exclusionViolation,
            sql: "INSERT INTO e VALUES ('[1,3]'), ('[2,4]')"),
        .init(state: "42P01", code: .unknownTable, sql: "SELECT * FROM nowhere") {
            $0.position == 15
        },
        .init(state: "42703", code: .unknownColumn, sql: "SELECT nothing FROM t") {
            $0.position == 8
        },
        .init(
            state: "42601", code: .syntaxError, sql: "SELEC 1"
        ) { $0.position == 1 && $0.hint == nil },
        .init(
            state: "42601", code: .syntaxError, sql: "SELECT \(1); SELECT 2",
            hint: "One statement at a time; a text of several goes through SQLScript or "
                + "executeScript."
        ),
        .init(
            state: "42P18", code: .serverError, sql: "SELECT jsonb_build_object('a', \("b"))",
            hint: "Say the parameter's type in the SQL: \\(value)::text."),
        .init(state: "22012", code: .serverError, sql: "SELECT 1 / 0"),
        .init(state: "22P02", code: .serverError, sql: "SELECT 'x'::int"),
        .init(state: "22003", code: .serverError, sql: "SELECT 32768::int2"),
        .init(
            state: "P0001", code: .serverError,
            sql: "DO $$ BEGIN RAISE 'mine' USING HINT = 'so'; END $$",
            hint: "so"
        ) { $0.message == "mine" },
        .init(
            state: "40001", code: .serializationFailure,
            sql: "DO $$ BEGIN RAISE 'x' USING ERRCODE = '40001'; END $$"
        ) { $0.isRetryable },
        .init(
            state: "40P01", code: .deadlockDetected,
            sql: "DO $$ BEGIN RAISE 'x' USING ERRCODE = '40P01'; END $$"
        ) { $0.isRetryable },
        .init(
            state: "55P03", code: .lockNotAvailable,
            sql: "DO $$ BEGIN RAISE 'x' USING ERRCODE = '55P03'; END $$"
        ) { $0.isRetryable },
        .init(
            state: "25006", code: .readOnlyTransaction,
            sql: "DO $$ BEGIN RAISE 'x' USING ERRCODE = '25006'; END $$"),
        .init(
            state: "53300", code: .tooManyConnections,
            sql: "DO $$ BEGIN RAISE 'x' USING ERRCODE = '53300'; END $$"
        ) { $0.isRetryable },
        .init(
            state: "08P01", code: .connectionLost,
            sql: "DO $$ BEGIN RAISE 'x' USING ERRCODE = '08P01'; END $$"
        ) {
            $0.classification == .connection
        },
        .init(
            state: "0A000", code: .serverError,
            sql: "DO $$ BEGIN RAISE 'no' USING ERRCODE = '0A000'; END $$"
        ) { !$0.isRetryable },
        .init(state: "26000", code: .serverError, sql: "EXECUTE never_prepared") { $0.isRetryable },
    ]

    @Test("each error of the server has its code, its place and its hint", arguments: provocations)
    func provoke(test: Provocation) async throws {
        try await onSharedDatabase { connection in
            try connection.executeScript(
                """
                CREATE TEMP TABLE t (a int UNIQUE NOT NULL CHECK (a >= 0));
                CREATE TEMP TABLE u (a int REFERENCES t (a));
                CREATE TEMP TABLE e (r int4range, EXCLUDE USING gist (r WITH &&));
                """)
            let error = try failure(test.code) { try connection.execute(test.sql) }
            #expect(error.sqlState == test.state)
            #expect(test.hint == nil || error.hint == test.hint, "\(error.hint ?? "none")")
            #expect(error.statement == test.sql.text)
            #expect(error.file == "PostgresSessionTests/ErrorCodeTests.swift" && error.line != nil)
            #expect(test.check(error), "\(error)")
            #expect(connection.isUsable && connection.transactionStatus == .idle)
        }
    }

    @Test("a role that may not is denied, a locked row is not available, a deadlock has a victim")
    func others() async throws {
        let library = try await Library.make()
        let role = "poor_\(UUID().uuidString.prefix(8))"
        try library.engine.withConnection { try $0.execute("CREATE ROLE \(identifier: role)") }
        var options = SessionOptions()
        options.role = role
        try library.session(options) { session in
            let error = try failure(.permissionDenied) {
                try session.execute("SELECT * FROM books")
            }
            #expect(error.sqlState == "42501" && error.classification == .programming)
        }
        try library.engine.withConnection { try $0.execute("DROP ROLE \(identifier: role)") }
        try library.engine.withSession {
            try $0.addAll([Author(id: 1, name: "a"), Author(id: 2, name: "b")])
        }
        try library.session { first in
            try first.execute("SELECT * FROM authors WHERE id = 1 FOR UPDATE")
            try library.session { second in
                try second.execute("SET LOCAL lock_timeout = '10ms'")
                let error = try failure(.lockNotAvailable) {
                    try second.execute("UPDATE authors SET name = 'x' WHERE id = 1")
                }
                #expect(error.message == "canceling statement due to lock timeout")
                #expect(error.isRetryable)
            }
        }
        let engine = library.engine
        let both = DispatchSemaphore(value: 0), go = [DispatchSemaphore(value: 0), .init(value: 0)]
        let threads = [(1, 2), (2, 1)].enumerated().map { index, ids in
            startThread { () -> PostgresError.Code? in
                try engine.withConnection { connection in
                    let session = Session(on: connection)
                    defer { session.close() }
                    try session.execute("SET LOCAL deadlock_timeout = '20ms'")
                    try session.execute("UPDATE authors SET name = 'd' WHERE id = \(ids.0)")
                    both.signal()
                    go[index].wait()
                    do {
                        try session.execute("UPDATE authors SET name = 'd' WHERE id = \(ids.1)")
                        return nil
                    } catch let error as PostgresError {
                        #expect(error.isRetryable && error.sqlState == "40P01")
                        return error.code
                    }
                }
            }
        }
        for _ in threads { #expect(both.wait(timeout: .now() + 10) == .success) }
        go.forEach { $0.signal() }
        let codes = try threads.map { try $0() }
        #expect(codes.count { $0 == .deadlockDetected } == 1 && codes.contains(nil))
    }

    static let unheardStates: [(state: String, code: Code)] = [
        ("28P01", .authenticationFailed), ("28000", .authenticationFailed),
        ("3D000", .authenticationFailed), ("57P01", .connectionLost), ("57P02", .connectionLost),
        ("57P04", .connectionLost), ("57P05", .connectionLost), ("25P03", .connectionLost),
        ("57P03", .connectionRefused), ("25P02", .sessionFailed), ("08000", .connectionLost),
        ("08006", .connectionLost), ("XX000", .serverError), ("", .serverError),
    ]

    @Test(
        "SQLSTATEs that a statement cannot provoke have their codes too", arguments: unheardStates)
    func table(state: String, code: Code) {
        #expect(PostgresError.code(ofSQLState: state) == code)
    }

    static let classes:
        [(code: Code, state: String?, classification: PostgresError.Classification)] = [
            (.connectionLost, "25P03", .connection), (.poolExhausted, nil, .connection),
            (.tooManyConnections, nil, .connection), (.connectionRefused, "28000", .connection),
            (.commitInDoubt, nil, .connection), (.cancelled, nil, .cancelled),
            (.statementTimeout, "57014", .cancelled), (.staleData, nil, .retryable),
            (.typeMismatch, nil, .data), (.noResultFound, nil, .data),
            (.multipleResultsFound, nil, .data),
            (.transactionRolledBack, nil, .programming), (.sessionFailed, "40001", .programming),
            (.sessionClosed, nil, .programming), (.wrongThread, nil, .programming),
            (.fenceLost, nil, .programming), (.invalidParameter, nil, .programming),
            (.serverError, "55006", .retryable), (.serverError, "58030", .retryable),
            (.serverError, "21000", .data), (.serverError, "44000", .data),
            (.serverError, "27000", .data),
            (.serverError, "53200", .retryable), (.serverError, "0A000", .programming),
        ]

    @Test("a code says what to do, whatever the SQLSTATE beside it", arguments: classes)
    func classify(code: Code, state: String?, classification: PostgresError.Classification) {
        #expect(PostgresError(code, "x", sqlState: state).classification == classification)
    }

    @Test("a stale plan is worth another try, another 0A000 is not")
    func stalePlan() {
        let stale = PostgresError(
            .serverError, "cached plan must not change result type", sqlState: "0A000")
        #expect(stale.isRetryable && stale.isStalePlan)
        #expect(!PostgresError(.serverError, "not supported", sqlState: "0A000").isRetryable)
    }

    @Test("a description has all there is, in one order, each sentence ended once")
    func description() {
        var error = PostgresError(
            .uniqueViolation, "no", sqlState: "23505", hint: "Do this!",
            underlying: PostgresError(.serverError, "why?"))
        error.detail = "more."
        error.statement = "SELECT\n  1"
        error.parameterTypes = ["int8", "text"]
        error.position = 3
        error.file = "M/F.swift"
        error.line = 7
        #expect(
            "\(error)" == """
                UniqueViolation (SQLSTATE 23505): no. more. Do this! Statement: SELECT 1 \
                (parameters: int8, text), at character 3 [M/F.swift:7] \
                Caused by: ServerError: why?
                """)
        #expect("\(PostgresError(.serverError, ""))" == "ServerError: ")
    }

    @Test("the first place and the first statement of an error are kept")
    func first() {
        let error = PostgresError(.serverError, "x").of("SELECT \(1)").of("SELECT 2")
            .at("a.swift", 1).at("b.swift", 2)
        #expect(error.statement == "SELECT $1" && error.parameterTypes == ["int8"])
        #expect(error.file == "a.swift" && error.line == 1)
    }

    @Test("a record's columns are the hint of an error about its table, and of no other")
    func about() {
        for (state, code, isAbout) in [
            ("42P01", Code.unknownTable, true), ("42703", .unknownColumn, true),
            ("42804", .serverError, true), ("23505", .uniqueViolation, false),
        ] {
            let error = PostgresError(code, "x", sqlState: state, hint: "theirs").about(Author.self)
            #expect(
                error.hint
                    == (isAbout
                        ? "The record type Author is stored in authors, its columns are named "
                            + "after its coding keys: id (Optional<Int64>), name (String)"
                        : "theirs"))
            #expect(PostgresError(code, "x", hint: "theirs").about(nil).hint == "theirs")
        }
    }
}

@Suite("NUL")
struct NulTests {
    private struct Odd: Record {
        static let table = "a\0b"
        var id: Int64?
    }

    @Test("NUL is refused before anything is sent, wherever it stands")
    func everywhere() async throws {
        try await onSharedDatabase { connection in
            let log = StatementLog(connection)
            let statements: [SQL] = [
                "SELECT \("\0")", "SELECT \("a\0")::text", "SELECT \([Optional("x\0")])",
                "SELECT \(identifier: "a\0b")", "SELECT \(raw: "\0")", "SELECT '\0'",
                "SELECT \(JSONText("\0"))",
                "SELECT \(raw: SQL.quoted(literal: "\0"))",
                "SELECT \(DecodingTests.Wrapper(rawValue: "\0"))",

            ]
            for sql in statements {
                let error = try failure(.invalidParameter) { try connection.query(sql) }
                #expect(error.message.contains("NUL") && !"\(error.message)".contains("\0"))
                _ = try failure(.invalidParameter) { try connection.pipeline(["SELECT 1", sql]) }
            }
            _ = try failure(.invalidParameter) { try connection.executeScript("SELECT 1; -- \0") }
            try withSession(connection) { session in
                _ = try failure(.invalidParameter) { _ = try session.query(Odd.self).all() }
                _ = try failure(.invalidParameter) {
                    _ = try session.query(Author.self).filter { $0.name == "\0" }.all()
                }
                for sql in statements {
                    _ = try failure(.invalidParameter) { try session.execute(sql) }
                }
                #expect(session.isUntouched && log.statements.isEmpty)
                // A parameter's number tells which one it is.
                let third = try failure { try session.execute("SELECT \(1), \(2), \("\0")") }
                #expect(third.message.hasPrefix("parameter $3 cannot be sent"))
            }
            #expect(
                try connection.query("SELECT \(Data([0]))")[0].get(at: 0, as: Data.self)
                    == Data([0]))
        }
    }

    @Test("settings, search path, role and name with NUL fail the first use, and nothing is sent")
    func options() async throws {
        try await onSharedDatabase { connection in
            let log = StatementLog(connection)
            var all = Array(repeating: SessionOptions(), count: 4)
            all[0].settings = ["my.x": "\0"]
            all[1].searchPath = ["a\0"]
            all[2].role = "\0"
            all[3].applicationName = "n\0"
            for options in all {
                try withSession(connection, options) { session in
                    _ = try failure(.invalidParameter) { try session.execute("SELECT 1") }
                    #expect(session.isUntouched && log.statements.isEmpty)
                }
            }
        }
    }
}
