import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling
import Testing

@testable import AlmanacCore

/// Tells a table.
private struct TellTask: BatchTask {
    static let name = "tell"
    var words: String
    /// What it does instead, or with `late-` afterwards.
    var deed: String?

    func run(_ context: TaskContext) async throws {
        switch deed {
        case "fail": throw ProbeError(description: "nobody at home")
        case "hang": try await neverWakingClock.waitUntilAdvanced(by: .seconds(1))
        default:
            try context.session.execute(
                """
                INSERT INTO told (words, key, job) VALUES \
                (\(words), \(context.runID), \(context.job))
                """)
        }
        if deed == "print-fail" {
            context.output.append("no route to \(words)\n")
            throw ProbeError(description: "nobody at home")
        }
        if deed == "late-fail" { throw ProbeError(description: "not \(words) either") }
    }
}

/// A ledger, a schedule with channels, and who sends.
private struct MessengerFixture {
    let database: TestDatabase
    let services: NodeServices
    let connection: Connection
    let messenger: Messenger
    let clock: ManualClock

    /// - Parameter top: the channels, in YAML.
    init(_ top: String, _ jobs: String, clock: ManualClock) async throws {
        database = try await TestDatabase.make()
        self.clock = clock
        services = try await TaskRunner(
            database.connectionString, tasks: [TellTask.self, ProbeTask.self], clock: clock
        ).services
        connection = try services.engine.connect(for: "test")
        try connection.execute(
            "CREATE TABLE public.told (n serial, words text, key uuid, job text)")
        let text = "version: 1\n\(top)\njobs:\n\(jobs)\n"
        let source = try SourceFile(path: "test.yaml", bytes: Array(text.utf8))
        let schedule = try ScheduleLoader(tasks: services.registry).load(sources: [source]).schedule
        let activation = try services.ledger.activate(schedule, on: connection)
        try connection.execute("UPDATE almanac.accounts SET accounted_from = 'epoch'")
        messenger = Messenger(services: services)
        messenger.note(schedule, definitionDigests: activation.definitionDigests)
    }

    static let channel = """
        channels:
          ops: {task: tell, parameters: {words: "${event} ${job} ${count}: ${subject}"}}
        """
    static let job = """
          nightly: {every: 1h, task: probe, parameters: {journal: x, deed: succeed}, \
        notify: {onFailure: ops, onMissed: ops, onSlow: ops}
        """

    func close() async {
        connection.close()
        await messenger.stop()
    }

    func fail(_ second: Double) throws {
        try connection.execute(
            """
            INSERT INTO almanac.runs (run_id, job, task, scheduled_for, trigger, state, \
            queued_at, started_at, finished_at, error_type, error_message) VALUES \
            (gen_random_uuid(), 'nightly', 'probe', to_timestamp(\(second)), 'schedule', \
            'failed', now(), now(), now(), 'Broken', 'it is broken')
            """)
    }

    func told() throws -> [String] {
        try connection.query("SELECT words FROM public.told ORDER BY n").map { try $0.get("words") }
    }

    func errors() throws -> [String] {
        try connection.query(
            "SELECT last_error FROM almanac.notifications WHERE last_error IS NOT NULL"
        ).map { try $0.get("last_error") }
    }
}

@Suite("Who sends notifications", .timeLimit(.minutes(2)))
struct MessengerTests {
    private func fixture(
        _ top: String = MessengerFixture.channel, job: String = MessengerFixture.job + "}"
    ) async throws -> MessengerFixture {
        try await MessengerFixture(top, job, clock: ManualClock(at: .distantPast))
    }

    @Test("a failure is told through its channel, once")
    func failure() async throws {
        let fixture = try await fixture()
        try fixture.fail(60)
        try await fixture.messenger.round()
        #expect(try fixture.told() == ["failure nightly 1: nightly failed"])
        try await fixture.messenger.round()
        #expect(try fixture.told().count == 1)
        let keys = try fixture.connection.query(
            """
            SELECT t.key::text AS key, t.job, n.delivered_by FROM public.told AS t, \
            almanac.notifications AS n
            """)
        #expect(try keys.first?.get("job") == "nightly")
        #expect(try keys.first?.get("delivered_by") == fixture.services.ledger.node)
        await fixture.close()
    }

    @Test("a hundred failures are two messages: the first, and after a minute the rest")
    func storm() async throws {
        let fixture = try await fixture()
        for second in 1...100 {
            try fixture.fail(Double(second))
            if second % 10 == 1 { try await fixture.messenger.round() }
        }
        #expect(try fixture.told().count == 1)
        try fixture.connection.execute(
            "UPDATE almanac.notifications SET delivered_at = delivered_at - interval '61 s'")
        try await fixture.messenger.round()
        #expect(try fixture.told().last == "failure nightly 99: nightly failed (99 times)")
        await fixture.close()
    }

    @Test("a channel that fails is tried again, and holds up no other")
    func failingChannel() async throws {
        let top =
            MessengerFixture.channel + """

                  bad: {task: tell, parameters: {words: x, deed: fail}}
                """
        let job = MessengerFixture.job.replacing("onFailure: ops", with: "onFailure: [bad, ops]")
        let fixture = try await fixture(top, job: job + "}")
        try fixture.fail(60)
        try await fixture.messenger.round()
        #expect(try fixture.told() == ["failure nightly 1: nightly failed"])
        #expect(try fixture.errors() == ["nobody at home"])
        let waits = try fixture.connection.query(
            """
            SELECT (not_before - clock_timestamp() BETWEEN '8 s' AND '10 s')::text AS waits \
            FROM almanac.notifications WHERE channel = 'bad' AND tries = 1
            """)
        #expect(try waits.first?.get("waits") == "true")
        await fixture.close()
    }

    @Test("what a channel's task writes commits with the note that it was told")
    func together() async throws {
        let fixture = try await fixture()
        try fixture.fail(60)
        try await fixture.messenger.round()
        let isOne = try fixture.connection.query(
            """
            SELECT (t.xmin = n.xmin)::text AS is_one FROM public.told AS t, \
            almanac.notifications AS n WHERE n.delivered_at IS NOT NULL
            """)
        #expect(try isOne.first?.get("is_one") == "true")
        await fixture.close()
    }

    @Test(
        "what a channel's task has written before it fails is undone, what it printed is kept",
        arguments: [
            ("late-fail", "not x either"),
            ("print-fail", "nobody at home; its output ends with: no route to x"),
        ])
    func undone(deed: String, error: String) async throws {
        let fixture = try await fixture(
            "channels:\n  ops: {task: tell, parameters: {words: x, deed: \(deed)}}")
        try fixture.fail(60)
        try await fixture.messenger.round()
        #expect(try fixture.told() == [])
        #expect(try fixture.errors() == [error])
        await fixture.close()
    }

    @Test("what another node has told meanwhile undoes what a late one writes")
    func lostLease() async throws {
        let fixture = try await fixture()
        try fixture.fail(60)
        try fixture.connection.executeScript(
            """
            CREATE FUNCTION public.other() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
            UPDATE almanac.notifications SET delivered_at = now(), delivered_by = 'other'; \
            RETURN NEW; END $$; \
            CREATE TRIGGER other AFTER INSERT ON public.told FOR EACH ROW \
            EXECUTE FUNCTION public.other()
            """)
        try await fixture.messenger.round()
        #expect(try fixture.told() == [])
        #expect(try fixture.errors().count == 1)
        await fixture.close()
    }

    @Test(
        "what a channel's placeholders stand for is in no error, nor a part of it in what is cut",
        arguments: ["late-fail", "print-fail"])
    func secrets(deed: String) async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try Data("hunter2secret\n".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let words = "${file:\(file.path)}" + String(repeating: "x", count: 495)
        let fixture = try await fixture(
            "channels:\n  ops: {task: tell, parameters: {words: \"\(words)\", deed: \(deed)}}")
        try fixture.fail(60)
        try await fixture.messenger.round()
        let error = try #require(try fixture.errors().first)
        #expect(error.contains("***") && !error.contains("ecret"), "\(error)")
        await fixture.close()
    }

    @Test("a channel that hangs is stopped at its limit")
    func hangingChannel() async throws {
        let top = """
            channels:
              ops: {task: tell, activeDeadlineSeconds: 5, parameters: {words: x, deed: hang}}
            """
        let fixture = try await fixture(top)
        try fixture.fail(60)
        let clock = fixture.clock
        let ticking = Task {
            while !Task.isCancelled {
                clock.advance(bySeconds: 1)
                await Task.yield()
            }
        }
        try await fixture.messenger.round()
        ticking.cancel()
        #expect(try fixture.errors().first?.contains("5 s") == true)
        await fixture.close()
    }

    @Test("what a node is to say when it is asked to end is given up, and left to others")
    func hurried() async throws {
        let top = "channels:\n  ops: {task: tell, parameters: {words: x, deed: hang}}"
        let fixture = try await fixture(top)
        try fixture.fail(60)
        let messenger = fixture.messenger
        async let round: Void = messenger.round()
        var isSending = false
        while !isSending {
            let tries = try fixture.connection.query(
                "SELECT max(tries) AS tries, pg_sleep(0.01)::text FROM almanac.notifications")
            isSending = try tries.first?.get("tries") == 1
        }
        // It may be on its way to the task still, which takes note of it all the same.
        let hurry = Task {
            while !Task.isCancelled {
                messenger.hurry()
                await Task.yield()
            }
        }
        try await round
        hurry.cancel()
        #expect(try fixture.errors().count == 1)
        await fixture.close()
    }

    @Test("late and slow are looked for, told and logged once")
    func limits() async throws {
        let job = MessengerFixture.job + ", mustFinishBy: 10s, warnAfter: 5s}"
        let fixture = try await fixture(job: job)
        let tape = LogTape()
        let messenger = Messenger(
            services: fixture.services.with(clock: fixture.clock, tape.logger))
        let text = "version: 1\n\(MessengerFixture.channel)\njobs:\n\(job)\n"
        let source = try SourceFile(path: "test.yaml", bytes: Array(text.utf8))
        let schedule = try ScheduleLoader(tasks: fixture.services.registry)
            .load(sources: [source]).schedule
        let digests = try #require(schedule.jobs.first?.definitionDigest)
        messenger.note(schedule, definitionDigests: ["nightly": digests])
        // The last full hour was to be over ten seconds later.
        try fixture.connection.execute(
            """
            UPDATE almanac.limits_watch SET watched_until = date_trunc('hour', clock_timestamp()) \
            - interval '1 minute'
            """)
        try fixture.connection.execute(
            """
            INSERT INTO almanac.runs (run_id, job, task, scheduled_for, trigger, state, \
            queued_at, started_at, node, backend_pid, backend_start) VALUES \
            (gen_random_uuid(), 'nightly', 'probe', clock_timestamp(), 'manual', 'running', \
            now(), clock_timestamp() - interval '6 s', 'n', 1, now())
            """)
        // In the first seconds of an hour its occurrence is not late yet.
        let isLate = try fixture.connection.query(
            """
            SELECT clock_timestamp() > date_trunc('hour', clock_timestamp()) + interval '11 s' AS \
            late
            """
        ).first?.get("late", as: Bool.self)
        try await messenger.round()
        try await messenger.round()
        let told = try fixture.told()
        #expect(told.filter { $0.hasPrefix("slow nightly 1: nightly is slow") }.count == 1)
        #expect(tape.lines("warning: a run takes longer").count == 1)
        if isLate == true {
            #expect(told.filter { $0 == "missed nightly 1: nightly is late" }.count == 1)
            #expect(tape.lines("warning: an occurrence is not over").count == 1)
        }
        await messenger.stop()
        await fixture.close()
    }

    @Test("without channels and limits it needs no connection")
    func idle() async throws {
        let job = "  nightly: {every: 1h, task: probe, parameters: {journal: x, deed: succeed}}"
        let fixture = try await fixture("", job: job)
        try await fixture.messenger.round()
        let open = try fixture.connection.query(
            """
            SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() \
            AND application_name LIKE '%messenger%'
            """)
        #expect(try open.first?.get("n") == 0)
        await fixture.close()
    }
}

@Suite("Notifications of a node", .timeLimit(.minutes(2)))
struct NodeNotificationTests {
    @Test("a node tells what its runs came to, also what came last before its end")
    func node() async throws {
        let fixture = try await NodeFixture()
        let services = try await TaskRunner(
            fixture.database.connectionString, tasks: [TellTask.self, ProbeTask.self],
            clock: fixture.clock
        ).services
        try fixture.execute("CREATE TABLE public.told (n serial, words text, key uuid, job text)")
        let schedule = try fixture.schedule(
            """
              bad: {every: 1h, task: probe, parameters: {journal: x, deed: fail}, \
            notify: {onFailure: ops}}
              good: {every: 1h, task: probe, parameters: {journal: x, deed: succeed}, \
            notify: {onFailure: ops, onSuccess: ops}}

            """,
            top: """
                channels:
                  ops: {task: tell, parameters: {words: "${event} ${job}: ${error}"}}

                """, services)
        try fixture.open(schedule, services)
        let scheduler = Scheduler(services: services, options: SchedulerOptions())
        async let running: Void = scheduler.run(schedule)
        try await fixture.pass(1, expecting: 2)
        scheduler.stop()
        try await running
        let told = try await fixture.query("SELECT words FROM told ORDER BY words")
        #expect(told == ["failure bad: ProbeError: run failed", "success good: "])
    }
}
