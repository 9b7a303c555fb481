import AlmanacTesting
import Foundation
import Logging
import PostgresSession
import Scheduling
import Synchronization
import Testing

@testable import AlmanacCore

/// Nodes with schedules of their own, and a server that goes by their time.
private struct House {
    let fixture: NodeFixture
    let old: Schedule
    let new: Schedule
    private let clocks: [ManualClock]
    private let services: [NodeServices]
    let tape = LogTape()

    static let jobs = ["same", "changes", "goes", "comes"]

    init(nodes: Int = 2) async throws {
        fixture = try await NodeFixture()
        var clocks = [fixture.clock]
        for _ in 1..<nodes { clocks.append(fixture.clock.copy) }
        var services: [NodeServices] = []
        for clock in clocks {
            services.append(try await fixture.services().with(clock: clock, tape.logger))
        }
        (self.clocks, self.services) = (clocks, services)
        let same = "  same: {every: 1s, task: node-task}\n"
        old = try fixture.schedule(
            same + "  changes: {every: 1s, task: node-task}\n"
                + "  goes: {every: 1s, task: node-task}\n", services[0])
        new = try fixture.schedule(
            same + "  changes: {every: 1s, task: node-task, activeDeadlineSeconds: 60}\n"
                + "  comes: {every: 1s, task: node-task}\n", services[0])
        try fixture.open(old, services[0])
        try letServerGoByTestTime()
    }

    func node(_ number: Int) -> Scheduler {
        Scheduler(services: services[number], options: SchedulerOptions())
    }

    /// Puts a schedule in force without any node of it.
    func putInForce(_ schedule: Schedule) throws {
        let connection = try services[0].engine.connect(for: "test")
        defer { connection.close() }
        _ = try services[0].ledger.activate(schedule, on: connection)
    }

    /// Accounts and versions begin at the test's time.
    private func letServerGoByTestTime() throws {
        try fixture.execute("CREATE TABLE test_time AS SELECT \(fixture.start.date) AS now")
        try fixture.execute(
            """
            CREATE FUNCTION by_test_time() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
            IF TG_TABLE_NAME = 'schedule_versions' THEN \
            NEW.activated_at := (SELECT now FROM almanac.test_time); \
            ELSE IF TG_OP = 'INSERT' OR NEW.accounted_from <> OLD.accounted_from THEN \
            NEW.accounted_from := (SELECT now FROM almanac.test_time); END IF; \
            IF NEW.removed_at IS NOT NULL THEN NEW.removed_at := \
            GREATEST(NEW.accounted_from, (SELECT now FROM almanac.test_time)); END IF; END IF; \
            RETURN NEW; END $$
            """)
        for (table, event) in [
            ("schedule_versions", "INSERT"), ("accounts", "INSERT OR UPDATE"),
        ] {
            try fixture.execute(
                SQL(
                    raw: """
                        CREATE TRIGGER by_test_time BEFORE \(event) ON almanac.\(table) \
                        FOR EACH ROW EXECUTE FUNCTION by_test_time()
                        """))
        }
    }

    /// Lets a second pass for all nodes at once.
    func pass() throws {
        try fixture.execute("UPDATE test_time SET now = now + interval '1 second'")
        for clock in clocks { clock.advance(bySeconds: 1) }
    }

    /// Lets seconds pass, and waits each time until these jobs are accounted for up to then.
    func pass(_ seconds: Int, expecting jobs: [String]) async throws {
        for _ in 1...seconds {
            try pass()
            let due = fixture.clock.instant.date
            let behind: SQL = """
                SELECT w.job FROM unnest(\(jobs)::text[]) AS w (job) WHERE NOT EXISTS ( \
                SELECT FROM almanac.runs AS r WHERE r.job = w.job AND state <> 'running' \
                AND \(due) BETWEEN scheduled_for AND coalesce(skipped_until, scheduled_for)) \
                ORDER BY 1
                """
            let late = try await fixture.eventually(behind, is: [])
            #expect(late == [], "not accounted for at \(fixture.clock.instant)")
        }
    }

    /// The instants of a job: how many there are, and how many of them have more than one row.
    func accounted(_ job: String) async throws -> [String] {
        try await fixture.query(
            """
            SELECT count(DISTINCT i) || ' ' || count(*) - count(DISTINCT i) FROM almanac.runs, \
            generate_series(scheduled_for, coalesce(skipped_until, scheduled_for), '1 second') \
            AS i WHERE job = \(job)
            """)
    }

    /// How many seconds have passed.
    var seconds: Int { Int(fixture.clock.instant.seconds(since: fixture.start)) }

    /// Waits for a line of the log.
    func waitForLine(_ start: String, ending: String) async throws {
        for _ in 1...2_000 where !tape.lines(start).contains(where: { $0.hasSuffix(ending) }) {
            _ = try await fixture.query("SELECT pg_sleep(0.01)::text")
        }
    }

    func waitForVersion(_ version: Int) async throws {
        let newest: SQL = """
            SELECT count(*)::text FROM almanac.schedule_versions
            """
        #expect(try await fixture.eventually(newest, is: ["\(version)"]) == ["\(version)"])
    }
}

@Suite("A node with an older schedule", .timeLimit(.minutes(3)))
struct OldScheduleTests {
    @Test("shares what is the same, leaves the rest alone, and makes up for it after a reload")
    func deployment() async throws {
        let house = try await House()
        let (one, two) = (house.node(0), house.node(1))
        async let oneRuns: Void = one.run(house.old)
        try await house.pass(3, expecting: ["same", "changes", "goes"])
        async let twoRuns: Void = two.run(house.new)
        try await house.waitForVersion(2)
        try await house.waitForLine("info: schedule in force", ending: "version=2")
        let change = house.seconds
        try await house.pass(5, expecting: ["same", "changes", "comes"])
        let byVersion = try await house.fixture.query(
            """
            SELECT DISTINCT job || ' ' || schedule_version FROM almanac.runs \
            WHERE scheduled_for > \(house.fixture.start.advanced(bySeconds: Int64(change)).date) \
            AND job <> 'same' ORDER BY 1
            """)
        #expect(byVersion == ["changes 2", "comes 2"])

        // The only node with the newest schedule ends: what it alone has waits.
        two.stop()
        try await twoRuns
        let rows: SQL = "SELECT count(*)::text FROM almanac.runs WHERE job IN ('changes', 'comes')"
        let before = try await house.fixture.query(rows)
        try await house.pass(5, expecting: ["same"])
        #expect(try await house.fixture.query(rows) == before)

        one.reload { house.new }
        try await house.pass(3, expecting: ["same", "changes", "comes"])
        one.stop()
        try await oneRuns
        let seconds = house.seconds
        #expect(try await house.accounted("same") == ["\(seconds) 0"])
        #expect(try await house.accounted("changes") == ["\(seconds) 0"])
        #expect(try await house.accounted("goes") == ["\(change) 0"])
        #expect(try await house.accounted("comes") == ["\(seconds - change) 0"])
        let missed = try await house.fixture.query(
            "SELECT DISTINCT reason FROM almanac.runs WHERE state = 'skipped' AND job = 'comes'")
        #expect(missed == ["coalesced"])
    }

    @Test("says once which jobs differ, and once for each that it leaves alone")
    func tells() async throws {
        let house = try await House(nodes: 1)
        let one = house.node(0)
        async let running: Void = one.run(house.old)
        try await house.pass(1, expecting: ["same", "changes", "goes"])
        try house.putInForce(house.new)
        try await house.pass(6, expecting: ["same"])
        one.stop()
        try await running
        #expect(
            house.tape.lines("warning: another schedule is in force").map {
                $0.split(separator: ")").last.map(String.init)
            } == [" added=comes changed=changes inForce=2 removed=goes version=1"])
        #expect(
            Set(house.tape.lines("notice: left alone"))
                == Set(
                    ["changes", "goes"].map {
                        "notice: left alone: the schedule in force has this job differently or "
                            + "not at all job=\($0) version=1"
                    }))
        #expect(house.tape.lines("notice: left alone").count == 2)
    }

    @Test("takes part again by itself when its schedule is put in force again")
    func rollBack() async throws {
        let house = try await House(nodes: 1)
        let one = house.node(0)
        async let running: Void = one.run(house.old)
        try await house.pass(2, expecting: ["same", "changes", "goes"])
        try house.putInForce(house.new)
        let change = house.seconds
        try await house.pass(4, expecting: ["same"])
        try house.putInForce(house.old)
        let back = house.seconds
        // It looks every two seconds.
        try await house.pass(2, expecting: ["same"])
        try await house.pass(3, expecting: ["same", "changes", "goes"])
        one.stop()
        try await running
        let seconds = house.seconds
        #expect(try await house.accounted("same") == ["\(seconds) 0"])
        #expect(try await house.accounted("changes") == ["\(seconds) 0"])
        #expect(try await house.accounted("comes") == ["\(back - change) 0"])
        #expect(try await house.accounted("goes") == ["\(seconds - (back - change)) 0"])
    }

    @Test("reads its files once more when another schedule came into force after it had read them")
    func overtaken() async throws {
        let house = try await House(nodes: 1)
        let one = house.node(0)
        async let running: Void = one.run(house.old)
        try await house.pass(1, expecting: ["same", "changes", "goes"])
        let readings = Mutex(0)
        let between = Schedule(jobs: house.old.jobs.filter { $0.name == "same" }, files: [])
        one.reload {
            let reading = readings.withLock { count in
                count += 1
                return count
            }
            // Between the first reading and what follows from it.
            guard reading == 1 else { return house.new }
            try? house.putInForce(between)
            return house.old
        }
        try await house.waitForVersion(3)
        try await house.waitForLine("info: schedule in force", ending: "version=3")
        try await house.pass(2, expecting: ["same", "changes", "comes"])
        one.stop()
        try await running
        let digests = try await house.fixture.query(
            "SELECT digest FROM almanac.schedule_versions ORDER BY schedule_version")
        #expect(digests == [house.old.digest, between.digest, house.new.digest])
        #expect(readings.withLock(\.self) == 2)
    }

    @Test("two nodes that read their files again at the same moment lose and double nothing")
    func together() async throws {
        let house = try await House()
        let (one, two) = (house.node(0), house.node(1))
        async let oneRuns: Void = one.run(house.old)
        async let twoRuns: Void = two.run(house.old)
        try await house.pass(2, expecting: ["same", "changes", "goes"])
        for round in 1...6 {
            let schedule = round % 2 == 1 ? house.new : house.old
            one.reload { schedule }
            try house.pass()
            two.reload { schedule }
            try await house.waitForVersion(round + 1)
            try await house.pass(2, expecting: ["same", "changes"])
        }
        try await house.pass(2, expecting: ["same", "changes", "goes"])
        one.stop()
        two.stop()
        try await oneRuns
        try await twoRuns
        let seconds = house.seconds
        #expect(try await house.accounted("same") == ["\(seconds) 0"])
        #expect(try await house.accounted("changes") == ["\(seconds) 0"])
        let doubles = try await house.fixture.query(
            "SELECT job FROM almanac.runs GROUP BY job, scheduled_for HAVING count(*) > 1")
        #expect(doubles.isEmpty)
    }
}
