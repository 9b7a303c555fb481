import AlmanacCore
import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@testable import Almanac

@Suite("exec --rehearse", .timeLimit(.minutes(1)))
struct RehearsalTests {
    /// A database with orders, and a schedule file.
    private struct Place {
        let folder: Folder
        let database: TestDatabase

        init(_ job: String) async throws {
            folder = try Folder([
                "a.yaml": "version: 1\njobs:\n  job:\n    every: 1h\n    activeDeadlineSeconds: 2\n"
                    + job.split(separator: "\n").map { "    \($0)\n" }.joined()
            ])
            database = try await TestDatabase.make()
            try texts(
                """
                CREATE TABLE orders (id serial PRIMARY KEY, paid bool DEFAULT false);
                CREATE TABLE lines (orders_id int REFERENCES orders DEFERRABLE INITIALLY DEFERRED);
                INSERT INTO orders SELECT FROM generate_series(1, 30);
                """)
        }

        @discardableResult
        func texts(_ script: String) throws -> [String] {
            let engine = Engine(EngineConfiguration(database.connectionString))
            defer { engine.close() }
            let connection = try engine.connect(for: "test")
            defer { connection.close() }
            if script.contains(";") {
                try connection.executeScript(script)
                return []
            }
            return try connection.query(SQL(raw: script)).map { try $0.get(at: 0) }
        }

        func rehearse(_ more: [String] = []) async -> CommandCall {
            await CommandCall(
                ["exec", "job", "--rehearse", "--database", database.connectionString] + more
                    + ["--schedules", folder.path])
        }
    }

    private func report(_ call: CommandCall) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(call.output.utf8))
        return try #require(object as? [String: Any])
    }

    @Test("runs the task, rolls it back and says what it did, to what, for how long")
    func success() async throws {
        let place = try await Place(
            """
            task: sql
            parameters:
              statement: |
                UPDATE orders SET paid = true WHERE id <= 20;
                INSERT INTO orders DEFAULT VALUES;
            """)
        let call = await place.rehearse()
        #expect(call.status == .done, "\(call.errors)")
        #expect(try place.texts("SELECT count(*)::text FROM orders WHERE paid") == ["0"])
        #expect(try place.texts("SELECT count(*)::text FROM orders") == ["30"])
        for text in [
            "rehearsed job for ", "21 rows changed, ", "the run would succeed",
            "UPDATE orders SET paid = true WHERE id <= 20", "INSERT INTO orders DEFAULT VALUES",
            "RowExclusiveLock", "everything was rolled back; but:", "sequences",
        ] {
            #expect(call.output.contains(text), "\(text): \(call.output)")
        }
        let rows = call.output.split(separator: "\n").filter { $0.contains("UPDATE orders") }
        #expect(rows.first?.split(separator: " ").prefix(2) == ["1", "20"])
    }

    @Test("says nothing of what came from the environment")
    func secrets() async throws {
        let path = try #require(ProcessInfo.processInfo.environment["PATH"])
        let place = try await Place(
            "task: sql\nparameters: {statement: 'SELECT ${env:PATH}::text::int'}")
        let call = await place.rehearse()
        #expect(!(call.output + call.errors).contains(path))
        #expect((call.output + call.errors).contains("***"))
    }

    @Test(
        "checks what the job expects, also where there is no ledger",
        arguments: [
            ("{rowsAffected: {min: 31}}", "expected at least 31 rows affected, found 30"),
            ("{sql: SELECT count(*) = 31 FROM orders}", "expected true, found false"),
            ("{rowsAffected: {max: 30, deviation: 0.5}}", nil),
        ])
    func expectation(keys: String, problem: String?) async throws {
        let place = try await Place(
            """
            task: sql
            parameters: {statement: UPDATE orders SET paid = true}
            expect: \(keys)
            """)
        let call = await place.rehearse()
        #expect(call.status == (problem == nil ? .done : .failed), "\(call.errors)")
        if let problem { #expect(call.output.contains(problem), "\(call.output)") }
        #expect(try place.texts("SELECT count(*)::text FROM orders WHERE paid") == ["0"])
    }

    @Test("leaves no row and makes no ledger")
    func noRow() async throws {
        let place = try await Place("task: sql\nparameters: {statement: DELETE FROM orders}")
        #expect(await place.rehearse().status == .done)
        #expect(
            try place.texts("SELECT (to_regclass('almanac.runs') IS NULL)::text") == ["true"])
    }

    @Test("says with --json the same")
    func json() async throws {
        let place = try await Place(
            """
            window: contiguous
            task: sql
            parameters: {statement: "DELETE FROM orders WHERE id < 5 AND now() > ${windowStart}"}
            """)
        let call = await place.rehearse(["--json", "--at", "2026-11-22T03:00:00Z"])
        let report = try report(call)
        #expect(report["state"] as? String == "succeeded")
        #expect(report["rows_affected"] as? Int == 4)
        #expect(report["window_start"] as? String == "2026-11-22T02:00:00.000Z")
        #expect(report["is_first_chunk_only"] as? Bool == false)
        let locks = try #require(report["locks"] as? [[String: Any]])
        #expect(locks.contains { $0["name"] as? String == "orders" })
        let modes = locks.first { $0["name"] as? String == "orders" }?["modes"] as? [String]
        #expect(modes?.contains("RowExclusiveLock") == true)
    }

    @Test(
        "says how a run would fail, and its exit code does",
        arguments: [
            ("SELECT 1 / 0", "22012"),
            ("DELETE FROM nowhere", "42P01"),
            ("INSERT INTO lines VALUES (4711)", "23503"),
            ("SELECT pg_sleep(30)", "57014"),
        ])
    func failure(statement: String, state: String) async throws {
        let place = try await Place(
            "task: sql\nparameters: {statement: \"\(statement)\"}")
        let call = await place.rehearse(["--json"])
        #expect(call.status == .failed)
        let report = try report(call)
        let problem = try #require(report["problem"] as? [String: Any])
        if state != "57014" { #expect(problem["sqlstate"] as? String == state, "\(problem)") }
        #expect(report["locks"] == nil)
        let outcome = report["state"] as? String
        #expect(outcome == (state == "57014" ? "timed_out" : "failed"))
    }

    @Test("of work in chunks goes as far as the first, and says so")
    func chunks() async throws {
        let place = try await Place(
            """
            task: sql
            parameters:
              chunk: {keys: SELECT id FROM orders, size: 10}
              statement: DELETE FROM orders WHERE id BETWEEN ${chunkFrom} AND ${chunkTo}
            """)
        let call = await place.rehearse()
        #expect(call.status == .done, "\(call.errors)")
        #expect(call.output.contains("10 rows changed"))
        #expect(call.output.contains("only the first chunk was rehearsed"))
        #expect(try place.texts("SELECT count(*)::text FROM orders") == ["30"])
    }

    @Test(
        "is refused where a rollback would undo nothing, before anything is done",
        arguments: [
            ("task: command\nparameters: {shell: \"touch ran\"}", "what the task 'command' does"),
            (
                "task: sql\ntransaction: none\nparameters: {statement: DELETE FROM orders}",
                "with 'transaction: none'"
            ),
            (
                "task: sql\ntransaction: explicit\nparameters: {statement: DELETE FROM orders}",
                "with 'transaction: explicit'"
            ),
        ])
    func refused(job: String, answer: String) async throws {
        let place = try await Place(job)
        let call = await place.rehearse()
        #expect(call.status == .failed)
        #expect(call.errors.contains("cannot be rehearsed"))
        #expect(call.errors.contains(answer), "\(call.errors)")
        #expect(call.output.isEmpty)
        #expect(try place.texts("SELECT count(*)::text FROM orders") == ["30"])
        #expect(!FileManager.default.fileExists(atPath: place.folder.path("ran")))
    }

    @Test("keeps --json to itself")
    func jsonAlone() async throws {
        let place = try await Place("task: sql\nparameters: {statement: SELECT 1}")
        let call = await CommandCall(["exec", "job", "--json", "--schedules", place.folder.path])
        #expect(call.status == .usage)
    }

    @Test("tells statements once each, with how often they ran")
    func many() async throws {
        let place = try await Place(
            """
            task: sql
            parameters:
              statement: |
                SELECT 1;
                SELECT  1;
                DO $$ BEGIN PERFORM 1; END $$
            """)
        let report = try report(await place.rehearse(["--json"]))
        let statements = try #require(report["statements"] as? [[String: Any]])
        #expect(statements.map { $0["times"] as? Int } == [2, 1])
        #expect(report["other_statements"] as? Int == 0)
    }
}
