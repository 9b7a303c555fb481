import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@testable import AlmanacCore

/// A run of a node that is not heard of, and a node that looks after it.
private struct SuspectFixture {
    let fixture: LedgerFixture
    /// Of the run; its node may be stopped, but the server knows nothing of that.
    let owner: Connection
    let watcher: Connection
    let watching: Ledger
    let run: ClaimedRun
    private var silent: [NodeSign] = []

    init(keys: String = "") async throws {
        fixture = try await LedgerFixture()
        owner = try fixture.connect()
        watcher = try fixture.connect()
        watching = Ledger(schema: "almanac", node: "watcher")
        let job = try fixture.runner.makeJob(
            task: "probe", parameters: "{journal: x, deed: succeed}", keys: keys)
        let result = try fixture.services.ledger.claim(
            fixture.order(job, at: 60, node: "owner"), clock: fixture.services.clock, on: owner)
        guard case .claimed(let run) = result else { throw CancellationError() }
        self.run = run
        try register("owner", unseenSeconds: 100)
        silent = try watching.signs(on: watcher)
    }

    func register(_ node: String, unseenSeconds: Double) throws {
        try watcher.execute(
            """
            INSERT INTO almanac.nodes (node, host, process_id, workers, backend_pid, \
            backend_start, seen_at) VALUES (\(node), 'h', 1, 1, 1, now(), clock_timestamp() - \
            make_interval(secs => \(unseenSeconds)))
            """)
    }

    /// The runs of all whose last sign of life is still the one of the fixture's beginning.
    func suspects() throws -> [SuspectRun] { try watching.suspectRuns(of: silent, on: watcher) }

    /// Waits for the server to end the backend.
    func waitForEnd() throws {
        let backend = Int(owner.backendProcessID)
        for _ in 1...500 {
            let isAlive = try watcher.query(
                """
                SELECT EXISTS (SELECT FROM pg_stat_get_activity(\(backend)::int)) AS alive, \
                pg_sleep(0.01)::text
                """
            ).first?.get("alive", as: Bool.self)
            if isAlive == false { return }
        }
        Issue.record("the backend does not end")
    }

    func row() throws -> RunRecord { try fixture.runner.row(of: run.identity.runID) }
}

@Suite("Suspicion", .timeLimit(.minutes(2)))
struct SuspicionTests {
    @Test("falls on the run of a node that is not heard of, and ends its backend with a note")
    func suspect() async throws {
        let fixture = try await SuspectFixture()
        let suspect = try #require(try fixture.suspects().first)
        #expect(suspect.runID == fixture.run.identity.runID)
        #expect(suspect.node == "owner")
        #expect(suspect.job == "job")
        // Silence alone changes nothing.
        #expect(try fixture.watching.markOrphans(except: [], on: fixture.watcher).isEmpty)
        #expect(try fixture.row().state == .running)

        #expect(try fixture.watching.endBackend(of: suspect, on: fixture.watcher) == .told)
        try fixture.waitForEnd()
        #expect(
            try fixture.watching.markOrphans(except: [], on: fixture.watcher).map(\.runID)
                == [suspect.runID])
        let row = try fixture.row()
        #expect(row.state == .orphaned)
        let message = try #require(row.errorMessage)
        for part in [
            "(pid \(fixture.owner.backendProcessID),", "is gone, found by node watcher",
            "node owner had not been seen since", "so node watcher ended the backend at",
        ] {
            #expect(message.contains(part), "\(message)")
        }
        #expect(try fixture.suspects().isEmpty)
    }

    @Test("the owner that wakes up cannot commit, and its run keeps its outcome")
    func zombie() async throws {
        let fixture = try await SuspectFixture()
        try fixture.owner.execute("BEGIN")
        try fixture.owner.execute("CREATE TABLE public.effect (n int)")
        let success = fixture.fixture.services.ledger.success(
            of: fixture.run.identity, rowsAffected: 1, result: nil, output: OutputTail())
        #expect(try fixture.owner.execute(success) == 1)
        // Stopped just before its COMMIT: its row is locked, and the suspicion waits for nothing.
        let suspect = try #require(try fixture.suspects().first)
        #expect(try fixture.watching.endBackend(of: suspect, on: fixture.watcher) == .told)
        try fixture.waitForEnd()
        _ = try fixture.watching.markOrphans(except: [], on: fixture.watcher)
        #expect(throws: PostgresError.self) { try fixture.owner.execute("COMMIT") }
        #expect(try fixture.row().state == .orphaned)
        let tables = try fixture.watcher.query(
            "SELECT count(*) AS n FROM pg_class WHERE relname = 'effect'")
        #expect(try tables.first?.get("n", as: Int.self) == 0)
        // What the owner then has to say comes too late.
        let failure = Failure(outcome: .failed(ProbeError(description: "lost")))
        let recorded = try fixture.fixture.services.ledger.recordFailure(
            of: fixture.run, failure, output: OutputTail(), on: fixture.watcher)
        #expect(recorded.state == .orphaned)
        #expect(!recorded.isOurs)
    }

    @Test("the retry policy follows")
    func retry() async throws {
        let fixture = try await SuspectFixture(keys: "backoffLimit: 1")
        let suspect = try #require(try fixture.suspects().first)
        _ = try fixture.watching.endBackend(of: suspect, on: fixture.watcher)
        try fixture.waitForEnd()
        let orphans = try fixture.watching.markOrphans(except: [], on: fixture.watcher)
        #expect(orphans.first?.next?.number == 2)
    }

    @Test(
        "falls on nobody else",
        arguments: [
            "UPDATE almanac.nodes SET seen_at = clock_timestamp() - interval '50 seconds'",
            "UPDATE almanac.nodes SET stopped_at = clock_timestamp()",
            "DELETE FROM almanac.nodes",
            "UPDATE almanac.runs SET backend_start = backend_start - interval '1 second'",
            "UPDATE almanac.runs SET node = 'watcher'",
        ])
    func others(change: String) async throws {
        let fixture = try await SuspectFixture()
        try fixture.watcher.executeScript(change)
        #expect(try fixture.suspects().isEmpty)
    }

    @Test("a backend that has another start by now is left alone")
    func reused() async throws {
        let fixture = try await SuspectFixture()
        let suspect = try #require(try fixture.suspects().first)
        let other = SuspectRun(
            runID: suspect.runID, job: "job", node: "owner", unseenSince: suspect.unseenSince,
            backendPID: suspect.backendPID, backendStart: "2026-01-01 00:00:00+00")
        #expect(try fixture.watching.endBackend(of: other, on: fixture.watcher) == .gone)
        #expect(try fixture.owner.query("SELECT 1 AS n").count == 1)
    }

    @Test(
        "a role that may not see or end the backends of others leaves them running",
        arguments: [false, true])
    func rights(maySee: Bool) async throws {
        let fixture = try await SuspectFixture()
        let role = "watcher_\(UUID().uuidString.prefix(8).lowercased())"
        let grant = maySee ? "GRANT pg_read_all_stats TO \(role);" : ""
        try fixture.watcher.executeScript(
            """
            CREATE ROLE \(role); GRANT USAGE ON SCHEMA almanac TO \(role); \(grant)
            GRANT ALL ON ALL TABLES IN SCHEMA almanac TO \(role); SET ROLE \(role)
            """)
        defer {
            try? fixture.watcher.executeScript(
                "RESET ROLE; DROP OWNED BY \(role); DROP ROLE \(role)")
        }
        let suspect = try #require(try fixture.suspects().first)
        #expect((suspect.backendStart != nil) == maySee)
        #expect(try fixture.watching.endBackend(of: suspect, on: fixture.watcher) == .notAllowed)
        let notes = try fixture.watcher.query("SELECT count(*) AS n FROM almanac.suspicions")
        #expect(try notes.first?.get("n", as: Int.self) == 0)
        #expect(try fixture.owner.query("SELECT 1 AS n").count == 1)
        #expect(try fixture.row().state == .running)
    }

    @Test("an attempt that a process in the foreground waits for is given up with it")
    func foreground() async throws {
        let fixture = try await SuspectFixture()
        try fixture.watcher.execute(
            """
            UPDATE almanac.runs SET state = 'queued', started_at = NULL, attempt = 2, \
            is_retry = true, not_before = now()
            """)
        let suspect = try #require(try fixture.suspects().first)
        #expect(try fixture.watching.endBackend(of: suspect, on: fixture.watcher) == .told)
        try fixture.waitForEnd()
        #expect(try fixture.watching.markOrphans(except: [], on: fixture.watcher).count == 1)
        let row = try fixture.row()
        #expect(row.state == .cancelled)
        #expect(row.errorMessage?.contains("node owner had not been seen since") == true)
    }
}
