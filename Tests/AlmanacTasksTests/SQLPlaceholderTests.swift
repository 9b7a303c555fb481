import AlmanacCore
import Foundation
import PostgresSession
import Testing

@testable import AlmanacTasks

@Suite("Placeholders in SQL")
struct SQLPlaceholderTests {
    /// What has ended databases elsewhere.
    static let hostile = [
        "Robert'); DROP TABLE marks; --", "'; DROP TABLE marks; SELECT '", "\\'; DROP TABLE marks",
        "$$; DROP TABLE marks; $$", "$1", "${scheduledFor}", "é😀\u{202E}", "a\nb\r\nc\td", "",
        "'", "\"", "\\", "--", "/*", ";", "NULL", "%s %n", "\u{1}\u{7F}",
    ]

    @Test("a value of the environment is bound and never becomes SQL", arguments: hostile)
    func environment(value: String) async throws {
        let fixture = try await TaskFixture()
        let source = try SQLSource(
            SQLTask(statement: "INSERT INTO marks VALUES (${env:MARK}, ${env:MARK})", file: nil),
            resolve: { $0 })
        let values = PlaceholderValues(
            scheduledFor: Date(timeIntervalSince1970: 0), baseDirectory: "/",
            environment: ["MARK": value])
        let statements = try source.script().statements
        let sql = try source.bind(try #require(statements.first), values)
        #expect(sql.text == "INSERT INTO marks VALUES ($1, $2)")
        let seen = try fixture.withConnection { connection in
            try connection.execute("CREATE TABLE marks (one text, two text)")
            try connection.execute(sql)
            return try connection.query("SELECT one, two FROM marks").map {
                [try $0.get("one", as: String.self), try $0.get("two", as: String.self)]
            }
        }
        #expect(seen == [[value, value]])
    }

    @Test("a file's content is bound from end to end", arguments: hostile)
    func file(value: String) async throws {
        let fixture = try await TaskFixture()
        try fixture.write(value + "\n", to: "value-of-it.txt")
        let row = try await fixture.run(
            """
            task: sql
            parameters: {statement: 'CREATE TABLE marks (mark text); \
            INSERT INTO marks VALUES (${file:value-of-it.txt})'}
            """)
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        #expect(try fixture.texts("SELECT mark FROM marks") == [value])
        #expect(row.parameters?.contains(value) != true || value.count < 4, "a value in the row")
    }

    @Test("a variable of the process is found")
    func processEnvironment() async throws {
        let path = try #require(ProcessInfo.processInfo.environment["PATH"])
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            "task: sql\nparameters: {statement: 'CREATE TABLE marks (mark text); "
                + "INSERT INTO marks VALUES (${env:PATH})'}")
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        #expect(try fixture.texts("SELECT mark FROM marks") == [path])
    }

    @Test("the nominal instant is a timestamptz, to the microsecond, in every expression")
    func scheduledFor() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            """
            task: sql
            parameters:
              statement: |
                CREATE TABLE marks AS SELECT
                    pg_typeof(${scheduledFor})::text AS type,
                    ${scheduledFor} - interval '1 day' AS before,
                    (${scheduledFor} AT TIME ZONE 'Europe/Berlin')::date AS day
            """, scheduledFor: Date(timeIntervalSince1970: 1_790_000_000.25))
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        let seen = try fixture.texts(
            "SELECT concat_ws(' ', type, extract(epoch from before), day) FROM marks")
        #expect(seen == ["timestamp with time zone 1789913600.250000 2026-09-21"])
    }

    @Test("in comments and function bodies a dollar sign is the text's own")
    func ownDollars() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            """
            task: sql
            parameters:
              statement: |
                -- ${nothing} at all
                CREATE FUNCTION answer() RETURNS text LANGUAGE sql AS $body$ SELECT '$1, $$' $body$;
                CREATE TABLE marks AS SELECT answer() AS mark
            """)
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        #expect(try fixture.texts("SELECT mark FROM marks") == ["$1, $$"])
    }

    @Test(
        "a placeholder without a value fails the run and says what is missing",
        arguments: [
            ("${env:ALMANAC_NO_SUCH_VARIABLE}", "ALMANAC_NO_SUCH_VARIABLE"),
            ("${file:no-such-file}", "no-such-file"),
        ])
    func unresolved(placeholder: String, name: String) async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            "task: sql\nparameters: {statement: 'SELECT \(placeholder)'}")
        #expect(row.state == .failed)
        #expect(row.errorType == "UnresolvedPlaceholder")
        #expect(row.errorMessage?.contains(name) == true)
    }

    @Test("a NUL in a value fails the run with a reason")
    func nul() async throws {
        let fixture = try await TaskFixture()
        try fixture.write("a\0b", to: "value.txt")
        let row = try await fixture.run(
            "task: sql\nparameters: {statement: 'SELECT ${file:value.txt}'}")
        #expect(row.state == .failed)
        #expect(row.errorMessage?.contains("NUL") == true, "\(row.errorMessage ?? "")")
    }
}
