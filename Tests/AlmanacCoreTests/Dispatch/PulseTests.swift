import AlmanacTesting
import Foundation
import Logging
import PostgresSession
import Scheduling
import Testing

@testable import AlmanacCore

/// The signs of life of one process under a clock of the test.
private struct PulseFixture {
    let database: TestDatabase
    let clock: ManualClock
    let tape = LogTape()
    let services: NodeServices
    let connection: Connection

    init() async throws {
        database = try await TestDatabase.make()
        connection = try Connection(EngineConfiguration(database.connectionString))
        clock = ManualClock(at: Instant(secondsSinceEpoch: 0))
        services = try await TaskRunner(
            database.connectionString, tasks: [ProbeTask.self], clock: clock
        ).services.with(clock: clock, tape.logger)
    }

    func pulse(
        _ kind: NodeEntry.Kind = .scheduler, node: String? = nil, timeZoneData: String = "2025b"
    ) -> Pulse {
        var services = services
        if let node { services = services.with(node: node) }
        return Pulse(
            services: services,
            entry: NodeEntry(
                kind: kind, host: "h", processID: 7, programVersion: "1", workers: 3,
                timeZoneData: timeZoneData), suspectAfterSeconds: 60)
    }

    /// Sets the clock by the server's.
    func setClock(aheadSeconds: Int64 = 0) throws {
        let now = try connection.query("SELECT clock_timestamp() AS t").first?
            .get("t", as: Date.self)
        clock.set(to: Instant(try #require(now)).advanced(bySeconds: aheadSeconds))
    }

    func texts(_ sql: SQL) throws -> [String] {
        try connection.query(sql).map { try $0.get(at: 0) }
    }
}

@Suite("Signs of life", .timeLimit(.minutes(2)))
struct PulseTests {
    private let row: SQL = """
        SELECT concat_ws(' ', kind, host, process_id, program_version, workers, \
        coalesce(schedule_version::text, 'none'), tzdata_version, stopped_at IS NOT NULL, \
        seen_at > started_at) FROM almanac.nodes
        """

    @Test("a node is registered, seen again, and has an end")
    func life() async throws {
        let fixture = try await PulseFixture()
        let pulse = fixture.pulse()
        await pulse.beat()
        #expect(try fixture.texts(row) == ["scheduler h 7 1 3 none 2025b f f"])
        pulse.note(version: 4)
        await pulse.beat()
        #expect(try fixture.texts(row) == ["scheduler h 7 1 3 4 2025b f t"])
        let lives: SQL = """
            SELECT count(*)::text FROM almanac.nodes AS n, \
            pg_stat_get_activity(n.backend_pid) AS a WHERE a.backend_start = n.backend_start
            """
        #expect(try fixture.texts(lives) == ["1"])
        await pulse.stop()
        #expect(try fixture.texts(row) == ["scheduler h 7 1 3 4 2025b t t"])
        #expect(fixture.tape.lines("warning: no sign").isEmpty)
    }

    @Test("of a process in the foreground nothing is left")
    func foreground() async throws {
        let fixture = try await PulseFixture()
        let pulse = fixture.pulse(.exec)
        await pulse.beat()
        #expect(try fixture.texts(row) == ["exec h 7 1 3 none 2025b f f"])
        await pulse.stop()
        #expect(try fixture.texts(row) == [])
    }

    @Test("a lock on the books does not hold them up")
    func locked() async throws {
        let fixture = try await PulseFixture()
        let pulse = fixture.pulse()
        await pulse.beat()
        let other = try Connection(EngineConfiguration(fixture.database.connectionString))
        defer { other.close() }
        try other.execute("BEGIN")
        try other.execute("LOCK TABLE almanac.runs IN ACCESS EXCLUSIVE MODE")
        fixture.clock.advance(bySeconds: 30)
        await pulse.beat()
        fixture.clock.advance(bySeconds: 30)
        await pulse.beat()
        try other.execute("COMMIT")
        #expect(try fixture.texts(row) == ["scheduler h 7 1 3 none 2025b f t"])
        #expect(fixture.tape.lines("warning: no sign").isEmpty)
        await pulse.stop()
    }

    @Test("what goes wrong is told once, and they go on when it is over")
    func failure() async throws {
        let fixture = try await PulseFixture()
        let pulse = fixture.pulse()
        await pulse.beat()
        try fixture.connection.execute("ALTER TABLE almanac.nodes RENAME TO away")
        for _ in 1...3 { await pulse.beat() }
        #expect(fixture.tape.lines("warning: no sign of life").count == 1)
        try fixture.connection.execute("ALTER TABLE almanac.away RENAME TO nodes")
        await pulse.beat()
        #expect(try fixture.texts(row) == ["scheduler h 7 1 3 none 2025b f t"])
        await pulse.stop()
    }

    @Test("a row that somebody has removed is made again")
    func removed() async throws {
        let fixture = try await PulseFixture()
        let pulse = fixture.pulse()
        await pulse.beat()
        try fixture.connection.execute("DELETE FROM almanac.nodes")
        await pulse.beat()
        #expect(try fixture.texts(row) == ["scheduler h 7 1 3 none 2025b f f"])
        await pulse.stop()
    }

    @Test("how far the clock is off is measured, and told when it matters")
    func offset() async throws {
        let fixture = try await PulseFixture()
        let pulse = fixture.pulse()
        try fixture.setClock()
        await pulse.beat()
        #expect(fixture.tape.lines("warning").isEmpty)
        for _ in 1...3 {
            try fixture.setClock(aheadSeconds: 3_600)
            await pulse.beat()
        }
        #expect(fixture.tape.lines("warning: the clock of this machine").count == 1)
        let isMeasured: SQL = """
            SELECT (clock_offset BETWEEN interval '59 minutes' AND interval '61 minutes')::text \
            FROM almanac.nodes
            """
        #expect(try fixture.texts(isMeasured) == ["true"])
        for _ in 1...2 {
            try fixture.setClock()
            await pulse.beat()
        }
        #expect(fixture.tape.lines("notice: the clock of this machine agrees").count == 1)
        await pulse.stop()
    }

    @Test("nodes with other time zone data are told of one another, once")
    func timeZoneData() async throws {
        let fixture = try await PulseFixture()
        let (one, two) = (
            fixture.pulse(node: "one"), fixture.pulse(node: "two", timeZoneData: "2024a")
        )
        await one.beat()
        #expect(fixture.tape.lines("warning: other nodes").isEmpty)
        for _ in 1...2 { await two.beat() }
        #expect(fixture.tape.lines("warning: other nodes have other time zone data").count == 1)
        for _ in 1...2 { await one.beat() }
        #expect(
            fixture.tape.lines("warning: other nodes").map { $0.suffix(22) }
                == [" here=2024a there=2025b", " here=2025b there=2024a"].map { $0.suffix(22) })
        await one.stop()
        await two.stop()
    }

    @Test("those of long ago are forgotten, but not one that has a run")
    func forgotten() async throws {
        let fixture = try await PulseFixture()
        for (node, days) in [("new", 6), ("old", 8), ("owner", 8)] {
            try fixture.connection.execute(
                """
                INSERT INTO almanac.nodes (node, host, process_id, workers, backend_pid, \
                backend_start, seen_at) VALUES (\(node), 'h', 1, 1, 1, now(), \
                now() - make_interval(days => \(days)::int))
                """)
        }
        try fixture.connection.execute(
            """
            INSERT INTO almanac.runs (run_id, job, task, scheduled_for, trigger, state, queued_at, \
            started_at, node, backend_pid, backend_start) VALUES (gen_random_uuid(), 'j', 't', \
            now(), 'schedule', 'running', now(), now(), 'owner', 1, now())
            """)
        let pulse = fixture.pulse(node: "me")
        await pulse.beat()
        #expect(
            try fixture.texts("SELECT node FROM almanac.nodes ORDER BY 1") == [
                "me", "new", "owner",
            ])
        await pulse.stop()
    }

    @Test(
        "the pause between two is a quarter of what others wait, but five seconds at the most",
        arguments: [(60.0, 5.0), (20, 5), (8, 2), (2, 0.5), (1, 0.25), (0.1, 0.25)])
    func pause(suspectAfter: Double, seconds: Double) {
        #expect(Pulse.pause(suspectAfterSeconds: suspectAfter) == .seconds(seconds))
    }

    /// Signs at these seconds, `nil` for one that failed; whether others may be suspected at the
    /// last of them.
    static let signs: [([Double?], Bool)] = [
        ([0], false), ([0, 5, 9], false), ([0, 5, 10], true), ([0, 5, 10, 15, 20], true),
        // A gap: the database was away, or this process was stopped.
        ([0, 5, 10, 16], false), ([0, 5, 10, 16, 21, 25], false), ([0, 5, 10, 16, 21, 26], true),
        ([0, 5, nil, 10], false), ([0, 5, nil, 10, 15, 20], true), ([100], false),
    ]

    @Test("only who has been steady suspects others", arguments: signs)
    func steadiness(signs: [Double?], isSteady: Bool) {
        var steadiness = Steadiness(neededSeconds: 10)
        var last = false
        for sign in signs {
            if let sign {
                last = steadiness.note(beatAt: .seconds(sign))
            } else {
                steadiness.reset()
            }
        }
        #expect(last == isSteady)
    }

    /// What is seen of a node at these seconds; whether it is silent at the last of them.
    static let signs10: [([(Double, String?)], Bool)] = [
        ([(0, "a")], false), ([(0, "a"), (9.9, "a")], false), ([(0, "a"), (10, "a")], true),
        ([(0, "a"), (9, "b"), (18, "b")], false), ([(0, "a"), (9, "b"), (19, "b")], true),
        // It has ended, or its row was removed, and it is there again.
        ([(0, "a"), (10, nil)], false), ([(0, "a"), (5, nil), (10, "a")], false),
        // Dates that come from a clock that was set back are as new as any.
        ([(0, "b"), (9, "a"), (11, "a")], false),
    ]

    @Test("a node is silent whose sign has stayed the same for long enough", arguments: signs10)
    func silence(seen: [(Double, String?)], isSilent: Bool) {
        var others = SilentNodes()
        for (second, text) in seen {
            others.note(
                text.map { [NodeSign(node: "n", text: $0)] } ?? [], at: .seconds(second))
        }
        let last = Duration.seconds(seen.last?.0 ?? 0)
        #expect(others.silent(for: .seconds(10), at: last).isEmpty == !isSilent)
        others.forget()
        #expect(others.silent(for: .zero, at: last).isEmpty)
    }

    @Test("a database whose clock is set forward makes nobody suspect, and silence does")
    func clockSetForward() async throws {
        let fixture = try await PulseFixture()
        let owner = try fixture.services.engine.connect(for: "owner")
        defer { owner.close() }
        try fixture.connection.execute(
            """
            INSERT INTO almanac.runs (run_id, job, task, scheduled_for, trigger, state, queued_at, \
            started_at, node, backend_pid, backend_start) VALUES (gen_random_uuid(), 'j', 't', \
            now(), 'schedule', 'running', now(), now(), 'owner', \
            \(Int(owner.backendProcessID))::int, \(owner.backendStartText)::text::timestamptz)
            """)
        // All that it says is five minutes old by the clock that is in force now.
        let sign: SQL = """
            INSERT INTO almanac.nodes (node, host, process_id, workers, backend_pid, \
            backend_start, seen_at) VALUES ('owner', 'h', 1, 1, 1, now(), \
            clock_timestamp() - interval '5 minutes') ON CONFLICT (node) DO UPDATE \
            SET seen_at = clock_timestamp() - interval '5 minutes'
            """
        let pulse = fixture.pulse(node: "me")
        for _ in 1...20 {
            try fixture.connection.execute(sign)
            await pulse.beat()
            fixture.clock.advance(bySeconds: 5)
        }
        let told = "warning: a node is not heard of"
        #expect(fixture.tape.lines(told).isEmpty)
        #expect(try owner.query("SELECT 1 AS n").count == 1)
        for _ in 1...13 {
            await pulse.beat()
            fixture.clock.advance(bySeconds: 5)
        }
        #expect(fixture.tape.lines(told).count == 1)
        await pulse.stop()
    }

    static let drifts: [([Double], [ClockDrift.News?])] = [
        ([0, 1.9, -1.9], [nil, nil, nil]),
        ([3, 3, 4.9, 5.1], [.differs(seconds: 3), nil, nil, .differs(seconds: 5.1)]),
        ([-3, 0, -3], [.differs(seconds: -3), .agrees(seconds: 0), .differs(seconds: -3)]),
        ([3, -3], [.differs(seconds: 3), .differs(seconds: -3)]),
        ([2, 2.1], [nil, .differs(seconds: 2.1)]),
    ]

    @Test("a clock that is off is told once, and again when that changes", arguments: drifts)
    func drift(offsets: [Double], news: [ClockDrift.News?]) {
        var drift = ClockDrift()
        #expect(offsets.map { drift.note(offsetSeconds: $0, roundTripSeconds: 0.01) } == news)
    }

    @Test("a measurement that took too long counts for nothing")
    func slowMeasurement() {
        var drift = ClockDrift()
        #expect(drift.note(offsetSeconds: 3, roundTripSeconds: 1) == nil)
        #expect(drift.note(offsetSeconds: 3, roundTripSeconds: 0.9) == .differs(seconds: 3))
    }
}
