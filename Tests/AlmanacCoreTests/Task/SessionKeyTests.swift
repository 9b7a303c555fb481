import AlmanacCore
import AlmanacTesting
import Foundation
import PostgresSession
import Testing

/// Runs SQL and says what of the session it saw.
struct SessionProbe: BatchTask {
    static let name = "session-probe"
    var statements: [String]?
    var settings: [String]?

    func run(_ context: TaskContext) async throws {
        for statement in statements ?? [] { try context.session.execute(SQL(raw: statement)) }
        var seen: [String: String?] = [:]
        for setting in settings ?? [] {
            seen[setting] = try context.session.scalar(
                "SELECT current_setting(\(setting), true)", as: String?.self)
        }
        context.result = seen
    }
}

@Suite("The session that a job asks for")
struct SessionKeyTests {
    private static func fixture() async throws -> RunFixture {
        try await RunFixture(tasks: [SessionProbe.self])
    }

    private func seen(_ row: RunRecord) throws -> [String: String?] {
        try JSONDecoder().decode([String: String?].self, from: Data((row.result ?? "{}").utf8))
    }

    @Test(
        "has its settings, also hostile ones, in every mode of transaction",
        arguments: ["perRun", "explicit", "none"])
    func settings(transaction: String) async throws {
        let fixture = try await Self.fixture()
        let row = try await fixture.runner.run(
            "session-probe",
            parameters: """
                settings: [search_path, lock_timeout, statement_timeout, app.tenant, work_mem]
                """,
            job: """
                transaction: \(transaction)
                session:
                  searchPath: [app, 'x"; DROP TABLE marks; --']
                  lockTimeout: 3s
                  statementTimeout: 7s
                  settings: {app.tenant: "'; DROP TABLE marks; --", work_mem: 1MB}
                """)
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        let seen = try seen(row)
        #expect(seen["search_path"] == "\"app\", \"x\"\"; DROP TABLE marks; --\"")
        #expect(seen["lock_timeout"] == "3s")
        #expect(seen["statement_timeout"] == "7s")
        #expect(seen["app.tenant"] == "'; DROP TABLE marks; --")
        #expect(seen["work_mem"] == "1MB")
        #expect(try fixture.marks().isEmpty)
    }

    @Test(
        "leaves nothing of it to the next run on its connection",
        arguments: ["perRun", "explicit", "none"])
    func gone(transaction: String) async throws {
        let fixture = try await Self.fixture()
        try fixture.withConnection { connection in
            try connection.execute("CREATE ROLE \(identifier: "role \(fixture.name)")")
        }
        let names = "settings: [role, search_path, lock_timeout, app.tenant, transaction_read_only]"
        let worker = Worker(number: 1, services: fixture.runner.services)
        let usual = try fixture.runner.makeJob(
            task: "session-probe", parameters: names, name: "usual")
        let special = try fixture.runner.makeJob(
            task: "session-probe", parameters: names,
            keys: """
                transaction: \(transaction)
                session:
                  role: "role \(fixture.name)"
                  searchPath: [app]
                  lockTimeout: 3s
                  settings: {app.tenant: x}
                """, name: "special")
        var results: [[String: String?]] = []
        for job in [usual, special, usual] {
            guard case .ran(let report) = await fixture.runner.start(job, on: worker) else {
                Issue.record("it has not run")
                return
            }
            #expect(report.state == .succeeded, "\(String(describing: report.failure))")
            results.append(try seen(fixture.runner.row(of: report.identity.runID)))
        }
        await worker.stop()
        #expect(results[1]["role"] == "role \(fixture.name)")
        #expect(results[1]["search_path"] == "\"app\"")
        #expect(results[0]["role"] == "none")
        #expect(
            results[2].filter { $0.key != "app.tenant" }
                == results[0].filter { $0.key != "app.tenant" })
        // A setting of one's own that was ever made is empty afterwards, and not unknown.
        #expect((results[2]["app.tenant"] ?? nil) ?? "" == "")
        try fixture.withConnection { connection in
            try connection.execute("DROP ROLE \(identifier: "role \(fixture.name)")")
        }
    }

    @Test("acts as the role, and its row is written by the login role in the same commit")
    func role() async throws {
        let fixture = try await Self.fixture()
        let role = "Role \"\(fixture.name)\""
        try fixture.withConnection { connection in
            try connection.execute("CREATE ROLE \(identifier: role)")
            try connection.execute("GRANT USAGE ON SCHEMA almanac TO \(identifier: role)")
            try connection.execute("GRANT INSERT ON marks TO \(identifier: role)")
            try connection.execute("GRANT INSERT, SELECT ON pairs TO \(identifier: role)")
        }
        defer {
            try? fixture.withConnection { connection in
                try connection.execute("DROP OWNED BY \(identifier: role)")
                try connection.execute("DROP ROLE \(identifier: role)")
            }
        }
        // Where the tables are: the tests' login role has a schema of its name.
        let keys = "session: {role: 'Role \"\(fixture.name)\"', searchPath: [almanac]}"
        let good = try await fixture.runner.run(
            "session-probe",
            parameters: "statements: ['INSERT INTO marks (mark) VALUES (current_user)']", job: keys)
        #expect(good.state == .succeeded, "\(good.errorMessage ?? "")")
        #expect(good.rowsAffected == 1)
        #expect(try fixture.marks() == [role])
        let same = try fixture.withConnection { connection in
            try connection.query(
                """
                SELECT 1 FROM marks, almanac.runs WHERE state = 'succeeded' \
                AND marks.xmin::text = (transaction_id::text::numeric % 4294967296)::text
                """
            ).count
        }
        #expect(same == 1, "not in one transaction")

        let forbidden = try await fixture.runner.run(
            "session-probe", parameters: "statements: ['DELETE FROM almanac.runs']", job: keys)
        #expect(forbidden.state == .failed)
        #expect(forbidden.sqlState == "42501")

        let deferred = try await fixture.runner.run(
            "session-probe",
            parameters: "statements: ['INSERT INTO pairs VALUES (1), (1)']", job: keys)
        #expect(deferred.state == .failed)
        #expect(deferred.sqlState == "23505")
    }

    @Test("what is deferred to the commit is done as the role, not as the login")
    func deferredTrigger() async throws {
        let fixture = try await Self.fixture()
        let role = "role \(fixture.name)"
        try fixture.withConnection { connection in
            try connection.executeScript(
                """
                CREATE TABLE whoami (name text);
                GRANT USAGE ON SCHEMA almanac TO PUBLIC;
                GRANT INSERT ON whoami TO PUBLIC;
                GRANT INSERT ON marks TO PUBLIC;
                CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN INSERT INTO whoami VALUES (current_user); RETURN NULL; END';
                CREATE CONSTRAINT TRIGGER tell AFTER INSERT ON marks
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tell();
                """)
            try connection.execute("CREATE ROLE \(identifier: role)")
        }
        defer {
            _ = try? fixture.withConnection { try $0.execute("DROP ROLE \(identifier: role)") }
        }
        let row = try await fixture.runner.run(
            "session-probe", parameters: "statements: ['INSERT INTO marks VALUES (1)']",
            job: "session: {role: '\(role)', searchPath: [almanac]}")
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        let name = try fixture.withConnection { connection in
            try connection.query("SELECT name FROM whoami")[0].get("name", as: String.self)
        }
        #expect(name == role)
    }

    @Test("of a role that there is not fails that run alone")
    func missingRole() async throws {
        let fixture = try await Self.fixture()
        let row = try await fixture.runner.run(
            "session-probe", parameters: "statements: [SELECT 1]",
            job: "session: {role: nobody at all}\nbackoffLimit: 2")
        #expect(row.state == .failed)
        #expect(row.attempt == 1)
        #expect(
            row.errorMessage?.hasPrefix(
                "ServerError (SQLSTATE 22023): role \"nobody at all\" does not exist "
                    + "(session.role). Create it, or name another.") == true)
        let next = try await fixture.runner.run(
            "session-probe", parameters: "statements: [SELECT 1]")
        #expect(next.state == .succeeded)
    }

    @Test("that is read-only writes nothing and has its outcome all the same")
    func readOnly() async throws {
        let fixture = try await Self.fixture()
        let good = try await fixture.runner.run(
            "session-probe", parameters: "settings: [transaction_read_only]", job: "readOnly: true")
        #expect(good.state == .succeeded, "\(good.errorMessage ?? "")")
        #expect(try seen(good) == ["transaction_read_only": "on"])
        let bad = try await fixture.runner.run(
            "session-probe", parameters: "statements: ['INSERT INTO marks VALUES (1)']",
            job: "readOnly: true")
        #expect(bad.state == .failed)
        #expect(bad.sqlState == "25006")
        #expect(try fixture.leftovers().isEmpty)
    }

    @Test(
        "has the isolation that the job says",
        arguments: [
            ("readCommitted", "read committed"), ("repeatableRead", "repeatable read"),
            ("serializable", "serializable"),
        ])
    func isolation(key: String, level: String) async throws {
        let fixture = try await Self.fixture()
        let row = try await fixture.runner.run(
            "session-probe", parameters: "settings: [transaction_isolation]",
            job: "isolation: \(key)")
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        #expect(try seen(row) == ["transaction_isolation": level])
    }

    @Test("ends a statement at the job's own limit, long before the deadline")
    func statementTimeout() async throws {
        let fixture = try await Self.fixture()
        let row = try await fixture.runner.run(
            "session-probe", parameters: "statements: [SELECT pg_sleep(60)]",
            job: "session: {statementTimeout: 1s}\nactiveDeadlineSeconds: 600")
        #expect(row.state == .failed)
        #expect(row.errorType == "StatementTimeout")
        #expect(row.durationMilliseconds ?? 99_999 < 30_000)
    }
}

@Suite("What is checked before the commit")
struct ExpectationRunTests {
    private static let insert = "INSERT INTO marks (mark) SELECT generate_series(1, ROWS)"

    private func run(
        _ fixture: RunFixture, rows: Int, _ expectation: String
    ) async throws -> RunRecord {
        try await fixture.runner.run(
            "session-probe",
            parameters: "statements: ['\(Self.insert.replacing("ROWS", with: "\(rows)"))']",
            job: "backoffLimit: 2\nexpect: \(expectation)")
    }

    @Test(
        "is met and committed, or not met and rolled back with the figures",
        arguments: [
            (3, "{rowsAffected: {min: 3, max: 3}}", String?.none),
            (2, "{rowsAffected: {min: 3}}", "expected at least 3 rows affected, found 2"),
            (4, "{rowsAffected: {max: 3}}", "expected at most 3 rows affected, found 4"),
            (1, "{sql: SELECT count(*) = 1 FROM marks}", nil),
            (
                2, "{sql: SELECT count(*) = 1 FROM marks}",
                "expected true, found false: SELECT count(*) = 1 FROM marks"
            ),
            (1, "{sql: SELECT NULL::bool}", "expected true, found NULL: SELECT NULL::bool"),
            (
                1, "{sql: SELECT true WHERE false}",
                "expected true, found no row: SELECT true WHERE false"
            ),
        ])
    func checked(rows: Int, expectation: String, problem: String?) async throws {
        let fixture = try await RunFixture(tasks: [SessionProbe.self])
        let row = try await run(fixture, rows: rows, expectation)
        #expect(row.state == (problem == nil ? .succeeded : .failed))
        #expect(row.reason == (problem == nil ? nil : "expectation"))
        #expect(row.errorType == (problem == nil ? nil : "ExpectationNotMet"))
        #expect(row.errorMessage == problem)
        #expect(row.attempt == 1)
        #expect(try fixture.marks().count == (problem == nil ? rows : 0))
        #expect(try fixture.leftovers().isEmpty)
    }

    @Test("compares with the median of the last 14 successes, once there are any")
    func deviation() async throws {
        let fixture = try await RunFixture(tasks: [SessionProbe.self])
        let wide = "{rowsAffected: {deviation: 1000}}"
        let first = try await run(fixture, rows: 500, "{rowsAffected: {deviation: 0.1}}")
        #expect(first.state == .succeeded, "there is nothing to compare the first with")
        for rows in [10, 12, 11, 10, 9, 10, 10, 11, 10, 10, 10, 8, 10] {
            #expect(try await run(fixture, rows: rows, wide).state == .succeeded)
        }
        // 500 is one of fourteen: the median does not mind.
        let few = try await run(fixture, rows: 4, "{rowsAffected: {deviation: 0.5}}")
        #expect(few.state == .failed)
        #expect(
            few.errorMessage == "expected 5 to 15 rows affected, found 4: the median of the last "
                + "14 successes is 10, and 'deviation' is 0.50")
        let enough = try await run(fixture, rows: 5, "{rowsAffected: {deviation: 0.5}}")
        #expect(enough.state == .succeeded)
    }

    @Test("counts nothing for a run that did not use its session, and a query that fails fails it")
    func withoutSession() async throws {
        let fixture = try await RunFixture(tasks: [SessionProbe.self])
        let none = try await fixture.runner.run(
            "session-probe", job: "expect: {rowsAffected: {min: 1}}")
        #expect(none.state == .failed)
        #expect(none.reason == "expectation")
        let wrong = try await fixture.runner.run(
            "session-probe", job: "expect: {sql: SELECT 1 / 0 = 1}")
        #expect(wrong.state == .failed)
        #expect(wrong.reason == nil)
        #expect(wrong.sqlState == "22012")
    }
}
