import Foundation
import Testing

@Suite("The page of the audit table")
struct AuditTableTests {
    private static let page = "Sources/Almanac/Almanac.docc/AuditTable.md"

    /// What stands between backquotes in the first cell of each row of a section's tables.
    private static func cells(of section: String) throws -> [String] {
        let text = try Repository.text(of: page)
        let part = text.components(separatedBy: "\n## ").first { $0.hasPrefix("\(section)\n") }
        return try #require(part).split(separator: "\n").filter { $0.hasPrefix("| `") }
            .flatMap { line in
                let cell = line.dropFirst(2).prefix { $0 != "|" }
                return cell.split(separator: "`").map(String.init)
                    .filter { $0.contains { $0.isLetter } }
            }
    }

    /// The texts that a query gives of a ledger that was just made.
    private static func texts(_ query: String) async throws -> [String] {
        try await Library().texts(query).sorted()
    }

    @Test("has the columns that there are")
    func columns() async throws {
        let found = try await Self.texts(
            """
            SELECT column_name::text FROM information_schema.columns
            WHERE table_schema = 'almanac' AND table_name = 'runs'
            """)
        #expect(try Self.cells(of: "Columns").sorted() == found)
    }

    @Test("has the states, reasons and triggers that the constraints know")
    func words() async throws {
        let found = try await Self.texts(
            """
            SELECT DISTINCT word[1] FROM pg_constraint,
            regexp_matches(pg_get_constraintdef(oid), '''([a-z_-]+)''::text', 'g') AS word
            WHERE conrelid = 'almanac.runs'::regclass AND contype = 'c'
            """)
        // The kinds of JSON that some columns have to be.
        let kinds: Set = ["object", "array"]
        #expect(try Self.cells(of: "States").sorted() == found.filter { !kinds.contains($0) })
    }

    @Test("has the constraints that there are, but for those that Postgres has named")
    func constraints() async throws {
        let found = try await Self.texts(
            """
            SELECT conname::text FROM pg_constraint
            WHERE conrelid = 'almanac.runs'::regclass AND contype = 'c'
            AND conname !~ '_check[0-9]*$'
            UNION SELECT c.relname::text FROM pg_index AS i JOIN pg_class AS c
            ON c.oid = i.indexrelid WHERE i.indrelid = 'almanac.runs'::regclass
            AND i.indisunique AND NOT i.indisprimary
            """)
        #expect(try Self.cells(of: "What cannot be there").sorted() == found)
    }

    @Test("names each table and view of the schema")
    func tables() async throws {
        let text = try Repository.text(of: Self.page)
        let found = try await Self.texts(
            """
            SELECT relname::text FROM pg_class
            WHERE relnamespace = 'almanac'::regnamespace AND relkind IN ('r', 'v')
            AND relname <> 'books'
            """)
        let unnamed = found.filter {
            !text.contains("`\($0)`") && !text.contains("`almanac.\($0)`")
        }
        #expect(unnamed == [])
    }
}
