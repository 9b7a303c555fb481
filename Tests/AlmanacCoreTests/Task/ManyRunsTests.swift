import AlmanacTesting
import Foundation
import Glibc
import PostgresSession
import Scheduling
import Synchronization
import Testing

@testable import AlmanacCore

@Suite("Many runs with random ends")
struct ManyRunsTests {
    /// How many; `ALMANAC_TEST_RUNS=10000` for more, with a look at the memory if the test runs
    /// alone.
    private static let wanted = ProcessInfo.processInfo.environment["ALMANAC_TEST_RUNS"]
        .flatMap { Int($0) }

    @Test(
        "each leaves one terminal row, its hooks' calls, and nothing else", .timeLimit(.minutes(15))
    )
    func many() async throws {
        let seed = UInt64.random(in: .min ... .max)
        let count = Self.wanted ?? 400
        print("ManyRunsTests: seed \(seed), \(count) runs")
        var random = SeededMoments(seed: seed)
        let line = try await RunLineFixture()
        let warmUp = count / 5
        var attempts = 0
        var before = 0
        for number in 0..<count {
            if number == warmUp { before = Memory.residentBytes() }
            attempts += try await line.run(Ending.random(&random), number: number)
        }
        let growth = Memory.residentBytes() - before
        print("ManyRunsTests: \(attempts) attempts, memory grew by \(growth / 1024) KiB")
        if Self.wanted != nil { #expect(growth < 5 << 20, "\(growth) bytes") }
        await line.worker.stop()
        try line.audit(attempts: attempts, "seed \(seed)")
    }
}

/// How a run ends.
enum Ending: String, Decodable, CaseIterable {
    case succeeds, untouched, readsOnly, leavesResult, throwsError, sqlError, swallows, ignores
    case rejects, retries, killed, cancelled, deferred, unencodable, uncommitted, commitsItself
    case hookFails, deadline

    /// Deadlines take a second each, and are few.
    static func random(_ random: inout SeededMoments) -> Ending {
        if random.next(below: 500) == 0 { return .deadline }
        return allCases[random.next(below: allCases.count - 1)]
    }

    fileprivate var keys: String {
        switch self {
        case .uncommitted, .commitsItself: "transaction: explicit"
        case .retries, .killed: "backoffLimit: 1\nbackoff: {initial: 0s}"
        case .deadline: "activeDeadlineSeconds: 1"
        default: ""
        }
    }
}

/// Ends as it is told, and counts the calls of its hooks.
struct EndingTask: BatchTask {
    static let name = "ending"
    private static let calls = Mutex<[String: Int]>([:])
    /// The rope of the run that is to be cancelled.
    static let control = Mutex<RunControl?>(nil)

    var way: Ending

    static func callCount(_ stage: String) -> Int { calls.withLock { $0[stage] ?? 0 } }

    private func note(_ stage: String) {
        Self.calls.withLock { $0[stage, default: 0] += 1 }
    }

    func run(_ context: TaskContext) async throws {
        let session = context.session
        switch way {
        case .untouched: return
        case .readsOnly: _ = try session.scalar("SELECT count(*) FROM marks", as: Int.self)
        case .ignores: throw Ignore("nothing to do")
        case .rejects: throw Reject("never")
        case .deadline: _ = try session.scalar("SELECT pg_sleep(30)::text", as: String.self)
        default:
            try session.execute("INSERT INTO marks (mark) VALUES (\(way.rawValue))")
            try end(context, session)
        }
    }

    private func end(_ context: TaskContext, _ session: Session) throws {
        switch way {
        case .leavesResult: context.result = ["n": 1]
        case .unencodable: context.result = Unencodable()
        case .throwsError: throw ProbeError(description: "told to")
        case .sqlError: try session.execute("SELECT 1 / 0")
        case .swallows: _ = try? session.execute("SELECT 1 / 0")
        case .retries where context.attempt == 1: throw Retry(after: .zero)
        case .killed where context.attempt == 1:
            try session.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        case .cancelled:
            Self.control.withLock { $0?.stop(.request(by: "test", reason: "told to")) }
            try session.execute("SELECT pg_sleep(30)")
        case .deferred:
            for _ in 1...2 { try session.execute("INSERT INTO pairs (id) VALUES (1)") }
        case .commitsItself: try session.commit()
        default: break
        }
    }

    func onSuccess(_ context: TaskContext) async throws {
        note("onSuccess")
        if way == .hookFails { throw ProbeError(description: "hook") }
    }

    func onRetry(_ context: TaskContext, error: any Error, next: NextAttempt) async throws {
        note("onRetry")
    }

    func onFailure(_ context: TaskContext, error: any Error) async throws { note("onFailure") }

    func afterReturn(_ context: TaskContext, outcome: TaskOutcome) async throws {
        note("afterReturn")
    }
}

/// One worker on a database of its own, and a job for each ending.
private struct RunLineFixture {
    let fixture: RunFixture
    let worker: Worker
    private let jobs: [Ending: JobDefinition]

    init() async throws {
        let fixture = try await RunFixture(tasks: [EndingTask.self])
        self.fixture = fixture
        worker = Worker(number: 1, services: fixture.runner.services)
        jobs = try Dictionary(
            uniqueKeysWithValues: Ending.allCases.map { ending in
                let job = try fixture.runner.makeJob(
                    task: "ending", parameters: "way: \(ending.rawValue)", keys: ending.keys,
                    name: ending.rawValue)
                return (ending, job)
            })
    }

    /// Runs one occurrence with all its attempts.
    ///
    /// - Returns: how many there were.
    func run(_ ending: Ending, number: Int) async throws -> Int {
        let job = try #require(jobs[ending])
        let services = fixture.runner.services
        let identity = RunIdentity(
            runID: UUID(), job: job.name,
            scheduledFor: Date(timeIntervalSince1970: 1_700_000_000 + Double(number)),
            trigger: .schedule, node: services.ledger.node)
        var order = RunOrder(
            identity: identity, job: job, worker: 1, version: nil, effects: .database)
        var attempts = 0
        while true {
            attempts += 1
            let control = RunControl()
            if ending == .cancelled { EndingTask.control.withLock { $0 = control } }
            let end = await withCheckedContinuation { continuation in
                worker.start(order, control: control) { continuation.resume(returning: $0) }
            }
            await control.release()
            guard case .ran(let report) = end else {
                throw ProbeError(description: "\(ending): \(end)")
            }
            guard let next = report.next else { return attempts }
            order = order.followed(by: next)
        }
    }

    func audit(attempts: Int, _ seed: String) throws {
        func rows(_ condition: String) throws -> Int {
            try fixture.withConnection { connection in
                try connection.query(
                    "SELECT count(*) AS n FROM almanac.runs WHERE \(SQL(raw: condition))"
                )[0].get("n")
            }
        }
        #expect(try rows("true") == attempts, "\(seed)")
        #expect(try rows("finished_at IS NULL") == 0)
        #expect(try fixture.leftovers() == [])
        let succeeded = try rows("state = 'succeeded'")
        let retried = try rows("job IN ('retries', 'killed') AND attempt = 1")
        let ignored = try rows("state = 'skipped'")
        #expect(EndingTask.callCount("onSuccess") == succeeded, "\(seed)")
        #expect(EndingTask.callCount("onRetry") == retried, "\(seed)")
        let failed = attempts - succeeded - retried - ignored
        #expect(EndingTask.callCount("onFailure") == failed, "\(seed)")
        #expect(EndingTask.callCount("afterReturn") == attempts, "\(seed)")
        let wrong = try rows(
            """
            state <> CASE WHEN job IN ('succeeds', 'untouched', 'readsOnly', 'leavesResult', \
            'commitsItself', 'hookFails') OR attempt = 2 THEN 'succeeded' \
            WHEN job = 'ignores' THEN 'skipped' WHEN job = 'cancelled' THEN 'cancelled' \
            WHEN job = 'deadline' THEN 'timed_out' ELSE 'failed' END
            """)
        #expect(wrong == 0, "\(seed)")
        let marks = try fixture.withConnection { connection in
            try connection.query("SELECT count(*) AS n FROM marks")[0].get("n", as: Int.self)
        }
        let written = try rows("state = 'succeeded' AND job NOT IN ('untouched', 'readsOnly')")
        #expect(marks == written, "\(seed)")
    }
}

/// The memory of this process.
private enum Memory {
    /// What of it is in use.
    static func residentBytes() -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
