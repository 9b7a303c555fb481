import AlmanacCore
import PostgresServer
import PostgresSession
import Subprocess
import SystemPackage

/// What Postgres' own `pgbench` makes of the work of `drain`: the same rows, without anything of
/// ours.
struct PgBench {
    let server: BenchServer
    let clients: Int
    let seconds: Int

    private typealias Ended = ExecutionResult<
        Void, StringOutput<Unicode.UTF8>, StringOutput<Unicode.UTF8>
    >

    /// Runs per second.
    ///
    /// - Throws: `BenchFailure` with what pgbench has said when it failed.
    func measure() async throws -> Double {
        try server.withConnection(prepare)
        let ended = try await start()
        guard ended.terminationStatus.isSuccess, let rate = Self.rate(in: ended.standardOutput)
        else {
            throw BenchFailure("pgbench failed: \(ended.standardError)")
        }
        try server.withConnection(check)
        return rate
    }

    private func start() async throws -> Ended {
        let arguments = [
            "--no-vacuum", "--protocol=prepared", "--file=-", "--define=clients=\(clients)",
            "--client=\(clients)", "--jobs=\(min(clients, server.facts.cores))",
            "--time=\(seconds)", server.endpoint.connectionString,
        ]
        let path = server.endpoint.binaryDirectory + "/pgbench"
        do {
            return try await Subprocess.run(
                .path(FilePath(path)), arguments: Arguments(arguments), input: .string(script),
                output: .string(limit: 1 << 16), error: .string(limit: 1 << 16))
        } catch let error as SubprocessError {
            throw BenchFailure(
                "\(path) could not be started (\(error)); it comes with the server's package")
        }
    }

    /// The number in `tps = 1234.5 (without initial connection time)`.
    static func rate(in output: String) -> Double? {
        guard let match = output.firstMatch(of: #/tps = ([0-9.]+)/#) else { return nil }
        return Double(match.1)
    }

    /// Books as for the other side, and a table of runs with the same columns, checks and indexes.
    private func prepare(_ connection: Connection) throws {
        try BookStore.fill(on: connection)
        try connection.execute("DROP SCHEMA IF EXISTS pgbench CASCADE")
        _ = try Ledger(schema: "pgbench", node: "pgbench").migrate(on: connection)
        try connection.execute(
            """
            INSERT INTO pgbench.schedule_versions (digest, definitions, activated_by) \
            VALUES ('none', '{}', 'pgbench')
            """)
        try connection.execute("CHECKPOINT")
    }

    /// One run. No two clients share a book, so none of them has two runs at a time.
    private var script: String {
        """
        \\set book 1 + :client_id + :clients * random(0, \(BookStore.bookCount) / :clients - 1)
        INSERT INTO pgbench.runs (run_id, job, task, scheduled_for, attempt, trigger, state, \
        queued_at, started_at, node, worker, backend_pid, backend_start, parameters, \
        schedule_version) \
        SELECT gen_random_uuid(), 'restock-' || :book, 'restock-book', clock_timestamp(), 1, \
        'schedule', 'running', clock_timestamp(), clock_timestamp(), 'pgbench', :client_id, \
        pg_backend_pid(), pg_postmaster_start_time(), \
        jsonb_build_object('title', 'Book ' || :book), 1 \
        ON CONFLICT DO NOTHING RETURNING run_id \\gset
        BEGIN;
        SELECT id, title, copies FROM public.books WHERE title = 'Book ' || :book LIMIT 2 \\gset
        UPDATE public.books SET copies = :copies + 1 WHERE id = :id;
        UPDATE pgbench.runs SET state = 'succeeded', finished_at = clock_timestamp(), \
        transaction_id = pg_current_xact_id(), rows_affected = 1, result = NULL, output = NULL \
        WHERE run_id = :run_id AND state = 'running' AND node = 'pgbench';
        COMMIT;
        """
    }

    /// It has done the same work.
    private func check(_ connection: Connection) throws {
        let succeeded = try connection.query(
            "SELECT count(*)::int AS count FROM pgbench.runs WHERE state = 'succeeded'"
        ).first?.get("count", as: Int.self)
        let copies = try BookStore.copies(on: connection)
        guard let succeeded, succeeded > 0, succeeded == copies else {
            throw BenchFailure("pgbench wrote \(succeeded ?? 0) runs and \(copies) copies")
        }
    }
}
