import AlmanacCore
import Foundation
import PostgresSession
import Testing

@testable import AlmanacTasks

@Suite("The task sql")
struct SQLTaskTests {
    @Test("executes several statements in one transaction and adds up their rows")
    func severalStatements() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            """
            task: sql
            parameters:
              statement: |
                CREATE TABLE sales (day int);
                -- a comment; with a semicolon
                INSERT INTO sales SELECT generate_series(1, 5);
                SELECT * FROM sales;
                DO $$ BEGIN PERFORM 1; END $$;
                UPDATE sales SET day = day + 1 WHERE day < 3;
                DELETE FROM sales WHERE day = 5
            """)
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        #expect(row.rowsAffected == 8)
        #expect(
            try fixture.texts("SELECT day::text FROM sales ORDER BY day") == ["2", "3", "3", "4"])
        #expect(try fixture.texts("SELECT count(DISTINCT xmin::text)::text FROM sales") == ["1"])
    }

    @Test("reads a file that starts at the folder of the schedule file")
    func file() async throws {
        let fixture = try await TaskFixture()
        try fixture.write("CREATE TABLE marks AS SELECT 1 AS id;\n", to: "sql/über uns.sql")
        let row = try await fixture.run("task: sql\nparameters: {file: sql/über uns.sql}")
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        #expect(try fixture.texts("SELECT id::text FROM marks") == ["1"])
    }

    @Test(
        "takes a file as editors leave it",
        arguments: [
            ("a byte order mark", "\u{FEFF}CREATE TABLE marks (id int)"),
            ("line ends of Windows", "-- first\r\nCREATE TABLE marks\r\n(id int);\r\n"),
            ("no line end", "CREATE TABLE marks (id int)"),
            ("nothing but comments at its end", "CREATE TABLE marks (id int);\n/* end */ ;;\n"),
        ])
    func editors(what: String, text: String) async throws {
        let fixture = try await TaskFixture()
        try fixture.write(text, to: "a.sql")
        let row = try await fixture.run("task: sql\nparameters: {file: a.sql}")
        #expect(row.state == .succeeded, "\(what): \(row.errorMessage ?? "")")
        #expect(try fixture.texts("SELECT count(*)::text FROM marks") == ["0"])
    }

    @Test("reads the file again for each run")
    func changedFile() async throws {
        let fixture = try await TaskFixture()
        try fixture.write("CREATE TABLE marks AS SELECT 1 AS id", to: "a.sql")
        _ = try await fixture.run("task: sql\nparameters: {file: a.sql}")
        try fixture.write("INSERT INTO marks VALUES (2)", to: "a.sql")
        let row = try await fixture.run("task: sql\nparameters: {file: a.sql}")
        #expect(row.rowsAffected == 1)
    }

    @Test("a run that reads only has no rows affected, and leaves nothing")
    func readsOnly() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            "task: sql\nparameters: {statement: 'SELECT generate_series(1, 1000)'}")
        #expect(row.state == .succeeded)
        #expect(row.rowsAffected == 0)
    }

    @Test("a statement that fails takes everything before it back")
    func failure() async throws {
        let fixture = try await TaskFixture()
        try fixture.withConnection { try $0.execute("CREATE TABLE marks (id int)") }
        let row = try await fixture.run(
            "task: sql\nparameters: {statement: 'INSERT INTO marks VALUES (1); SELECT 1 / 0'}")
        #expect(row.state == .failed)
        #expect(row.sqlState == "22012")
        #expect(try fixture.texts("SELECT id::text FROM marks") == [])
    }

    @Test(
        "the message of a failure names the file and the line",
        arguments: [
            ("SELECT 1;\n\nSELECT nothing;\n", "42703", 3),
            ("SELECT 1,\n  2,\n  nothing\nFROM pg_class", "42703", 3),
            ("-- é\n/* 😀\n*/ SELECT 'é😀',\n\n ${scheduledFor},\n  nothing", "42703", 6),
            ("\r\nSELECT 1;\r\nSELECT\r\n nothing", "42703", 4),
            ("SELECT 1;\n\n  SELECT\n 1 / 0", "22012", 3),
        ])
    func place(text: String, state: String, line: Int) async throws {
        let fixture = try await TaskFixture()
        try fixture.write(text, to: "sql/report.sql")
        let row = try await fixture.run("task: sql\nparameters: {file: sql/report.sql}")
        #expect(row.sqlState == state)
        #expect(
            row.errorMessage?.contains("[sql/report.sql:\(line)]") == true,
            "\(row.errorMessage ?? "")")
    }

    @Test("of a statement in the schedule file the message names the line in the statement")
    func placeInStatement() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            "task: sql\nparameters:\n  statement: |\n    SELECT 1;\n    SELECT nothing")
        #expect(row.errorMessage?.contains("[statement:2]") == true, "\(row.errorMessage ?? "")")
    }

    @Test(
        "COPY from the client fails with a reason and hangs nobody",
        arguments: ["FROM STDIN", "TO STDOUT"])
    func copy(direction: String) async throws {
        let fixture = try await TaskFixture()
        try fixture.withConnection { try $0.execute("CREATE TABLE marks (id int)") }
        let row = try await fixture.run(
            "task: sql\nparameters: {statement: 'COPY marks \(direction)'}")
        #expect(row.state == .failed)
        #expect(row.errorMessage?.uppercased().contains("COPY") == true)
        let next = try await fixture.run(
            "task: sql\nparameters: {statement: 'INSERT INTO marks VALUES (1)'}")
        #expect(next.state == .succeeded)
    }

    @Test("a run past its deadline is timed out, also in the middle of a script")
    func deadline() async throws {
        let fixture = try await TaskFixture()
        try fixture.withConnection { try $0.execute("CREATE TABLE marks (id int)") }
        let row = try await fixture.run(
            """
            task: sql
            activeDeadlineSeconds: 1
            parameters: {statement: 'INSERT INTO marks VALUES (1); SELECT pg_sleep(30)'}
            """)
        #expect(row.state == .timedOut, "\(row.errorMessage ?? "")")
        #expect(row.durationMilliseconds ?? 99_999 < 10_000)
        #expect(try fixture.texts("SELECT id::text FROM marks") == [])
    }

    @Test("an asked-for stop keeps the statements from being begun")
    func stop() async throws {
        let fixture = try await TaskFixture()
        let control = RunControl()
        control.stop(.shutdown)
        let row = try await fixture.run(
            "task: sql\nparameters: {statement: CREATE TABLE marks (id int)}", control: control)
        #expect(row.state == .cancelled)
        #expect(try fixture.texts("SELECT to_regclass('marks') IS NULL || ''") == ["true"])
    }
}
