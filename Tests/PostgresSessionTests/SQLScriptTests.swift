import Foundation
import Testing

@testable import PostgresSession

@Suite("Scripts")
struct SQLScriptTests {
    static let splits: [(script: String, statements: [String])] = [
        ("", []), (" ; ;\n-- only this\n/* and this */", []),
        ("SELECT 1", ["SELECT 1"]), ("SELECT 1;", ["SELECT 1"]),
        ("SELECT 1;SELECT 2", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';'; SELECT 2", ["SELECT ';'", "SELECT 2"]),
        ("SELECT 'it''s; fine'; SELECT 2", ["SELECT 'it''s; fine'", "SELECT 2"]),
        ("SELECT E'\\';'; SELECT 2", ["SELECT E'\\';'", "SELECT 2"]),
        ("SELECT '\\'; SELECT 2", ["SELECT '\\'", "SELECT 2"]),
        ("SELECT name'x\\'; SELECT 2", ["SELECT name'x\\'", "SELECT 2"]),
        ("SELECT \"a;\"\"b\"; SELECT 2", ["SELECT \"a;\"\"b\"", "SELECT 2"]),
        ("SELECT U&'\\0441;'; SELECT U&\"x;y\"", ["SELECT U&'\\0441;'", "SELECT U&\"x;y\""]),
        ("SELECT $$;$$; SELECT 2", ["SELECT $$;$$", "SELECT 2"]),
        ("SELECT $a$ $b$ ; $$ $a$; SELECT 2", ["SELECT $a$ $b$ ; $$ $a$", "SELECT 2"]),
        ("SELECT a$b$c; SELECT $1; SELECT 2", ["SELECT a$b$c", "SELECT $1", "SELECT 2"]),
        ("SELECT 1 -- ; not here\n; SELECT 2", ["SELECT 1 -- ; not here", "SELECT 2"]),
        (
            "SELECT 1 /* ; /* nested ; */ ; */; SELECT 2",
            ["SELECT 1 /* ; /* nested ; */ ; */", "SELECT 2"]
        ),
        ("SELECT (1;2); SELECT 3", ["SELECT (1;2)", "SELECT 3"]),
        (
            "CREATE RULE r AS ON INSERT TO t DO (DELETE FROM a; DELETE FROM b); SELECT 1",
            ["CREATE RULE r AS ON INSERT TO t DO (DELETE FROM a; DELETE FROM b)", "SELECT 1"]
        ),
        (
            "CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; SELECT CASE WHEN a THEN 1 END; END;2",
            [
                "CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; SELECT CASE WHEN a THEN 1 END; END",
                "2",
            ]
        ),
        (
            "CREATE OR REPLACE PROCEDURE p() begin atomic INSERT INTO t VALUES (1); end; CALL p()",
            [
                "CREATE OR REPLACE PROCEDURE p() begin atomic INSERT INTO t VALUES (1); end",
                "CALL p()",
            ]
        ),
        ("BEGIN; SELECT 1; END; SELECT 2", ["BEGIN", "SELECT 1", "END", "SELECT 2"]),
        ("SELECT 'ü;Ω'; SELECT 'é'", ["SELECT 'ü;Ω'", "SELECT 'é'"]),
        ("SELECT 1\n\n  \n;\n", ["SELECT 1"]),
    ]

    @Test("a script is split by the server's lexical rules", arguments: splits)
    func split(script: String, statements: [String]) throws {
        #expect(try SQLScript(script).statements.map(\.text) == statements)
    }

    @Test("each statement knows its line and offset")
    func positions() throws {
        let script = try SQLScript("-- ü\nSELECT 1;\n\n /* x */ SELECT\n2;SELECT 3")
        #expect(script.statements.map(\.line) == [2, 4, 5])
        #expect(script.statements.map(\.offset) == [6, 26, 35])
    }

    static let mistakes: [(script: String, message: String)] = [
        ("SELECT 'x", "line 1: a quoted text is not closed"),
        ("SELECT 1;\nSELECT \"x", "line 2: a quoted identifier is not closed"),
        ("SELECT /* /* */", "line 1: a comment is not closed"),
        ("SELECT $x$ $y$", "line 1: a dollar-quoted text is not closed"),
        ("SELECT ${x", "line 1: a placeholder is not closed"),
        ("SELECT ${}", "line 1: ${} is no placeholder"),
        ("SELECT ${a b}", "line 1: ${a b} is no placeholder"),
        ("SELECT 1;\n\n\\i other.sql", "line 3: a psql command (\\…) is no SQL"),
        ("SELECT 1 \\gexec", "line 1: a psql command (\\…) is no SQL"),
        ("SELECT '${day}'", "line 1: the placeholder ${day} stands in quotes"),
        ("SELECT E'x ${day}'", "line 1: the placeholder ${day} stands in quotes"),
        ("SELECT * FROM \"${table}\"", "line 1: the placeholder ${table} stands in quotes"),
        ("DO $$ BEGIN x(${day}); END $$", "line 1: the placeholder ${day} stands in quotes"),
    ]

    @Test("a mistake is named with its line", arguments: mistakes)
    func mistake(script: String, message: String) throws {
        let error = try failure(.invalidScript) { _ = try SQLScript(script) }
        #expect(error.message == message)
        #expect(error.hint != nil)
    }

    @Test("a placeholder in quotes is told to drop them")
    func quotedPlaceholder() throws {
        let error = try failure { _ = try SQLScript("SELECT '${day}'::date") }
        #expect(error.hint?.hasPrefix("Remove the quotes") == true)
    }

    @Test("placeholders become parameters, in order, as often as they occur")
    func bound() throws {
        let script = try SQLScript(
            "DELETE FROM sales WHERE day < ${cutoff} AND shop = ${env:SHOP} -- ${no}\n;"
                + "SELECT ${cutoff}"
        )
        #expect(script.placeholders == ["cutoff", "env:SHOP"])
        let values = ["cutoff": "2026-01-01", "env:SHOP": "'; DROP TABLE sales"]
        let sql = try script.statements[0].bound { name in
            try #require(values[name]).postgresParameter()
        }
        #expect(sql.text == "DELETE FROM sales WHERE day < $1 AND shop = $2 -- ${no}")
        #expect(sql.parameters.count == 2)
        #expect(script.statements[1].bound { _ in .null() }.parameters.count == 1)
    }

    static let controls: [(String, Bool)] = [
        ("BEGIN", true), ("begin work", true), ("START TRANSACTION", true), ("COMMIT", true),
        ("END", true), ("ROLLBACK", true), ("ABORT", true), ("PREPARE TRANSACTION 'x'", true),
        ("COMMIT PREPARED 'x'", true), ("/* c */ -- d\n commit", true),
        ("COMMIT AND CHAIN", true), ("ROLLBACK TO SAVEPOINT a", false), ("ROLLBACK TO a", false),
        ("SAVEPOINT a", false), ("RELEASE a", false), ("PREPARE x AS SELECT 1", false),
        ("SELECT 1", false), ("\"COMMIT\"", false), ("COMMITTED", false), ("START x", false),
    ]

    @Test("transaction control is recognised", arguments: controls)
    func control(text: String, isControl: Bool) throws {
        #expect(try SQLScript(text).statements.first?.isTransactionControl == isControl)
    }

    @Test("any text is split or refused, and what is split loses nothing but space between")
    func fuzz() throws {
        var generator = SeededGenerator.printed("splitting random scripts")
        let parts = [
            "'", "''", "\"", "$$", "$a$", "$", ";", "--", "\n", "/*", "*/", "\\", "E'", "U&'",
            "SELECT", "BEGIN", "ATOMIC", "END", "CREATE FUNCTION", "CASE", "(", ")", "${x}", "${",
            "}", " ", "é", "1", "\0", "\r", "name", "b'", "$1", "::", "👩‍👩‍👧‍👦",
        ]
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...14, using: &generator)
            let text = (0..<count).map { _ in parts.randomElement(using: &generator) ?? "" }
                .joined()
            let bytes = Array(text.utf8)
            do {
                var end = 0
                for statement in try SQLScript(text).statements {
                    let body = Array(statement.text.utf8)
                    #expect(statement.offset >= end)
                    end = statement.offset + body.count
                    try #require(end <= bytes.count)
                    #expect(Array(bytes[statement.offset..<end]) == body, "\(text)")
                }
            } catch let error as PostgresError {
                #expect(error.code == .invalidScript)
            }
        }
    }
}
