import AlmanacCore
import AlmanacTesting
import Foundation
import PostgresSession
import Testing

/// Jobs of the task `sql` with `chunk`.
@Suite("An sql task in chunks", .timeLimit(.minutes(2)))
struct SQLChunkTests {
    private static func job(
        _ statement: String = "UPDATE items SET touched = touched + 1 WHERE id BETWEEN "
            + "${chunkFrom} AND ${chunkTo}",
        keys: String = "SELECT id FROM items", chunk: String = "size: 10", job: String = ""
    ) -> String {
        """
        task: sql
        \(job)
        parameters:
          chunk: {keys: \(keys.quoted), \(chunk)}
          statement: \(statement.quoted)
        """
    }

    private func fixture(items: Int = 95, type: String = "int8") async throws -> TaskFixture {
        let fixture = try await TaskFixture()
        try fixture.withConnection {
            try $0.executeScript(
                """
                CREATE TABLE items (id \(type), touched int NOT NULL DEFAULT 0, xact xid8);
                INSERT INTO items SELECT i::text::\(type) FROM generate_series(1, \(items)) AS i;
                CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN NEW.xact := pg_current_xact_id(); RETURN NEW; END $$;
                CREATE TRIGGER note BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION note();
                """)
        }
        return fixture
    }

    @Test("touches each item once, and commits each chunk by itself")
    func all() async throws {
        let fixture = try await fixture()
        let row = try await fixture.run(Self.job())
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        #expect(row.rowsAffected == 95)
        #expect(try fixture.texts("SELECT DISTINCT touched::text FROM items") == ["1"])
        #expect(try fixture.texts("SELECT count(DISTINCT xact)::text FROM items") == ["10"])
        let progress = try #require(row.progress.flatMap(RunProgress.init(json:)))
        #expect(progress.done == 95)
        #expect(progress.total == 95)
        #expect(progress.remainingSeconds == 0)
        #expect(progress.perSecond ?? 0 > 0)
    }

    @Test("commits its last chunk together with the outcome")
    func lastChunk() async throws {
        let fixture = try await fixture()
        _ = try await fixture.run(Self.job())
        let last = try fixture.texts("SELECT DISTINCT xact::text FROM items WHERE id > 90")
        let outcome = try fixture.texts("SELECT transaction_id::text FROM almanac.runs")
        #expect(last == outcome)
    }

    @Test(
        "takes keys of any type with an order",
        arguments: ["int2", "numeric", "text", "float8", "varchar(20)"])
    func types(type: String) async throws {
        let fixture = try await fixture(type: type)
        let row = try await fixture.run(Self.job())
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        #expect(try fixture.texts("SELECT DISTINCT touched::text FROM items") == ["1"])
    }

    @Test("takes instants and UUIDs as keys, and leaves NULL out")
    func moreTypes() async throws {
        let fixture = try await fixture()
        try fixture.withConnection {
            try $0.executeScript(
                """
                ALTER TABLE items ADD at timestamptz, ADD uuid uuid DEFAULT gen_random_uuid();
                UPDATE items SET at = now() + id * interval '1.000001 s', touched = 0;
                INSERT INTO items (id) VALUES (1000);
                UPDATE items SET touched = 0;
                """)
        }
        for key in ["at", "uuid"] {
            let row = try await fixture.run(
                Self.job(
                    "UPDATE items SET touched = touched + 1 WHERE \(key) BETWEEN ${chunkFrom} "
                        + "AND ${chunkTo}", keys: "SELECT \(key) FROM items"))
            #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        }
        #expect(
            try fixture.texts("SELECT DISTINCT touched::text FROM items ORDER BY 1") == ["1", "2"])
        #expect(try fixture.texts("SELECT touched::text FROM items WHERE id = 1000") == ["1"])
    }

    @Test("leaves none of equal keys out")
    func duplicates() async throws {
        let fixture = try await fixture()
        try fixture.withConnection { try $0.executeScript("UPDATE items SET id = id / 7") }
        let row = try await fixture.run(
            Self.job().replacing("touched = touched + 1", with: "touched = touched + 5"))
        #expect(row.state == .succeeded)
        #expect(try fixture.texts("SELECT DISTINCT touched::text FROM items") == ["5"])
    }

    @Test(
        "with nothing to do succeeds, and so does one whose last chunk is full", arguments: [0, 20])
    func edges(items: Int) async throws {
        let fixture = try await fixture(items: items)
        let row = try await fixture.run(Self.job())
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        #expect(row.rowsAffected == Int64(items))
        #expect(row.progress.flatMap(RunProgress.init(json:))?.done == items)
    }

    @Test("that fails keeps the chunks before, and the next attempt goes on behind them")
    func resumes() async throws {
        let fixture = try await fixture()
        try fixture.withConnection {
            try $0.executeScript("CREATE SEQUENCE tries; CREATE TABLE seen (key int8)")
        }
        let statement = """
            UPDATE items SET touched = touched + 1 WHERE id BETWEEN ${chunkFrom} AND ${chunkTo};
            SELECT 1 / (CASE WHEN ${chunkFrom}::int8 > 40 AND nextval('tries') = 1 THEN 0 ELSE 1 \
            END)
            """
        let job = Self.job(
            statement,
            job: "backoffLimit: 1\nbackoff: {initial: 0s}\n"
                + "retryPolicy: {rules: [{action: Retry, sqlstates: ['22012']}]}")
        let definition = try fixture.job(job)
        let row = try await fixture.runInForeground(definition)
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        #expect(row.attempt == 2)
        #expect(row.rowsAffected == 55)
        #expect(try fixture.texts("SELECT DISTINCT touched::text FROM items") == ["1"])
        let progress = try #require(row.progress.flatMap(RunProgress.init(json:)))
        #expect(progress.startedDone == 40)
        #expect(progress.done == 95)
        #expect(progress.total == 95)
        let first = try fixture.texts(
            "SELECT checkpoint #>> '{}' FROM almanac.runs WHERE attempt = 1 AND state = 'failed'")
        #expect(first == ["40"])
    }

    @Test("with total: false counts nothing beforehand")
    func withoutTotal() async throws {
        let fixture = try await fixture()
        let row = try await fixture.run(Self.job(chunk: "size: 50, total: false"))
        let progress = try #require(row.progress.flatMap(RunProgress.init(json:)))
        #expect(progress.done == 95)
        #expect(progress.total == nil)
        #expect(progress.share == nil)
    }

    @Test("waits between its chunks")
    func pause() async throws {
        let fixture = try await fixture(items: 25)
        let row = try await fixture.run(Self.job(chunk: "size: 10, pauseSeconds: 0.1"))
        #expect(row.state == .succeeded)
        #expect(row.durationMilliseconds ?? 0 >= 200)
    }

    @Test("at its deadline keeps what is committed, also when it comes in a pause")
    func deadline() async throws {
        let fixture = try await fixture()
        let row = try await fixture.run(
            Self.job(chunk: "size: 10, pauseSeconds: 30", job: "activeDeadlineSeconds: 1"))
        #expect(row.state == .timedOut)
        #expect(row.errorType == "RunStopped")
        #expect(try fixture.texts("SELECT count(*)::text FROM items WHERE touched = 1") == ["10"])
        #expect(row.progress.flatMap(RunProgress.init(json:))?.done == 10)
    }

    @Test("says of an error in 'keys' where it is")
    func badKeys() async throws {
        let fixture = try await fixture()
        let row = try await fixture.run(Self.job(keys: "SELECT id FROM itms"))
        #expect(row.state == .failed)
        #expect(row.sqlState == "42P01")
        #expect(
            row.errorMessage?.contains("SELECT id FROM itms") == true, "\(row.errorMessage ?? "")")
    }

    @Test(
        "is refused where it could not work",
        arguments: [
            ("UPDATE items SET touched = 1", "SELECT 1", "size: 1", "", "has no '${chunkFrom}'"),
            ("SELECT ${chunkFrom}", "SELECT 1", "size: 1", "", "has no '${chunkTo}'"),
            (both, "DELETE FROM items", "size: 1", "", "'keys' is to be one query"),
            (both, "SELECT 1; SELECT 2", "size: 1", "", "'keys' is to be one query"),
            (both, "SELECT 'x", "size: 1", "", "keys: "),
            (both, "SELECT ${windowEnd}", "size: 1", "", "'${windowEnd}' has no value"),
            (both, "SELECT ${chunkFrom}", "size: 1", "", "stands in the SQL of the task 'sql'"),
            (both, "SELECT 1", "size: 0", "", "'size' is out of range"),
            (both, "SELECT 1", "pauseSeconds: -1", "", "'pauseSeconds' is out of range"),
            (both, "SELECT 1", "sise: 1", "", "unknown key 'sise'"),
            (both, "SELECT 1", "size: 1", "transaction: none", "'chunk' does not fit"),
            (both, "SELECT 1", "size: 1", "transaction: explicit", "'chunk' does not fit"),
        ])
    func refused(
        statement: String, keys: String, chunk: String, job: String, answer: String
    ) throws {
        let keys = Self.job(statement, keys: keys, chunk: chunk, job: job)
        let error = #expect(throws: DiagnosticsError.self) { try TaskFixture.schedule(keys) }
        let texts = error?.diagnostics.map(\.description) ?? []
        #expect(texts.contains { $0.contains(answer) }, "\(texts)")
    }

    private static let both = "SELECT ${chunkFrom}, ${chunkTo}"

    @Test("alone has ${chunkFrom} and ${chunkTo}")
    func withoutChunk() throws {
        let error = #expect(throws: DiagnosticsError.self) {
            try TaskFixture.schedule("task: sql\nparameters: {statement: 'SELECT ${chunkFrom}'}")
        }
        #expect(
            error?.diagnostics.first?.description.contains("only with 'chunk'") == true,
            "\(String(describing: error))")
    }
}

extension TaskFixture {
    /// Runs a job with all its attempts, and returns the row of the last one.
    func runInForeground(_ job: JobDefinition) async throws -> RunRecord {
        let worker = Worker(number: 1, services: runner.services)
        let order = RunOrder(
            identity: RunIdentity(
                runID: UUID(), job: job.name, scheduledFor: runner.services.clock.now,
                trigger: .exec, node: runner.services.ledger.node),
            job: job, worker: 1, version: nil, effects: .database, isInForeground: true)
        let end = await ForegroundRun(services: runner.services, worker: worker).run(order)
        await worker.stop()
        guard case .ran(let report) = end else { throw NotRun(end: end) }
        return try runner.row(of: report.identity.runID)
    }
}
