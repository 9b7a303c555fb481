import AlmanacTesting
import Foundation
import PostgresSession
import Synchronization
import Testing

@testable import AlmanacCore

@Suite("Attempts that a process in the foreground waits for", .timeLimit(.minutes(2)))
struct ForegroundAttemptTests {
    @Test("are not given to nodes while the process lives, and in nobody's way once it is gone")
    func owner() async throws {
        let fixture = try await LedgerFixture()
        let (process, node) = (try fixture.connect(), try fixture.connect())
        defer { node.close() }
        let ledger = fixture.services.ledger
        let job = try fixture.retriedJob()
        _ = try fixture.failOnce(job, at: 60, isInForeground: true, on: process)
        #expect(try ledger.queue(awaited: [], on: node).due.isEmpty)
        #expect(try ledger.markOrphans(except: [], on: node).isEmpty)
        #expect(try fixture.claim(fixture.order(job, at: 120), on: node).kind == "overlap")
        let backend = process.backendProcessID
        process.close()
        try LedgerTests.waitForEnd(of: backend, on: node)
        #expect(try fixture.claim(fixture.order(job, at: 180), on: node).kind == "claimed")
        #expect(
            try fixture.attempts(on: node) == [
                "1 failed", "2 cancelled", "1 skipped overlap", "1 running",
            ])
        let row = try #require(
            try ledger.history(RunFilter(state: .cancelled), on: node).first)
        #expect(row.errorType == "Orphaned")
        #expect(row.errorMessage?.hasPrefix("the backend of the process that waited") == true)
    }

    @Test("have no successor when the process is killed in the middle of one")
    func killed() async throws {
        let fixture = try await LedgerFixture()
        let (process, node) = (try fixture.connect(), try fixture.connect())
        defer { node.close() }
        let next = try fixture.failOnce(
            try fixture.retriedJob(), at: 60, isInForeground: true, on: process)
        #expect(try fixture.claim(next, on: process).kind == "claimed")
        let backend = process.backendProcessID
        process.close()
        try LedgerTests.waitForEnd(of: backend, on: node)
        let orphans = try fixture.services.ledger.markOrphans(except: [], on: node)
        #expect(orphans.count == 1)
        #expect(orphans.first?.next == nil)
        #expect(try fixture.attempts(on: node) == ["1 failed", "2 orphaned"])
    }

    @Test("are cancelled when the process is stopped while it waits")
    func stopped() async throws {
        let fixture = try await RunFixture(tasks: [FlakyTask.self])
        let job = try fixture.runner.makeJob(
            task: "flaky", parameters: "journal: \(fixture.name)\ndeeds: [fail]",
            keys: "backoffLimit: 3\nbackoff: {initial: 1h}")
        let services = fixture.runner.services
        let worker = Worker(number: 1, services: services)
        let run = ForegroundRun(services: services, worker: worker)
        let order = RunOrder(
            identity: RunIdentity(
                runID: UUID(), job: job.name, scheduledFor: services.clock.now, trigger: .exec,
                node: services.ledger.node),
            job: job, worker: 1, version: nil, effects: .anywhere, isInForeground: true)
        // On a thread of its own: other tests may keep the shared ones busy for long.
        let thread = WorkerThread(name: "starter")
        defer { thread.stop() }
        let end = Task(executorPreference: thread) { await run.run(order) }
        while try !fixture.attempts().contains("2 queued") { await Task.yield() }
        run.stop()
        guard case .ran(let report) = await end.value else {
            Issue.record("it has not run")
            return
        }
        await run.close()
        #expect(report.state == .failed)
        #expect(try fixture.attempts() == ["1 failed ProbeError", "2 cancelled RunStopped"])
    }

    @Test("end with the one that is running when the process is stopped")
    func stoppedInRun() async throws {
        let fixture = try await RunFixture(tasks: [FlakyTask.self])
        let services = fixture.runner.services
        let worker = Worker(number: 1, services: services)
        let run = ForegroundRun(services: services, worker: worker)
        let job = try fixture.runner.makeJob(
            task: "flaky", parameters: "journal: \(fixture.name)\ndeeds: [fail, sleepInSQL]",
            keys: "backoffLimit: 3\nbackoff: {initial: 0s}")
        let order = RunOrder(
            identity: RunIdentity(
                runID: UUID(), job: job.name, scheduledFor: services.clock.now, trigger: .exec,
                node: services.ledger.node),
            job: job, worker: 1, version: nil, effects: .anywhere, isInForeground: true)
        let thread = WorkerThread(name: "starter")
        defer { thread.stop() }
        let end = Task(executorPreference: thread) { await run.run(order) }
        try await fixture.waitUntilSleeping()
        run.stop()
        guard case .ran(let report) = await end.value else {
            Issue.record("it has not run")
            return
        }
        await run.close()
        #expect(report.state == .cancelled)
        #expect(report.next == nil)
        let attempts = try fixture.attempts()
        #expect(attempts.count == 2)
        #expect(attempts.last?.hasPrefix("2 cancelled") == true)
    }
}
