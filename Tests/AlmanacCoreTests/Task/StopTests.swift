import AlmanacCore
import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@Suite("A run that is stopped")
struct StopTests {
    @Test(
        "at its deadline, wherever it is, it is rolled back and timed_out",
        arguments: [ProbeTask.Deed.sleepInSQL, .sleep, .spin])
    func deadline(deed: ProbeTask.Deed) async throws {
        let fixture = try await RunFixture()
        let clock = try SystemClock()
        let start = clock.uptime
        let row = try await fixture.run(deed, job: "activeDeadlineSeconds: 1")
        let took = clock.uptime - start
        #expect(row.state == .timedOut)
        #expect(row.errorMessage?.hasPrefix("stopped at its deadline of 1 s") == true)
        #expect(took < .seconds(10), "a deadline of 1 s took \(took)")
        #expect(try fixture.leftovers().isEmpty)
        #expect(Journal.stages(fixture.name).suffix(2) == ["onFailure", "afterReturn"])
    }

    @Test("by the end of its node it is rolled back and cancelled")
    func shutdown() async throws {
        let fixture = try await RunFixture()
        let control = RunControl()
        let job = try fixture.runner.makeJob(
            task: "probe", parameters: "journal: \(fixture.name)\ndeed: sleepInSQL")
        let worker = Worker(number: 1, services: fixture.runner.services)
        // On a thread of its own: other tests may keep the shared ones busy for long.
        let thread = WorkerThread(name: "starter")
        defer { thread.stop() }
        let run = Task(executorPreference: thread) {
            await fixture.runner.start(job, on: worker, control: control)
        }
        try await fixture.waitUntilSleeping()
        control.stop(.shutdown)
        guard case .ran(let report) = await run.value else {
            Issue.record("the run was not claimed")
            return
        }
        await worker.stop()
        #expect(report.state == .cancelled)
        #expect(try fixture.runner.row(of: report.identity.runID).state == .cancelled)
        #expect(try fixture.leftovers().isEmpty)
    }

    @Test("before it has begun it does not get further than its first stage")
    func stoppedBefore() async throws {
        let fixture = try await RunFixture()
        let control = RunControl()
        control.stop(.shutdown)
        let job = try fixture.runner.makeJob(
            task: "probe", parameters: "journal: \(fixture.name)\ndeed: insert")
        let worker = Worker(number: 1, services: fixture.runner.services)
        guard case .ran(let report) = await fixture.runner.start(job, on: worker, control: control)
        else {
            Issue.record("the run was not claimed")
            return
        }
        await worker.stop()
        #expect(report.state == .cancelled)
        #expect(try fixture.marks().isEmpty)
    }

    @Test("only the first cause counts, and none after the conclusion")
    func firstCause() {
        let control = RunControl()
        control.stop(.deadline(seconds: 5))
        control.stop(.shutdown)
        #expect(control.decide() == .deadline(seconds: 5))
        let concluded = RunControl()
        #expect(concluded.decide() == nil)
        concluded.stop(.shutdown)
        #expect(concluded.stopCause == nil)
    }
}

extension RunFixture {
    /// Waits until a backend of the database sleeps in `pg_sleep`; on a thread of its own, since
    /// the run that it waits for may need the one that the test is on.
    func waitUntilSleeping() async throws {
        let thread = WorkerThread(name: "observer")
        defer { thread.stop() }
        try await Task(executorPreference: thread) { try lookForSleeper() }.value
    }

    private func lookForSleeper() throws {
        try withConnection { connection in
            for _ in 1...1_500 {
                let rows = try connection.query(
                    """
                    SELECT 1 FROM pg_stat_activity, pg_sleep(0.02) \
                    WHERE datname = current_database() AND wait_event = 'PgSleep' \
                    AND pid <> pg_backend_pid()
                    """)
                if !rows.isEmpty { return }
            }
            throw ProbeError(description: "no backend came to sleep")
        }
    }
}
