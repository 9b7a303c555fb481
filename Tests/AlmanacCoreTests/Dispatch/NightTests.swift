import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@testable import AlmanacCore

/// One kind of job in the night, and what every job of the kind has to leave behind.
private struct Kind: Sendable {
    let name: String
    let count: Int
    /// The keys of the job beside its name and its schedule; `#` stands for its number.
    let keys: String
    /// Its rows in order: hour, attempt, state, reason or kind of error.
    let rows: [String]

    init(_ name: String, _ count: Int, _ keys: String, _ rows: [String]) {
        self.name = name
        self.count = count
        self.keys = keys
        self.rows = rows
    }

    static func probe(_ deed: String) -> String {
        "task: probe, parameters: {journal: night, deed: \(deed)}"
    }

    /// The same row at each of the three hours.
    static func always(_ row: String) -> [String] { ["1 \(row)", "2 \(row)", "3 \(row)"] }

    var lines: String {
        (1...count).map { number in
            "  \(name)-\(number): {every: 1h, \(keys.replacing("#", with: "\(number)"))}\n"
        }.joined()
    }
}

/// Sixty jobs under all policies through three hours of one night.
@Suite("A night", .serialized)
struct NightTests {
    /// Held through the second hour.
    private static let gate = UUID().uuidString

    private static let held = "task: node-task, parameters: {hold: \(gate)-"

    private static let kinds = [
        Kind("plain", 6, Kind.probe("insert"), Kind.always("1 succeeded")),
        Kind(
            "early", 2, Kind.probe("insert") + ", endAt: 2026-01-01T02:30:00Z",
            ["1 1 succeeded", "2 1 succeeded"]),
        Kind("failing", 4, Kind.probe("fail"), Kind.always("1 failed ProbeError")),
        Kind(
            "retried", 4, Kind.probe("fail") + ", backoffLimit: 2, backoff: {initial: 0s}",
            [1, 2, 3].flatMap { hour in
                [1, 2, 3].map { "\(hour) \($0) failed ProbeError" }
            }),
        Kind(
            "forgiven", 2,
            Kind.probe("fail")
                + ", retryPolicy: {rules: [{action: Ignore, errorTypes: [ProbeError]}]}",
            Kind.always("1 skipped ignored")),
        Kind("ignoring", 2, Kind.probe("ignore"), Kind.always("1 skipped ignored")),
        Kind(
            "rejected", 2, Kind.probe("reject") + ", backoffLimit: 2",
            Kind.always("1 failed Reject")),
        Kind(
            "suspended", 2, Kind.probe("insert") + ", suspend: true",
            Kind.always("1 skipped suspended")),
        Kind(
            "excluded", 2, Kind.probe("insert") + ", calendars: {exclude: [{weekdays: THU}]}",
            Kind.always("1 skipped excluded")),
        Kind("paused", 2, Kind.probe("insert"), Kind.always("1 skipped paused")),
        Kind(
            "forbid", 3, held + "forbid-#}",
            ["1 1 succeeded", "2 1 skipped overlap", "3 1 succeeded"]),
        Kind("queue", 3, held + "queue-#}, concurrencyPolicy: Queue", Kind.always("1 succeeded")),
        Kind(
            "replace", 2, Kind.probe("sleep") + ", concurrencyPolicy: Replace",
            ["1 1 cancelled", "2 1 cancelled", "3 1 cancelled"]),
        Kind(
            "allow", 2, Kind.probe("sleep") + ", concurrencyPolicy: Allow",
            ["1 1 cancelled", "2 1 cancelled", "3 1 cancelled"]),
        Kind("load", 2, Kind.probe("insert") + ", needs: [plain-#]", Kind.always("1 succeeded")),
        Kind("report", 2, Kind.probe("insert") + ", needs: [load-#]", Kind.always("1 succeeded")),
        Kind(
            "bereft", 2, Kind.probe("insert") + ", needs: [failing-#]",
            Kind.always("1 skipped dependency")),
        Kind(
            "anyway", 2, Kind.probe("insert") + ", needs: [{job: failing-#, when: always}]",
            Kind.always("1 succeeded")),
        // The night is long past for the database, whose clock says how late they are.
        Kind(
            "pooled", 3,
            Kind.probe("insert") + ", pool: narrow, startingDeadlineSeconds: 1000000000",
            Kind.always("1 succeeded")),
        Kind(
            "locked", 3, Kind.probe("insert") + ", locks: [{name: door, wait: 30s}]",
            Kind.always("1 succeeded")),
        Kind("urgent", 2, Kind.probe("insert") + ", priority: 5", Kind.always("1 succeeded")),
        Kind(
            "expected", 2, Kind.probe("insert") + ", expect: {rowsAffected: {min: 1, max: 1}}",
            Kind.always("1 succeeded")),
        Kind(
            "unexpected", 2, Kind.probe("insert") + ", expect: {rowsAffected: {min: 2}}",
            Kind.always("1 failed expectation")),
        Kind(
            "windowed", 2, Kind.probe("insert") + ", window: contiguous",
            Kind.always("1 succeeded")),
    ]

    private static let rows: SQL = """
        SELECT job || ': ' || extract(hour FROM scheduled_for AT TIME ZONE 'UTC')::int || ' ' \
        || attempt || ' ' || state || coalesce(' ' || coalesce(reason, \
        CASE WHEN state = 'failed' THEN error_type END), '') FROM almanac.runs \
        ORDER BY job, scheduled_for, attempt
        """

    @Test("of sixty jobs under all policies leaves the rows that it should")
    func night() async throws {
        let fixture = try await NodeFixture()
        let services = try await fixture.services()
        let schedule = try fixture.schedule(
            Self.kinds.map(\.lines).joined(), top: "pools: {narrow: {slots: 1}}\n", services)
        #expect(schedule.jobs.count == 60)
        try fixture.open(schedule, services)
        try fixture.execute("CREATE TABLE marks (mark text)")
        try fixture.execute(
            """
            INSERT INTO almanac.pauses (job, paused_by, note) \
            VALUES ('paused-1', 'ada', 'n'), ('paused-2', 'ada', 'n')
            """)
        var options = SchedulerOptions()
        options.workers = 18
        let scheduler = Scheduler(services: services, options: options)
        async let running: Void = scheduler.run(schedule)
        for hour in 1...3 {
            let due = fixture.start.date.addingTimeInterval(Double(3_600 * hour - 3_599))
            fixture.clock.advance(bySeconds: due.timeIntervalSince(fixture.clock.now))
            try await Self.wait(until: hour, in: fixture)
            guard hour == 2 else { continue }
            Self.openGates()
            try await Self.wait(until: hour, isOpen: true, in: fixture)
        }
        scheduler.stopNow()
        try await running
        let expected = Self.kinds.flatMap { kind in
            (1...kind.count).flatMap { number in
                kind.rows.map { "\(kind.name)-\(number): \($0)" }
            }
        }
        let found = try await fixture.query(Self.rows)
        #expect(Set(found).subtracting(expected) == [], "not expected")
        #expect(Set(expected).subtracting(found) == [], "missing")
        #expect(found.count == expected.count)
    }

    /// Lets second after second pass until all is there that the hour brings.
    private static func wait(
        until hour: Int, isOpen: Bool = false, in fixture: NodeFixture
    ) async throws {
        var found: [String] = []
        for _ in 1...1_000 {
            found = try await fixture.query(open)
            if found == openRows(after: hour, isOpen: isOpen) { return }
            fixture.clock.advance(bySeconds: 1)
            _ = try await fixture.query("SELECT pg_sleep(0.005)::text")
        }
        #expect(found == openRows(after: hour, isOpen: isOpen), "after hour \(hour)")
    }

    /// What is open, by kind and state, and how many rows there are.
    private static let open: SQL = """
        SELECT regexp_replace(job, '-.*', '') || ' ' || state || ' ' || count(*) \
        FROM almanac.runs WHERE state IN ('queued', 'running') \
        GROUP BY regexp_replace(job, '-.*', ''), state \
        UNION ALL SELECT 'rows ' || count(*) FROM almanac.runs ORDER BY 1
        """

    private static func openRows(after hour: Int, isOpen: Bool) -> [String] {
        let open = [
            [
                "allow running 2", "forbid running 3", "queue running 3", "replace running 2",
            ],
            [
                "allow running 4", "forbid running 3", "queue queued 3", "queue running 3",
                "replace running 2",
            ],
            ["allow running 6", "replace running 2"],
        ]
        let opened = ["allow running 4", "replace running 2"]
        let rows = kinds.reduce(0) { sum, kind in
            sum + kind.count * kind.rows.filter { $0 < "\(hour + 1)" }.count
        }
        return (isOpen ? opened : open[hour - 1]) + ["rows \(rows)"]
    }

    private static func openGates() {
        for kind in kinds where kind.keys.contains(gate) {
            for number in 1...kind.count { NodeTask.release("\(gate)-\(kind.name)-\(number)") }
        }
    }
}
