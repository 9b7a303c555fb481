import AlmanacTesting
import Foundation
import PostgresSession
import Synchronization

@testable import AlmanacCore

/// Counts up a column of 40 rows, 5 a step, and does as much mischief in between as it is told.
struct TouchItems: ChunkedTask {
    /// How the runs of a test are stopped, by a name of the test's own.
    static let controls = Mutex<[String: RunControl]>([:])

    var seed: UInt64
    var mischief: Double?
    var standsStill: Bool?
    /// The number of steps after which it fails.
    var failsAfter: Int?
    var isGivenUpAt: Int?
    var stopsAt: Int?
    var name: String?

    func total(_ context: TaskContext) async throws -> Int? {
        context.output.append("total ")
        return try context.session.scalar("SELECT count(*) FROM items", as: Int.self)
    }

    func step(_ context: TaskContext, from last: Int64?) async throws -> Chunk<Int64> {
        let from = last ?? 0
        let step = Int(from / 5)
        let mischief = mischiefs(attempt: context.attempt, step: step)
        if mischief == 0 { throw ProbeError(description: "before") }
        if let failsAfter, step == failsAfter { throw ProbeError(description: "told to") }
        let ids = try context.session.all(
            """
            UPDATE items SET touched = touched + 1 WHERE id IN \
            (SELECT id FROM items WHERE id > \(from) ORDER BY id LIMIT 5) RETURNING id
            """, as: Int64.self)
        if mischief == 1 { throw ProbeError(description: "after") }
        if mischief == 2 {
            // The connection is lost with the chunk on it.
            try context.session.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        }
        if step == isGivenUpAt { try giveUp(context) }
        if step == stopsAt, let name { Self.controls.withLock { $0[name]?.stop(.shutdown) } }
        guard let newest = ids.max() else { return .finished(done: 0) }
        if standsStill == true, step > 0 { return .more(from: from, done: 5) }
        return .more(from: newest, done: ids.count)
    }

    /// What another node does that has found the run dead.
    private func giveUp(_ context: TaskContext) throws {
        let other = try Connection(EngineConfiguration(context.connectionString))
        defer { other.close() }
        try other.execute(
            """
            UPDATE almanac.runs SET state = 'orphaned', finished_at = clock_timestamp(), \
            error_type = 'Orphaned' WHERE run_id = \(context.runID)
            """)
    }

    /// A number from 0 to 2 for something that goes wrong, or more.
    private func mischiefs(attempt: Int, step: Int) -> Int {
        var hash = seed &+ UInt64(attempt) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(step) &* 0xD1B5_4A33
        hash = (hash ^ (hash >> 30)) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ (hash >> 27)) &* 0x94D0_49BB_1331_11EB
        hash ^= hash >> 31
        guard Double(hash % 1_000) < (mischief ?? 0) * 1_000 else { return 9 }
        return Int(hash / 1_000 % 3)
    }
}

extension RunFixture {
    /// The rows of a query's first column.
    func texts(_ sql: SQL) throws -> [String] {
        try withConnection { try $0.query(sql).map { try $0.get(at: 0) } }
    }

    static let moment = Date(timeIntervalSince1970: 1_795_305_600)

    /// An order for an occurrence that a node would claim.
    func order(
        _ job: JobDefinition, at instant: Date = moment, attempt: Int,
        trigger: RunTrigger = .schedule,
        runID: UUID = UUID(), isQueued: Bool = false
    ) -> RunOrder {
        RunOrder(
            identity: RunIdentity(
                runID: runID, job: job.name, scheduledFor: instant, attempt: attempt,
                trigger: trigger, node: runner.services.ledger.node),
            job: job, worker: 1, version: nil, effects: .database, isQueued: isQueued)
    }

    /// An order for an occurrence that somebody has asked for, whose row waits.
    func queued(
        _ job: JobDefinition, at instant: Date = moment, attempt: Int,
        trigger: RunTrigger = .backfill
    ) throws -> RunOrder {
        let runID = UUID()
        _ = try withConnection {
            try $0.execute(
                """
                INSERT INTO almanac.runs (run_id, job, task, scheduled_for, attempt, trigger, \
                state, queued_at, not_before) VALUES (\(runID), \(job.name), \(job.task), \
                \(instant), \(attempt), \(trigger.rawValue), 'queued', clock_timestamp(), \
                clock_timestamp())
                """)
        }
        return order(
            job, at: instant, attempt: attempt, trigger: trigger, runID: runID, isQueued: true)
    }

    /// Runs one attempt.
    func perform(_ order: RunOrder) async throws -> RunRecord {
        let worker = Worker(number: 1, services: runner.services)
        let end = await withCheckedContinuation { continuation in
            worker.start(order, control: RunControl()) { continuation.resume(returning: $0) }
        }
        await worker.stop()
        guard case .ran(let report) = end else { throw ProbeError(description: "\(end)") }
        return try runner.row(of: report.identity.runID)
    }

    /// Runs the first attempt, which fails, and gives the order for the next.
    func failOnce(_ job: JobDefinition) async throws -> RunOrder {
        let first = order(job, attempt: 1)
        let worker = Worker(number: 1, services: runner.services)
        let end = await withCheckedContinuation { continuation in
            worker.start(first, control: RunControl()) { continuation.resume(returning: $0) }
        }
        await worker.stop()
        guard case .ran(let report) = end, let next = report.next else {
            throw ProbeError(description: "nothing follows: \(end)")
        }
        return first.followed(by: next)
    }
}

/// A value that several threads share.
final class Box<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    init(_ value: Value) { self.value = Mutex(value) }

    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        value.withLock { body(&$0) }
    }
}
