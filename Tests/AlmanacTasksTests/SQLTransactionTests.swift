import AlmanacCore
import PostgresSession
import Testing

@Suite("Transactions of the task sql")
struct SQLTransactionTests {
    @Test("VACUUM runs with transaction none, and says what to do without")
    func vacuum() async throws {
        let fixture = try await TaskFixture()
        try fixture.withConnection { try $0.execute("CREATE TABLE marks AS SELECT 1 AS id") }
        let keys = "task: sql\nparameters: {statement: VACUUM (ANALYZE) marks}"
        let row = try await fixture.run(keys + "\ntransaction: none")
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        let refused = try await fixture.run(keys)
        #expect(refused.state == .failed)
        #expect(refused.sqlState == "25001")
    }

    @Test("with transaction none each statement stands for itself")
    func none() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            """
            task: sql
            transaction: none
            parameters:
              statement: |
                CREATE TABLE marks (id int);
                INSERT INTO marks VALUES (1);
                INSERT INTO nowhere VALUES (2);
                INSERT INTO marks VALUES (3)
            """)
        #expect(row.state == .failed)
        #expect(try fixture.texts("SELECT id::text FROM marks") == ["1"])
    }

    @Test("a procedure that commits runs with transaction none")
    func procedure() async throws {
        let fixture = try await TaskFixture()
        try fixture.withConnection { connection in
            try connection.executeScript(
                """
                CREATE TABLE marks (id int);
                CREATE PROCEDURE mark() LANGUAGE plpgsql AS $$
                BEGIN
                    FOR i IN 1..3 LOOP INSERT INTO marks VALUES (i); COMMIT; END LOOP;
                END $$;
                """)
        }
        let row = try await fixture.run(
            "task: sql\ntransaction: none\nparameters: {statement: CALL mark()}")
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        #expect(try fixture.texts("SELECT count(DISTINCT xmin::text)::text FROM marks") == ["3"])
    }

    @Test("with transaction explicit a script commits itself, part by part")
    func explicit() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            """
            task: sql
            transaction: explicit
            parameters:
              statement: |
                CREATE TABLE marks (id int);
                INSERT INTO marks VALUES (1);
                COMMIT;
                INSERT INTO marks VALUES (2);
                ROLLBACK;
                INSERT INTO marks VALUES (3);
                COMMIT
            """)
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        #expect(row.rowsAffected == 3)
        #expect(try fixture.texts("SELECT id::text FROM marks ORDER BY 1") == ["1", "3"])
    }

    @Test("with transaction explicit what is not committed at the end is an error")
    func uncommitted() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            "task: sql\ntransaction: explicit\n"
                + "parameters: {statement: CREATE TABLE marks (id int)}")
        #expect(row.state == .failed)
        #expect(row.errorType == "UncommittedChanges")
    }

    @Test("a COMMIT that comes into a file after it was checked is refused when it runs")
    func lateCommit() async throws {
        let fixture = try await TaskFixture()
        try fixture.write("SELECT 1", to: "a.sql")
        let job = try fixture.job("task: sql\nparameters: {file: a.sql}")
        try fixture.write("CREATE TABLE marks (id int);\nCOMMIT;", to: "a.sql")
        let row = try await fixture.run(job)
        #expect(row.state == .failed)
        #expect(row.errorMessage?.contains("[a.sql:2]") == true, "\(row.errorMessage ?? "")")
        #expect(try fixture.texts("SELECT to_regclass('marks') IS NULL || ''") == ["true"])
    }

    @Test("a deferred constraint fails the run at its end")
    func deferred() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            """
            task: sql
            parameters:
              statement: |
                CREATE TABLE marks (id int UNIQUE DEFERRABLE INITIALLY DEFERRED);
                INSERT INTO marks VALUES (1), (1)
            """)
        #expect(row.state == .failed)
        #expect(row.sqlState == "23505")
    }

    @Test(
        "savepoints are a script's own business in every mode", arguments: TransactionMode.allCases)
    func savepoints(mode: TransactionMode) async throws {
        let fixture = try await TaskFixture()
        let (begin, commit) =
            switch mode {
            case .perRun: ("", "")
            case .explicit: ("", "COMMIT;")
            case .none: ("BEGIN;", "COMMIT;")
            }
        let row = try await fixture.run(
            """
            task: sql
            transaction: \(mode.rawValue)
            parameters:
              statement: |
                \(begin)
                CREATE TABLE marks (id int);
                SAVEPOINT here;
                INSERT INTO marks VALUES (1);
                ROLLBACK TO SAVEPOINT here;
                INSERT INTO marks VALUES (2);
                \(commit)
            """)
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        #expect(try fixture.texts("SELECT id::text FROM marks") == ["2"])
    }

    @Test("a script that begins a transaction itself has the settings of its job from the start")
    func beginsFirst() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            """
            task: sql
            transaction: none
            session: {searchPath: [pg_catalog], settings: {work_mem: 7MB}}
            parameters:
              statement: |
                BEGIN;
                CREATE TABLE public.marks AS SELECT current_setting('work_mem') AS mark;
                COMMIT
            """)
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        #expect(try fixture.texts("SELECT mark FROM public.marks") == ["7MB"])
    }
}
