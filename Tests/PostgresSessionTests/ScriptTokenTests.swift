import Foundation
import Testing

@testable import PostgresSession

/// Tokens as `kind:text`, spaces left out; a token that is not closed has a `!`.
private func tokens(_ text: String) -> [String] {
    var scanner = SQLScanner(text)
    var list: [String] = []
    while let token = scanner.next() {
        guard token.kind != .space else { continue }
        let part = String(decoding: scanner[token], as: UTF8.self)
        list.append("\(token.kind):\(part)\(token.isClosed ? "" : "!")")
    }
    return list
}

@Suite("Tokens of SQL")
struct ScriptTokenTests {
    static let table: [(text: String, tokens: [String])] = [
        // Strings and their prefixes.
        ("'a''b'", ["string:'a''b'"]), (#"'a\'"#, [#"string:'a\'"#]),
        (#"E'a\'b'"#, [#"string:E'a\'b'"#]), (#"e'\\'x"#, [#"string:e'\\'"#, "word:x"]),
        ("E'a''b'", ["string:E'a''b'"]), ("b'01'", ["string:b'01'"]), ("X'1F'", ["string:X'1F'"]),
        ("N'x'", ["string:N'x'"]), ("U&'\\0061'", ["string:U&'\\0061'"]),
        (#"u&"d\0061""#, [#"identifier:u&"d\0061""#]),
        ("U &'x'", ["word:U", "other:&", "string:'x'"]),
        ("U&x", ["word:U", "other:&", "word:x"]),
        ("date'2001-01-01'", ["word:date", "string:'2001-01-01'"]),
        ("fe'x\\'", ["word:fe", "string:'x\\'"]), ("''", ["string:''"]), ("'", ["string:'!"]),
        ("E'\\", ["string:E'\\!"]), ("'a' 'b'", ["string:'a'", "string:'b'"]),
        // Identifiers.
        (#""a""b""#, [#"identifier:"a""b""#]), (#""a;b"c"#, [#"identifier:"a;b""#, "word:c"]),
        (#""a"#, [#"identifier:"a!"#]), ("straße_1$x", ["word:straße_1$x"]), ("_a", ["word:_a"]),
        // Dollar quotes.
        ("$$a$$", ["dollarString:$$a$$"]), ("$x$a$y$b$x$", ["dollarString:$x$a$y$b$x$"]),
        ("$x$ $$ $x$", ["dollarString:$x$ $$ $x$"]), ("$é1$;$é1$", ["dollarString:$é1$;$é1$"]),
        ("$1$", ["other:$1", "other:$"]), ("$1a", ["other:$1", "word:a"]), ("$", ["other:$"]),
        ("$x", ["other:$", "word:x"]), ("$$a$", ["dollarString:$$a$!"]), ("a$$b", ["word:a$$b"]),
        ("$X$ $x$ $X$", ["dollarString:$X$ $x$ $X$"]),
        ("1$$a$$", ["number:1", "dollarString:$$a$$"]),
        // Comments.
        ("-- a\nb", ["comment:-- a", "word:b"]), ("--a\rb", ["comment:--a", "word:b"]),
        ("a--", ["word:a", "comment:--"]), ("a - -b", ["word:a", "other:-", "other:-", "word:b"]),
        ("/* a /* b */ c */d", ["comment:/* a /* b */ c */", "word:d"]),
        ("/* -- */a", ["comment:/* -- */", "word:a"]), ("-- /*\na", ["comment:-- /*", "word:a"]),
        ("/* ' */a", ["comment:/* ' */", "word:a"]), ("/* /* */", ["comment:/* /* */!"]),
        ("'--'", ["string:'--'"]), ("a/b", ["word:a", "other:/", "word:b"]),
        ("*/", ["other:*", "other:/"]),
        ("/*/", ["comment:/*/!"]), ("/**/a", ["comment:/**/", "word:a"]),
        // Operators, casts and the rest.
        ("a::int", ["word:a", "other::", "other::", "word:int"]),
        ("j ? 'k'", ["word:j", "other:?", "string:'k'"]),
        ("j?|a", ["word:j", "other:?", "other:|", "word:a"]), (":x", ["other::", "word:x"]),
        ("a->>'b'", ["word:a", "other:-", "other:>", "other:>", "string:'b'"]),
        ("1.5e3", ["number:1.5e3"]), ("1_000", ["number:1_000"]), (".5", ["other:.", "number:5"]),
        ("(a);", ["openParenthesis:(", "word:a", "closeParenthesis:)", "semicolon:;"]),
        ("\\x", ["backslash:\\", "word:x"]),
        ("a[1]", ["word:a", "other:[", "number:1", "other:]"]),
        // Placeholders.
        ("${a}", ["placeholder:${a}"]), ("${env:X}", ["placeholder:${env:X}"]),
        ("${a}${b}", ["placeholder:${a}", "placeholder:${b}"]),
        ("x${a}", ["word:x$", "other:{", "word:a", "other:}"]),
        ("1${a}", ["number:1", "placeholder:${a}"]),
        ("${a}::date", ["placeholder:${a}", "other::", "other::", "word:date"]),
        ("'x'${a}", ["string:'x'", "placeholder:${a}"]),
        ("$1${a}", ["other:$1", "placeholder:${a}"]),
        ("${a", ["placeholder:${a!"]), ("${a\n}", ["placeholder:${a!", "other:}"]),
        ("--${a}", ["comment:--${a}"]), ("", []), (" \t\r\n\u{B}\u{C}", []),
    ]

    @Test("a text is these tokens", arguments: table)
    func scan(text: String, expected: [String]) {
        #expect(tokens(text) == expected)
    }

    static let placeholders: [(script: String, text: String)] = [
        ("SELECT ${a}", "SELECT $1"), ("SELECT ${a},${b},${a}", "SELECT $1,$2,$3"),
        ("SELECT ${a}::date", "SELECT $1::date"), ("SELECT ${a}${b}", "SELECT $1$2"),
        ("SELECT -${a}", "SELECT -$1"), ("SELECT (${a})", "SELECT ($1)"),
        ("SELECT ${a}-- ${no}", "SELECT $1-- ${no}"),
        ("SELECT ${a}/* ${no} */+1", "SELECT $1/* ${no} */+1"),
        ("SELECT j ? ${a}", "SELECT j ? $1"), ("SELECT ARRAY[${a}]", "SELECT ARRAY[$1]"),
        ("SELECT '$'||${a}||'{x}'", "SELECT '$'||$1||'{x}'"), ("${a}", "$1"),
    ]

    @Test("a placeholder becomes a parameter whatever stands beside it", arguments: placeholders)
    func placeholder(script: String, text: String) throws {
        let statement = try #require(try SQLScript(script).statements.first)
        let sql = statement.bound { name in name.postgresParameter() }
        #expect(sql.text == text)
        #expect(sql.parameters == statement.placeholders.map { $0.postgresParameter() })
        #expect(statement.text == script)
    }

    static let bodies: [(script: String, count: Int)] = [
        ("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END", 1),
        ("CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; END; SELECT 2", 2),
        ("create function f() begin /* c */ atomic select 1; end; select 2", 2),
        ("CREATE OR REPLACE FUNCTION f() BEGIN ATOMIC SELECT 1; END; SELECT 2", 2),
        ("CREATE PROCEDURE p() BEGIN ATOMIC INSERT INTO t VALUES (1); END; SELECT 2", 2),
        (
            """
            CREATE FUNCTION f() BEGIN ATOMIC
            SELECT CASE WHEN a THEN CASE b WHEN 1 THEN 2 END ELSE 3 END; SELECT 4; END; SELECT 5
            """, 2
        ),
        ("CREATE FUNCTION f() BEGIN ATOMIC SELECT 'END'; SELECT \"END\"; END; SELECT 2", 2),
        // No body: nothing hides the semicolons.
        ("CREATE TABLE t (a int); BEGIN; ATOMIC; END", 4), ("BEGIN ATOMIC; SELECT 1; END", 3),
        ("CREATE FUNCTION f() AS 'SELECT 1'; BEGIN; SELECT 1; END", 4),
        ("CREATE VIEW function AS SELECT 1; SELECT 2", 2), ("SELECT 1; CASE; END", 3),
        ("CREATE FUNCTION f() LANGUAGE plpgsql AS $$ BEGIN x; END $$; SELECT 2", 2),
        ("CREATE TABLE function (begin int, atomic int); SELECT 1; SELECT 2", 3),
        // Parentheses hide them, and an unbalanced one does not swallow what is before it.
        ("SELECT (1; 2); SELECT 3", 2), ("SELECT 1); SELECT (2); SELECT 3", 3),
        ("SELECT (1; SELECT 2", 1),
    ]

    @Test(
        "semicolons inside of a routine's body or of parentheses end no statement",
        arguments: bodies)
    func body(script: String, count: Int) throws {
        #expect(try SQLScript(script).statements.count == count)
    }

    static let controls: [(text: String, control: TransactionControl?)] = [
        ("BEGIN", .begin), ("BEGIN ISOLATION LEVEL SERIALIZABLE", .begin),
        ("START TRANSACTION READ ONLY", .begin),
        ("START", nil), ("COMMIT", .commit), ("COMMIT WORK", .commit), ("END TRANSACTION", .commit),
        ("COMMIT AND CHAIN", .other), ("COMMIT AND NO CHAIN", .commit),
        ("COMMIT WORK AND CHAIN", .other),
        ("COMMIT WORK AND NO CHAIN", .commit), ("END AND CHAIN", .other),
        ("COMMIT PREPARED 'x'", .other),
        ("PREPARE TRANSACTION 'x'", .other), ("PREPARE p AS SELECT 1", nil), ("ABORT", .rollback),
        ("ABORT AND CHAIN", .other), ("ROLLBACK", .rollback), ("ROLLBACK TRANSACTION", .rollback),
        ("ROLLBACK AND CHAIN", .other), ("ROLLBACK AND NO CHAIN", .rollback),
        ("ROLLBACK PREPARED 'x'", .other),
        ("ROLLBACK TO a", .rollbackToSavepoint),
        ("ROLLBACK WORK TO SAVEPOINT a", .rollbackToSavepoint),
        ("rollback/**/to a", .rollbackToSavepoint), ("SAVEPOINT a", nil), ("RELEASE a", nil),
        ("(COMMIT)", nil),
        ("-- x\nCOMMIT", .commit), ("/* /* */ */commit;", .commit), ("\"COMMIT\"", nil),
        ("'COMMIT'", nil),
        ("COMMITS", nil), ("commıt", nil), ("EXPLAIN COMMIT", nil), ("", nil), (";COMMIT", nil),
    ]

    @Test(
        "what a statement does to the transaction is read from its first words", arguments: controls
    )
    func control(text: String, control: TransactionControl?) {
        #expect(LeadingKeywords(text).transactionControl == control)
    }

    static let words: [(text: String, words: [String])] = [
        ("select a from b where c", ["SELECT", "A", "FROM", "B"]), ("select*from b", ["SELECT"]),
        ("/* a */ -- b\n copy\tx", ["COPY", "X"]), ("(select 1)", []), ("1 a", []),
        ("a 'x' b", ["A"]),
        ("with x as (select 1)", ["WITH", "X", "AS"]), ("", []), ("größe", ["GRößE"]),
    ]

    @Test("leading keywords end at the first thing that is no word", arguments: words)
    func leading(text: String, words: [String]) {
        #expect(LeadingKeywords(text).words == words)
        #expect(LeadingKeywords(text, limit: 1).words == Array(words.prefix(1)))
    }

    static let copies: [(text: String, isRefused: Bool)] = [
        ("COPY t FROM STDIN", true), ("copy t to stdout", true),
        ("/* x */ COPY (SELECT 1) TO STDOUT", true),
        ("COPY t FROM stdin WITH (FORMAT csv)", true), ("COPY t FROM '/tmp/STDIN'", false),
        ("COPY t TO PROGRAM 'cat > stdout'", false), ("COPY \"stdin\" TO '/tmp/x'", false),
        ("SELECT 'COPY t FROM STDIN'", false), ("COPY t FROM '/x' -- STDIN", false),
        ("SELECT stdin FROM copy", false),
    ]

    @Test(
        "COPY from and to the client is refused before it is sent, others are not",
        arguments: copies)
    func copy(text: String, isRefused: Bool) throws {
        let error = Result { try SQL(raw: text).refuseClientCopy() }
        guard isRefused else { return try error.get() }
        let refusal = try failure(.copyNotSupported) { try error.get() }
        #expect(refusal.hint == "Use addAll or SELECT, or COPY from and to a file of the server")
        #expect(refusal.statement == text)
    }

    static let fences: [(sql: SQL, isGuarded: Bool)] = [
        ("UPDATE t SET a = 1", true), ("insert into t values (1)", true), ("DELETE FROM t", true),
        ("UPDATE t SET a = 'RETURNING; --'", true), ("UPDATE t SET \"returning\" = 1", true),
        ("UPDATE t SET a = 1 RETURNING a", false), ("UPDATE t SET a = 1 returning a", false),
        ("UPDATE t SET a = 1; DELETE FROM t", false), ("UPDATE t SET a = 1 -- x", false),
        ("UPDATE t /* x */ SET a = 1", false), ("WITH x AS (SELECT 1) UPDATE t SET a = 1", false),
        ("SELECT 1", false), ("", false), ("MERGE INTO t USING s ON true", false),
    ]

    @Test(
        "a closing statement is wrapped if that cannot change what it does",
        arguments: fences.indices)
    func fence(index: Int) {
        let (sql, isGuarded) = Self.fences[index]
        let wrapped = Fence(sql, rows: 1).guarded
        #expect((wrapped != nil) == isGuarded)
        #expect(wrapped.map { $0.text.contains("(\(sql.text) RETURNING 1)") } ?? !isGuarded)
    }
}
