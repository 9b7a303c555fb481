import AlmanacCore
import Foundation
import PostgresServer
import PostgresSession
import Scheduling
import Subprocess
import SystemPackage

extension BenchEntry {
    /// How fast a ledger is proven, beside reading its rows.
    static let verify = BenchEntry(name: "verify") { server, extent in
        try await Verify(server: server, extent: extent).measure()
    }
}

/// Proves a ledger of many rows, and has psql read the same rows.
private struct Verify {
    let server: BenchServer
    let extent: BenchExtent

    private static let jobs = 1_000
    private var minutes: Int { extent.isQuick ? 20 : 1_000 }

    func measure() async throws -> VerifyResult {
        let ledger = Ledger(schema: "verify", node: "bench")
        try server.withConnection { try fill(ledger, on: $0) }
        var result = VerifyResult(rows: Self.jobs * minutes, jobs: Self.jobs)
        for _ in 1...extent.rounds {
            let clock = try SystemClock()
            let before = residentKilobytes()
            let start = clock.uptime
            let report = try server.withConnection { try ledger.verify(on: $0) }
            result.seconds.append((clock.uptime - start) / .seconds(1))
            result.grownKilobytes = max(result.grownKilobytes, residentKilobytes() - before)
            guard report.isClean, report.rowCount == result.rows,
                report.accountedCount == result.rows
            else { throw BenchFailure("the ledger differs: \(report.totals)") }
            result.copySeconds.append(try await seconds(of: copy, by: clock))
            result.countSeconds.append(
                try await seconds(of: "SELECT count(*) FROM verify.runs", by: clock))
        }
        try server.withConnection { try $0.executeScript("DROP SCHEMA verify CASCADE") }
        return result
    }

    /// The rows that `verify` reads, in its order.
    private let copy = """
        COPY (SELECT job, scheduled_for, attempt, state, trigger, skipped_until, skipped_count, \
        finished_at FROM verify.runs WHERE trigger <> 'manual' \
        ORDER BY job, scheduled_for, attempt) TO STDOUT (FORMAT binary)
        """

    private func seconds(of statement: String, by clock: SystemClock) async throws -> Double {
        let path = server.endpoint.binaryDirectory + "/psql"
        let start = clock.uptime
        let ended = try await Subprocess.run(
            .path(FilePath(path)),
            arguments: Arguments(
                ["-X", "-q", "-o", "/dev/null", "-c", statement, server.endpoint.connectionString]),
            output: .discarded,
            error: .string(limit: 1 << 16))
        guard ended.terminationStatus.isSuccess else {
            throw BenchFailure("psql failed: \(ended.standardError)")
        }
        return (clock.uptime - start) / .seconds(1)
    }

    /// Jobs of a minute each, which have run each minute.
    private func fill(_ ledger: Ledger, on connection: Connection) throws {
        try connection.executeScript("DROP SCHEMA IF EXISTS verify CASCADE")
        _ = try ledger.migrate(on: connection)
        let start = "timestamptz '2026-01-01 00:00:00Z'"
        try connection.executeScript(
            """
            INSERT INTO verify.schedule_versions (digest, definitions, activated_at, activated_by)
                SELECT 'x', jsonb_object_agg(
                    'job-' || n, '{"every": "1m", "task": "bench"}'::jsonb),
                \(start), 'bench' FROM generate_series(1, \(Self.jobs)) AS n;
            INSERT INTO verify.accounts (job, definition, schedule_digest, accounted_from)
                SELECT 'job-' || n, '{"every": "1m", "task": "bench"}', 'x', \(start)
                FROM generate_series(1, \(Self.jobs)) AS n;
            INSERT INTO verify.watermark (accounted_until)
                VALUES (\(start) + interval '\(minutes) minutes');
            INSERT INTO verify.runs (run_id, job, task, scheduled_for, trigger, state, queued_at,
                started_at, finished_at, node, worker, backend_pid, backend_start, transaction_id,
                parameters, schedule_version)
                SELECT gen_random_uuid(), 'job-' || n, 'bench', at, 'schedule', 'succeeded', at, at,
                at, 'bench', 1, 1, at, '9', '{}', 1
                FROM generate_series(1, \(minutes)) AS m CROSS JOIN LATERAL
                    (SELECT \(start) + make_interval(mins => m) AS at) AS t,
                generate_series(1, \(Self.jobs)) AS n;
            """)
        try connection.execute("VACUUM ANALYZE verify.runs")
    }

    private func residentKilobytes() -> Int {
        let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?
            .split(separator: " ").dropFirst().first.flatMap { Int($0) }
        return (pages ?? 0) * 4
    }
}

/// What `verify` has found.
struct VerifyResult: BenchResult {
    let rows: Int
    let jobs: Int
    /// How long each round took.
    var seconds: [Double] = []
    /// How long psql took to read the same rows in the same order.
    var copySeconds: [Double] = []
    /// How long psql took to count them.
    var countSeconds: [Double] = []
    /// By how much the memory of the process grew at the most.
    var grownKilobytes = 0

    var lines: [String] {
        let best = [seconds, copySeconds, countSeconds].map { $0.min() ?? 0 }
        func line(_ name: String, _ seconds: Double) -> String {
            let rate = Double(rows) / max(seconds, 1e-9)
            return "  \(name)\(seconds.text(decimals: 2)) s, \(rate.text(decimals: 0)) rows/s"
        }
        return [
            "verify: a ledger of \(jobs) jobs and \(Double(rows).text(decimals: 0)) rows is proven",
            "best of \(seconds.count); psql reads the same rows, in the same order, and throws them"
                + " away",
            line("almanac verify      ", best[0]), line("psql COPY TO STDOUT ", best[1]),
            line("psql count(*)       ", best[2]),
            "  memory of the process grew by \(grownKilobytes) kB at the most",
        ]
    }
}
