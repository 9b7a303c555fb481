import AlmanacCore
import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@Suite("The session of a run")
struct SessionScopeTests {
    @Test("a session that is never used opens no transaction")
    func lazy() async throws {
        let fixture = try await RunFixture()
        let row = try await fixture.run(.succeed)
        #expect(row.state == .succeeded)
        #expect(row.rowsAffected == nil)
    }

    @Test("a run that only reads commits as well")
    func readOnly() async throws {
        let fixture = try await RunFixture()
        let row = try await fixture.run(.readOnly)
        #expect(row.state == .succeeded)
        #expect(row.rowsAffected == 0)
    }

    @Test("a swallowed SQL error fails the run: nothing of it is written")
    func swallowedError() async throws {
        let fixture = try await RunFixture()
        let row = try await fixture.run(.swallow)
        #expect(row.state == .failed)
        #expect(["TransactionRolledBack", "SessionFailed"].contains(row.errorType))
        #expect(row.errorMessage?.contains("division by zero") == true)
        #expect(try fixture.marks().isEmpty)
        #expect(Journal.stages(fixture.name).contains("onFailure"))
    }

    @Test("a deferred constraint that fails at COMMIT fails the run, and onSuccess is not called")
    func deferredConstraint() async throws {
        let fixture = try await RunFixture()
        let row = try await fixture.run(.deferred)
        #expect(row.state == .failed)
        #expect(row.sqlState == "23505")
        #expect(
            Journal.stages(fixture.name) == ["beforeStart", "run", "onFailure", "afterReturn"])
    }

    @Test("with transaction: explicit uncommitted writes at return are an error")
    func uncommittedWrites() async throws {
        let fixture = try await RunFixture()
        let row = try await fixture.run(.uncommitted, job: "transaction: explicit")
        #expect(row.state == .failed)
        #expect(row.errorType == "UncommittedChanges")
        #expect(try fixture.marks().isEmpty)
    }

    @Test("with transaction: explicit the task commits itself")
    func explicitCommit() async throws {
        let fixture = try await RunFixture()
        let row = try await fixture.run(.commitItself, job: "transaction: explicit")
        #expect(row.state == .succeeded)
        #expect(try fixture.marks() == ["own commit"])
    }

    @Test("with transaction: none each statement commits, also before a failure")
    func autocommit() async throws {
        let fixture = try await RunFixture()
        let row = try await fixture.run(.insertThenFail, job: "transaction: none")
        #expect(row.state == .failed)
        #expect(try fixture.marks() == ["lost"])
    }

    @Test(
        "by default a task cannot commit on its own", arguments: [ProbeTask.Deed.commitReserved])
    func reservedCommit(deed: ProbeTask.Deed) async throws {
        let fixture = try await RunFixture()
        let row = try await fixture.run(deed)
        #expect(row.state == .failed)
        #expect(row.errorType == "CommitNotAllowed")
        #expect(row.errorMessage?.contains("transaction: explicit") == true)
    }

    @Test("a COMMIT in raw SQL does not pass for a success")
    func rawCommit() async throws {
        let fixture = try await RunFixture()
        let row = try await fixture.run(.rawCommit)
        #expect(row.state == .failed)
        #expect(["CommitNotAllowed", "TransactionEnded"].contains(row.errorType))
    }

    @Test(
        "a backend that is terminated mid-run fails the run with ConnectionLost; the next run works"
    )
    func lostConnection() async throws {
        let fixture = try await RunFixture()
        let row = try await fixture.run(.lose)
        #expect(row.state == .failed)
        #expect(row.errorType == "ConnectionLost")
        #expect(try fixture.marks().isEmpty)
        #expect(Journal.stages(fixture.name).last == "afterReturn")
        #expect(try await fixture.run(.insert).state == .succeeded)
    }

    @Test("a run that used no session succeeds also when its idle connection was lost meanwhile")
    func lostIdleConnection() async throws {
        let fixture = try await RunFixture()
        let row = try await fixture.run(.loseIdle)
        #expect(row.state == .succeeded)
        #expect(Journal.stages(fixture.name).contains("onSuccess"))
    }

    @Test("with transaction: explicit a lost connection does not pass for a success")
    func lostExplicit() async throws {
        let fixture = try await RunFixture()
        let row = try await fixture.run(.loseAndSwallow, job: "transaction: explicit")
        #expect(row.state == .failed)
        #expect(row.errorType == "ConnectionLost")
    }

    @Test("50 runs on 8 workers have 50 sessions, at most 8 backends and no cross-talk")
    func concurrency() async throws {
        let fixture = try await RunFixture(tasks: [OwnMarkTask.self])
        let workers = (1...8).map { Worker(number: $0, services: fixture.runner.services) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (lane, worker) in workers.enumerated() {
                group.addTask {
                    for turn in stride(from: lane, to: 50, by: 8) {
                        let job = try fixture.runner.makeJob(
                            task: "own-mark-task", parameters: "mark: mark-\(turn)",
                            name: "job-\(turn)")
                        guard case .ran(let report) = await fixture.runner.start(job, on: worker)
                        else { throw ProbeError(description: "job \(turn) was not claimed") }
                        #expect(report.state == .succeeded)
                    }
                }
            }
            try await group.waitForAll()
        }
        for worker in workers { await worker.stop() }
        let backends = try fixture.withConnection { connection in
            try connection.query(
                """
                SELECT count(DISTINCT backend_pid)::int AS backends, count(*)::int AS runs \
                FROM almanac.runs
                """
            ).map { (try $0.get("backends", as: Int.self), try $0.get("runs", as: Int.self)) }
        }
        #expect(backends.first?.0 ?? 99 <= 8)
        #expect(backends.first?.1 == 50)
        #expect(try fixture.marks().count == 50)
        #expect(try fixture.leftovers().isEmpty)
    }

    @Test("what one run leaves on its connection, the next does not see")
    func cleanConnection() async throws {
        let fixture = try await RunFixture(tasks: [LitterTask.self, LookTask.self])
        let worker = Worker(number: 1, services: fixture.runner.services)
        let litter = try fixture.runner.makeJob(
            task: "litter-task", keys: "transaction: none", name: "litter")
        guard case .ran(let first) = await fixture.runner.start(litter, on: worker) else {
            Issue.record("the first run was not claimed")
            return
        }
        #expect(first.state == .succeeded, "\(first.failure?.message ?? "")")
        let look = try fixture.runner.makeJob(task: "look-task", name: "look")
        guard case .ran(let second) = await fixture.runner.start(look, on: worker) else {
            Issue.record("the second run was not claimed")
            return
        }
        await worker.stop()
        let seen = try fixture.runner.row(of: second.identity.runID)
        #expect(seen.state == .succeeded, "\(seen.errorMessage ?? "")")
        #expect(seen.result == "[]")
        let backends = Set([
            try fixture.runner.row(of: first.identity.runID).backendPID, seen.backendPID,
        ])
        #expect(backends.count == 1, "both runs were to share a connection")
    }

    @Test("the server sees the run's id and its job, and the limits of its connection")
    func connectionSettings() async throws {
        let fixture = try await RunFixture(tasks: [SettingsTask.self])
        let row = try await fixture.runner.run(
            "settings-task", job: "activeDeadlineSeconds: 100")
        let text = try #require(row.result)
        let settings = try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
        #expect(settings["application_name"] == "almanac \(row.runID.uuidString.lowercased()) job")
        #expect(settings["client_connection_check_interval"] == "10s")
        let timeout = Int(settings["statement_timeout"]?.dropLast(2) ?? "") ?? 0
        #expect((90_000...100_000).contains(timeout) || settings["statement_timeout"] == "100s")
        #expect(settings["TimeZone"] == "UTC")
    }
}

/// Writes its own mark and checks that its session sees no other's.
private struct OwnMarkTask: BatchTask {
    var mark: String

    func run(_ context: TaskContext) async throws {
        let session = context.session
        try session.execute("CREATE TEMP TABLE own (mark text) ON COMMIT DROP")
        try session.execute("INSERT INTO own VALUES (\(mark))")
        await Task.yield()
        let seen = try session.scalar("SELECT string_agg(mark, ',') FROM own", as: String.self)
        guard seen == mark else { throw ProbeError(description: "saw \(seen)") }
        try session.execute("INSERT INTO marks (mark) VALUES (\(mark))")
    }
}

/// Leaves as much behind as a session can.
private struct LitterTask: BatchTask {
    func run(_ context: TaskContext) async throws {
        let session = context.session
        try session.execute("SET work_mem = '7MB'")
        try session.execute("SET search_path = pg_catalog")
        try session.execute("CREATE TEMP TABLE litter (id int)")
        try session.execute("SELECT pg_advisory_lock(4711)")
        try session.execute("PREPARE litter_statement AS SELECT 1")
        try session.execute("LISTEN litter_channel")
        try session.execute("DECLARE litter_cursor CURSOR WITH HOLD FOR SELECT 1")
    }
}

/// Lists what it finds of another run.
private struct LookTask: BatchTask {
    func run(_ context: TaskContext) async throws {
        let session = context.session
        let found = try session.rows(
            """
            SELECT 'setting ' || name AS what FROM pg_settings \
            WHERE setting IS DISTINCT FROM reset_val AND name IN ('work_mem', 'search_path') \
            UNION ALL SELECT 'temp table ' || relname FROM pg_class \
            WHERE relnamespace = pg_my_temp_schema() \
            UNION ALL SELECT 'lock' FROM pg_locks \
            WHERE locktype = 'advisory' AND pid = pg_backend_pid() \
            UNION ALL SELECT 'statement ' || name FROM pg_prepared_statements WHERE from_sql \
            UNION ALL SELECT 'channel ' || c FROM pg_listening_channels() AS c \
            UNION ALL SELECT 'cursor ' || name FROM pg_cursors WHERE is_holdable
            """
        ).map { try $0.get("what", as: String.self) }
        context.result = found
    }
}

/// Reports the settings of its session.
private struct SettingsTask: BatchTask {
    func run(_ context: TaskContext) async throws {
        let names = [
            "application_name", "client_connection_check_interval", "statement_timeout", "TimeZone",
        ]
        var settings: [String: String] = [:]
        for name in names {
            settings[name] = try context.session.scalar(
                "SELECT current_setting(\(name))", as: String.self)
        }
        context.result = settings
    }
}
