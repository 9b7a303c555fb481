import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@testable import AlmanacCore

@Suite("A run that does not stop when it is asked to", .timeLimit(.minutes(2)))
struct EscalationTests {
    private static func fixture() async throws -> RunFixture {
        try await RunFixture(tasks: [StubbornTask.self, ProbeTask.self])
    }

    private static func steps(of row: RunRecord) throws -> [String] {
        struct Step: Decodable {
            var step: String
            var at: String
        }
        guard let text = row.stopSteps else { return [] }
        let steps = try JSONDecoder().decode([Step].self, from: Data(text.utf8))
        #expect(steps.map(\.at) == steps.map(\.at).sorted())
        return steps.map(\.step)
    }

    private static let whole = ["cancel", "terminate-backend", "fence", "replace-worker"]

    @Test(
        "is timed out without its worker, and what it wrote is gone",
        arguments: [StubbornTask.Way.spin, .wait, .handler, .ownConnection])
    func timedOut(way: StubbornTask.Way) async throws {
        let fixture = try await Self.fixture()
        defer { StubbornTask.release(fixture.name) }
        let row = try await fixture.runner.run(
            "stubborn", parameters: "journal: \(fixture.name)\nway: \(way)",
            job: "activeDeadlineSeconds: 1")
        #expect(row.state == .timedOut)
        #expect(row.errorType == "RunStopped")
        #expect(row.errorMessage == "stopped at its deadline of 1 s")
        #expect(try Self.steps(of: row) == Self.whole)
        #expect(Journal.stages(fixture.name) == ["run"])
        #expect(try fixture.marks() == [])
    }

    @Test(
        "ends with its backend when it is in SQL, and keeps its worker",
        arguments: [StubbornTask.Way.catchInSQL, .commit, .sleepInSQL])
    func inSQL(way: StubbornTask.Way) async throws {
        let fixture = try await Self.fixture()
        let row = try await fixture.runner.run(
            "stubborn", parameters: "journal: \(fixture.name)\nway: \(way)",
            job: "activeDeadlineSeconds: 1")
        #expect(row.state == .timedOut)
        #expect(row.durationMilliseconds ?? 99_999 < 10_000)
        let steps = try Self.steps(of: row)
        #expect(steps.contains("replace-worker") == false)
        // The server's limit and this process's cancel come in the same moment, either first; what
        // catches the one may meet the other where it catches nothing.
        let ways: Set = ["statement-timeout", "cancel", "terminate-backend"]
        #expect(!steps.isEmpty && ways.isSuperset(of: steps), "\(steps)")
        if way != .catchInSQL { #expect(!steps.contains("terminate-backend"), "\(steps)") }
        #expect(Journal.stages(fixture.name).suffix(2) == ["onFailure", "afterReturn"])
        #expect(try fixture.marks() == [])
        #expect(try fixture.leftovers().isEmpty)
    }

    @Test("comes back too late: its row stays, its hooks are called, its connection is gone")
    func late() async throws {
        let fixture = try await Self.fixture()
        let row = try await fixture.runner.run(
            "stubborn", parameters: "journal: \(fixture.name)\nway: wait",
            job: "activeDeadlineSeconds: 1")
        #expect(row.state == .timedOut)
        StubbornTask.release(fixture.name)
        try await fixture.eventually("the late end") { _ in
            Journal.stages(fixture.name)
                == ["run", "end of run", "onFailure", "afterReturn"]
        }
        #expect(Journal.of(fixture.name).last?.detail == "timed_out")
        try await fixture.eventually("no connection is left") { connection in
            try connection.query(
                """
                SELECT 1 FROM pg_stat_activity WHERE datname = current_database() \
                AND backend_type = 'client backend' AND pid <> pg_backend_pid()
                """
            ).isEmpty
        }
        let after = try fixture.runner.row(of: row.runID)
        #expect(after.state == .timedOut)
        #expect(after.finishedAt == row.finishedAt)
        #expect(after.stopSteps == row.stopSteps)
        #expect(try fixture.marks() == [])
    }

    @Test("is followed by its next attempt, on a fresh worker")
    func retried() async throws {
        let fixture = try await Self.fixture()
        defer { StubbornTask.release(fixture.name) }
        let row = try await fixture.runner.run(
            "stubborn", parameters: "journal: \(fixture.name)\nway: wait",
            job: "activeDeadlineSeconds: 1\nbackoffLimit: 1\nbackoff: {initial: 0s}")
        #expect(row.state == .timedOut)
        #expect(row.attempt == 2)
        let states = try fixture.withConnection { connection in
            try connection.query("SELECT state FROM almanac.runs ORDER BY attempt")
                .map { try $0.get(at: 0, as: String.self) }
        }
        #expect(states == ["timed_out", "timed_out"])
    }

    @Test("is cancelled by whoever asked, with the reason")
    func cancelled() async throws {
        let fixture = try await Self.fixture()
        defer { StubbornTask.release(fixture.name) }
        let control = RunControl()
        let worker = Worker(number: 1, services: fixture.runner.services)
        let job = try fixture.runner.makeJob(
            task: "stubborn", parameters: "journal: \(fixture.name)\nway: spin",
            keys: "backoffLimit: 3")
        async let end = fixture.runner.start(job, on: worker, control: control)
        try await fixture.eventually("it runs") { _ in Journal.stages(fixture.name) == ["run"] }
        control.stop(.request(by: "ada", reason: "by mistake"))
        guard case .ran(let report) = await end else {
            Issue.record("it has not run")
            return
        }
        #expect(report.isWorkerLost)
        #expect(report.next == nil)
        let row = try fixture.runner.row(of: report.identity.runID)
        #expect(row.state == .cancelled)
        #expect(row.errorType == "Cancelled")
        #expect(row.errorMessage == "cancelled by ada: by mistake")
    }

    @Test("in a hurry is given up at once")
    func hurry() async throws {
        let fixture = try await Self.fixture()
        defer { StubbornTask.release(fixture.name) }
        let control = RunControl()
        let worker = Worker(
            number: 1, services: fixture.services(StopPatience(again: .seconds(900))))
        let job = try fixture.runner.makeJob(
            task: "stubborn", parameters: "journal: \(fixture.name)\nway: spin")
        async let end = fixture.runner.start(job, on: worker, control: control)
        try await fixture.eventually("it runs") { _ in Journal.stages(fixture.name) == ["run"] }
        control.stop(.shutdown)
        control.hurry()
        guard case .ran(let report) = await end else {
            Issue.record("it has not run")
            return
        }
        #expect(report.isWorkerLost)
        #expect(try fixture.runner.row(of: report.identity.runID).state == .cancelled)
    }

    @Test("has an outcome that stands when it is its hook that goes on")
    func hooks() async throws {
        let fixture = try await Self.fixture()
        defer { StubbornTask.release(fixture.name) }
        let worker = Worker(
            number: 1, services: fixture.services(StopPatience(hooks: .milliseconds(50))))
        let job = try fixture.runner.makeJob(
            task: "stubborn", parameters: "journal: \(fixture.name)\nway: hook")
        guard case .ran(let report) = await fixture.runner.start(job, on: worker) else {
            Issue.record("it has not run")
            return
        }
        #expect(report.isWorkerLost)
        #expect(report.state == .succeeded)
        let row = try fixture.runner.row(of: report.identity.runID)
        #expect(row.state == .succeeded)
        #expect(row.hookError == "hooks: given up, since they went on for more than 0.05 s")
    }
}

extension StopPatience {
    init(again: Duration? = nil, hooks: Duration? = nil) {
        self.init()
        if let again {
            self.again = again
            terminate = again * 2
            fence = again * 3
        }
        if let hooks { self.hooks = hooks }
    }
}

extension RunFixture {
    /// The services of the runner with another patience.
    func services(_ patience: StopPatience) -> NodeServices {
        var services = runner.services
        services.patience = patience
        return services
    }

    /// Waits for what is to come true, on a thread of its own.
    func eventually(
        _ what: String, _ isTrue: @escaping @Sendable (Connection) throws -> Bool
    ) async throws {
        let thread = WorkerThread(name: "observer")
        defer { thread.stop() }
        try await Task(executorPreference: thread) {
            try withConnection { connection in
                for _ in 1...3_000 {
                    if try isTrue(connection) { return }
                    try connection.query("SELECT pg_sleep(0.005)::text")
                }
                throw ProbeError(description: "did not come: \(what)")
            }
        }.value
    }
}
