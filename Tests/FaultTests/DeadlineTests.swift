import AlmanacCore
import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@Suite("A deadline", .serialized, .timeLimit(.minutes(5)))
struct DeadlineTests {
    /// How long after its deadline a run may end, at the most.
    private static let graceMilliseconds = 500

    private static func isInTime(_ row: RunRecord) -> Bool {
        (1_000...1_000 + graceMilliseconds).contains(row.durationMilliseconds ?? 0)
    }

    @Test(
        "is kept to half a second by Swift code that does not stop",
        arguments: [GatedTask.Way.spin, .sleep, .wait])
    func swiftCode(way: GatedTask.Way) async throws {
        let database = try await TestDatabase.make()
        let runner = try await TaskRunner(database.connectionString, tasks: [GatedTask.self])
        let gate = UUID().uuidString
        defer { GatedTask.release(gate) }
        let row = try await runner.run(
            "gated", parameters: "gate: \(gate)\nway: \(way)", job: "activeDeadlineSeconds: 1")
        #expect(row.state == .timedOut)
        #expect(Self.isInTime(row), "\(row.durationMilliseconds ?? 0) ms")
        #expect(row.stopSteps?.contains("replace-worker") == true)
    }

    @Test(
        "is kept to half a second by SQL and by programs, and nothing of them is left",
        arguments: [
            ("sql", "{statement: SELECT pg_sleep(30)}"),
            ("sql", "{statement: 'UPDATE counter SET n = 1; SELECT pg_sleep(30)'}"),
            (
                "sql",
                "{statement: \"DO 'BEGIN LOOP BEGIN PERFORM pg_sleep(30); EXCEPTION WHEN "
                    + "query_canceled THEN NULL; END; END LOOP; END'\"}"
            ),
            ("command", "{shell: 'sleep 31.4 & sleep 31.4'}"),
            ("command", "{shell: 'trap \"\" TERM; sleep 31.4 & while :; do sleep 0.05; done'}"),
            ("command", "{shell: 'trap \"\" TERM; while :; do :; done'}"),
        ])
    func builtIn(task: String, parameters: String) async throws {
        let place = try await Surroundings(
            "late: {every: 1h, activeDeadlineSeconds: 1, task: \(task), parameters: \(parameters)}")
        let ended = try await place.run(["exec", "late"])
        #expect(ended.end == .exited(1))
        let row = try #require(try place.books.rows("late").first)
        #expect(row.state == "timed_out")
        let milliseconds = try place.books.number(
            "SELECT extract(epoch FROM finished_at - started_at) * 1000 FROM almanac.runs")
        #expect((990...1_000 + Self.graceMilliseconds).contains(milliseconds), "\(milliseconds) ms")
        #expect(try place.counted() == 0)
        #expect(
            try place.books.number(
                """
                SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND state <> 'idle' AND pid <> pg_backend_pid()
                """) == 0)
        #expect(sleepers("31.4") == 0)
    }

    @Test("that a run does not heed costs the node no worker")
    func replacedWorker() async throws {
        let database = try await TestDatabase.make()
        let runner = try await TaskRunner(database.connectionString, tasks: [GatedTask.self])
        let books = Books(database.connectionString)
        try books.execute("CREATE TABLE marks (mark uuid)")
        let gate = UUID().uuidString
        defer { GatedTask.release(gate) }
        let text = """
            version: 1
            defaults: {activeDeadlineSeconds: 1}
            jobs:
              stuck: {every: 3s, task: gated, parameters: {gate: \(gate), way: spin}}
              good: {every: 1s, task: gated, parameters: {gate: \(gate), way: mark}}
            """
        let source = try SourceFile(path: "test.yaml", bytes: Array(text.utf8))
        let schedule = try ScheduleLoader(tasks: runner.services.registry)
            .load(sources: [source]).schedule
        var options = SchedulerOptions()
        options.workers = 1
        let scheduler = Scheduler(services: runner.services, options: options)
        async let running: Void = scheduler.run(schedule)
        try await eventually("two are given up") { try books.count("stuck", "timed_out") == 2 }
        let before = try books.count("good", "succeeded")
        try await eventually("the other job goes on") {
            try books.count("good", "succeeded") >= before + 2
        }
        scheduler.stopNow()
        try await running
        #expect(try books.count("running") == 0)
        #expect(try books.number("SELECT count(*) FROM marks") == books.count("succeeded"))
    }

    /// How many races; `ALMANAC_TEST_RACES=1000` for more.
    private static let races =
        ProcessInfo.processInfo.environment["ALMANAC_TEST_RACES"].flatMap { Int($0) } ?? 200

    @Test(
        "or a request that races with the commit leaves both or neither",
        arguments: [false, true])
    func race(isImpatient: Bool) async throws {
        let seed = UInt64.random(in: .min ... .max)
        let database = try await TestDatabase.make()
        let runner = try await TaskRunner(database.connectionString, tasks: [GatedTask.self])
        let books = Books(database.connectionString)
        try books.execute("CREATE TABLE marks (mark uuid)")
        var services = runner.services
        if isImpatient {
            // All the rungs fall into the commit and the close: also the end of the backend.
            services.patience.again = .microseconds(200)
            services.patience.terminate = .microseconds(400)
            services.patience.fence = .microseconds(800)
        }
        let job = try runner.makeJob(task: "gated", parameters: "gate: none\nway: mark")
        var moments = Moments(seed: seed)
        var worker = Worker(number: 1, services: services)
        for round in 1...Self.races {
            let control = RunControl()
            let (runID, offset) = (UUID(), moments.next(in: 0...900))
            let cause: StopCause =
                round % 2 == 0 ? .deadline(seconds: 1) : .request(by: "ada", reason: "no")
            Thread.detachNewThread {
                while !GatedTask.hasArrived(runID) {}
                let end = DispatchTime.now().uptimeNanoseconds + UInt64(offset) * 1_000
                while DispatchTime.now().uptimeNanoseconds < end {}
                control.stop(cause)
            }
            let end = await runner.start(job, on: worker, control: control, runID: runID)
            guard case .ran(let report) = end else {
                Issue.record("round \(round): \(end), seed \(seed)")
                break
            }
            if report.isWorkerLost { worker = Worker(number: 1, services: services) }
        }
        await worker.stop()
        let stopped = try books.count("timed_out") + books.count("cancelled")
        print(
            "DeadlineTests: seed \(seed), \(try books.count("succeeded")) succeeded, "
                + "\(stopped) stopped")
        #expect(try books.count("succeeded") + stopped == Self.races)
        #expect(try books.count("succeeded") > 0, "no race was lost by the request")
        #expect(stopped > 0, "no race was won by the request")
        let mixed = try books.number(
            """
            SELECT count(*) FROM almanac.runs \
            WHERE (state = 'succeeded') <> EXISTS (SELECT FROM marks WHERE mark = run_id)
            """)
        #expect(mixed == 0, "seed \(seed)")
    }
}

/// The processes `sleep` with that text in their command line.
func sleepers(_ text: String) -> Int {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return entries.filter { entry in
        guard Int32(entry) != nil else { return false }
        let line = FileManager.default.contents(atPath: "/proc/\(entry)/cmdline") ?? Data()
        let words = String(decoding: line, as: UTF8.self)
        return words.hasPrefix("sleep") && words.contains(text)
    }.count
}
