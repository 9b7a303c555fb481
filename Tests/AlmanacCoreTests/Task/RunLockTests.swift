import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@testable import AlmanacCore

@Suite("The locks of a run", .timeLimit(.minutes(2)))
struct RunLockTests {
    /// Holds a lock as a run of another node would.
    private func hold(
        _ name: String, shared: Bool = false, in fixture: RunFixture, on connection: Connection
    ) throws {
        let key = fixture.runner.services.ledger.key(of: .lock, name)
        _ = try connection.query(
            shared
                ? "SELECT pg_advisory_lock_shared(\(key)::bigint)::text AS s"
                : "SELECT pg_advisory_lock(\(key)::bigint)::text AS s")
    }

    @Test(
        "exclusive keeps others out, shared keeps only exclusive ones out",
        arguments: [
            ("exclusive", false, RunState.failed), ("exclusive", true, .failed),
            ("shared", false, .failed), ("shared", true, .succeeded),
        ])
    func modes(mode: String, isHeldShared: Bool, state: RunState) async throws {
        let fixture = try await RunFixture()
        let other = try fixture.runner.services.engine.connect(for: "other")
        defer { other.close() }
        try hold("ledger", shared: isHeldShared, in: fixture, on: other)
        let row = try await fixture.run(.insert, job: "locks: [{name: ledger, mode: \(mode)}]")
        #expect(row.state == state)
        #expect(try fixture.marks().isEmpty == (state == .failed), "the task has not begun")
    }

    @Test("a lock that cannot be had fails the run with 55P03, naming it and its holder")
    func words() async throws {
        let fixture = try await RunFixture()
        let other = try fixture.runner.services.engine.connect(for: "other")
        defer { other.close() }
        let job = try fixture.runner.makeJob(
            task: "probe", parameters: "{journal: x, deed: succeed}", name: "closing")
        let order = RunOrder(
            identity: RunIdentity(
                runID: UUID(), job: "closing", scheduledFor: Date(), trigger: .manual, node: "n"),
            job: job, worker: 1, version: nil, effects: .database)
        let services = fixture.runner.services
        _ = try services.ledger.claim(order, clock: services.clock, on: other)
        try hold("ledger", in: fixture, on: other)
        let row = try await fixture.run(.insert, job: "locks: [audit, {name: ledger, wait: 1s}]")
        #expect(row.state == .failed)
        #expect(row.sqlState == "55P03")
        #expect(row.errorType == "LockNotAvailable")
        let holder = order.identity.runID.uuidString.lowercased()
        let text = try #require(row.errorMessage)
        #expect(
            text.contains(
                "the lock 'ledger' could not be had after 1s: it is held by run \(holder) "
                    + "of the job closing, which has been running since 20"))
        #expect(try fixture.leftovers() == ["running closing"])
    }

    @Test("a run waits for a lock as long as it may, and goes on when it is free")
    func waits() async throws {
        let fixture = try await RunFixture()
        let other = try fixture.runner.services.engine.connect(for: "other")
        defer { other.close() }
        try hold("ledger", in: fixture, on: other)
        async let row = fixture.run(.insert, job: "locks: [{name: ledger, wait: 1m}]")
        try await waitForWaiter(in: fixture)
        _ = try other.query("SELECT pg_advisory_unlock_all()::text AS s")
        #expect(try await row.state == .succeeded)
        #expect(try fixture.marks() == ["inserted"])
    }

    /// Until a session waits for an advisory lock.
    private func waitForWaiter(in fixture: RunFixture) async throws {
        try await Task.detached {
            try fixture.withConnection { connection in
                for _ in 1...1_000 {
                    let rows = try connection.query(
                        """
                        SELECT pg_sleep(0.01)::text AS s FROM pg_locks WHERE false UNION ALL \
                        SELECT 'yes' FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                        AND database = (SELECT oid FROM pg_database \
                        WHERE datname = current_database())
                        """)
                    if !rows.isEmpty { return }
                    _ = try connection.query("SELECT pg_sleep(0.01)::text AS s")
                }
                Issue.record("nobody waits")
            }
        }.value
    }

    @Test(
        "a deadline and a request to cancel reach a run that waits for a lock",
        arguments: ["deadline", "cancel"])
    func stopped(by means: String) async throws {
        let fixture = try await RunFixture()
        let other = try fixture.runner.services.engine.connect(for: "other")
        defer { other.close() }
        try hold("ledger", in: fixture, on: other)
        let deadline = means == "deadline" ? "\nactiveDeadlineSeconds: 1" : ""
        let job = try fixture.runner.makeJob(
            task: "probe", parameters: "{journal: \(fixture.name), deed: insert}",
            keys: "locks: [{name: ledger, wait: 1h}]" + deadline)
        let worker = Worker(number: 1, services: fixture.runner.services)
        let control = RunControl()
        async let end = fixture.runner.start(job, on: worker, control: control)
        try await waitForWaiter(in: fixture)
        if means == "cancel" { control.stop(.shutdown) }
        guard case .ran(let report) = await end else {
            Issue.record("did not run")
            return
        }
        #expect(report.state == (means == "cancel" ? .cancelled : .timedOut))
        await worker.stop()
        #expect(try fixture.marks().isEmpty)
        #expect(try fixture.leftovers() == [])
    }

    @Test(
        "locks are gone after the run, however it ends",
        arguments: [ProbeTask.Deed.insert, .fail, .lose, .uncommitted])
    func released(deed: ProbeTask.Deed) async throws {
        let fixture = try await RunFixture()
        for _ in 1...3 {
            let row = try await fixture.run(deed, job: "locks: [one, {name: two, mode: shared}]")
            #expect(row.sqlState != "55P03")
            let locks = try fixture.withConnection { connection in
                try connection.query(
                    """
                    SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND database = \
                    (SELECT oid FROM pg_database WHERE datname = current_database())
                    """
                ).count
            }
            #expect(locks == 0)
        }
    }

    @Test("two jobs that name the same locks in other orders never wait for one another in a ring")
    func order() async throws {
        let fixture = try await RunFixture()
        let jobs = try [
            "locks: [{name: a, wait: 1m}, {name: b, wait: 1m}]",
            "locks: [{name: b, wait: 1m}, {name: a, wait: 1m}]",
        ].enumerated().map { index, keys in
            try fixture.runner.makeJob(
                task: "probe", parameters: "{journal: x, deed: succeed}", keys: keys,
                name: "j\(index)")
        }
        let workers = (1...2).map { Worker(number: $0, services: fixture.runner.services) }
        for round in 1...100 {
            let due = Date(timeIntervalSince1970: Double(round))
            async let one = fixture.runner.start(jobs[0], on: workers[0], scheduledFor: due)
            async let other = fixture.runner.start(jobs[1], on: workers[1], scheduledFor: due)
            for end in await [one, other] {
                guard case .ran(let report) = end, report.state == .succeeded else {
                    Issue.record("round \(round): \(end)")
                    return
                }
            }
        }
        for worker in workers { await worker.stop() }
    }
}
