import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling

@testable import AlmanacCore

/// The ledger and its model side by side: each call goes to both, and their answers are compared.
struct LedgerTwins {
    /// A node with its connection, and what it knows.
    struct Node {
        let ledger: Ledger
        var connection: Connection
        var backend: Int
        var version: Int64?
        var schedule: SimulatedSchedule
    }

    /// A run that was claimed on both sides.
    struct Run {
        let claimed: ClaimedRun
        let node: Int
    }

    let fixture: LedgerFixture
    let site: SimulatedSite
    let watcher: Connection
    var random: SimulatedRandom
    var model: SimulatedLedger
    var nodes: [Node] = []
    var runs: [Run] = []
    var lastBackend = 0
    /// What was done last, for the message of a difference.
    var deed = ""
    var differences: [String] = []
    var deedCount = 0

    static let base: Int64 = 1_767_225_600

    init(seed: UInt64) async throws {
        fixture = try await LedgerFixture()
        site = try SimulatedSite()
        watcher = try fixture.connect()
        random = SimulatedRandom(seed: seed)
        model = SimulatedLedger(now: 0, random: random.fork())
        for number in 0..<3 {
            lastBackend += 1
            nodes.append(
                Node(
                    ledger: Ledger(schema: "almanac", node: "n\(number)"),
                    connection: try fixture.connect(), backend: lastBackend,
                    schedule: try site.makeSchedule(path: "a", like: nil, &random)))
            model.backends.insert(lastBackend)
        }
        for number in nodes.indices { try activate(number) }
    }

    /// The clock went on between the two.
    func alignTimes() throws {
        try watcher.execute(
            "UPDATE almanac.watermark SET accounted_until = \(model.watermark?.date)")
        for version in model.versions.suffix(1) {
            try watcher.execute(
                """
                UPDATE almanac.schedule_versions SET activated_at = \(version.activatedAt.date) \
                WHERE schedule_version = \(version.number)
                """)
        }
    }

    func close() {
        for node in nodes { node.connection.close() }
        watcher.close()
    }

    // MARK: Comparing

    mutating func compare<Value: Equatable>(_ real: Value, _ simulated: Value) {
        if real != simulated {
            differences.append("\(deedCount) \(deed): the ledger \(real), the model \(simulated)")
        }
    }

    /// The database's clock, for the model.
    mutating func setClock() throws {
        let row = try watcher.query(
            "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now"
        ).first
        model.now = try row?.get("now", as: Int64.self) ?? 0
    }

    mutating func compareRows() throws {
        let real = try watcher.query(
            """
            SELECT concat_ws(' ', job, extract(epoch FROM scheduled_for)::bigint, attempt, \
            trigger, state, coalesce(reason, '-'), coalesce(node, '-'), exclusive, is_retry, \
            is_held, \
            coalesce(waits_for, '-'), priority, coalesce(schedule_version, 0), \
            coalesce(extract(epoch FROM skipped_until)::bigint, 0), coalesce(skipped_count, 0), \
            coalesce(cancel_requested_by, '-'), backend_pid IS NOT NULL, \
            start_by IS NOT NULL) AS text FROM almanac.runs
            """
        ).map { try $0.get("text", as: String.self) }
        compareSets(real, model.allRows.map(\.comparedText))
    }

    private mutating func compareSets(_ real: [String], _ simulated: [String]) {
        let (one, other) = (Set(real), Set(simulated))
        compare(one.subtracting(other).sorted(), other.subtracting(one).sorted())
    }

    func key(_ row: SimulatedRow) -> String { "\(row.job) \(row.instant) \(row.attempt)" }

    /// The key of the same row in the database: it makes its own.
    func realID(of row: SimulatedRow) throws -> UUID {
        let found = try watcher.query(
            """
            SELECT run_id FROM almanac.runs WHERE job = \(row.job) AND attempt = \(row.attempt) \
            AND scheduled_for = to_timestamp(\(row.instant.secondsSinceEpoch))
            """)
        return try found.first?.get("run_id") ?? UUID()
    }

    // MARK: Drawing

    mutating func pickNode() -> Int { random.int(0...nodes.count - 1) }

    mutating func pickInstant() -> Instant {
        Instant(secondsSinceEpoch: Self.base + Int64(random.int(0...11)) * 3_600)
    }

    /// A job of a node's schedule, if it has any.
    mutating func pickJob(of number: Int) -> SimulatedJob? {
        let jobs = nodes[number].schedule.jobs.values.sorted { $0.name < $1.name }
        return jobs.isEmpty ? nil : random.pick(jobs)
    }

    mutating func pickOpenRow(_ isWanted: (SimulatedRow) -> Bool) -> SimulatedRow? {
        let rows = model.openRows.filter(isWanted)
        return rows.isEmpty ? nil : random.pick(rows)
    }
}

extension SimulatedRow {
    fileprivate var comparedText: String {
        let parts: [String] = [
            job, "\(instant.secondsSinceEpoch)", "\(attempt)", trigger.rawValue, state.rawValue,
            reason ?? "-", node ?? "-", isExclusive.sign, isRetry.sign, isHeld.sign,
            waitsFor ?? "-", "\(priority)", "\(version ?? 0)",
            "\(skippedUntil?.secondsSinceEpoch ?? 0)", "\(skippedCount ?? 0)",
            cancelRequest ?? "-", (backend != nil).sign, (startBy != nil).sign,
        ]
        return parts.joined(separator: " ")
    }
}

extension Bool {
    fileprivate var sign: String { self ? "t" : "f" }
}
