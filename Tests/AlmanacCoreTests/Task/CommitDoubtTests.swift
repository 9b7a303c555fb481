import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling
import Synchronization
import Testing

@testable import AlmanacCore

@Suite("A connection lost during COMMIT")
struct CommitDoubtTests {
    @Test("of 100 cut COMMITs each is resolved: effects and rows agree, hooks run once")
    func hundred() async throws {
        let seed = UInt64.random(in: .min ... .max)
        print("CommitDoubtTests: seed \(seed)")
        var random = SeededMoments(seed: seed)
        let line = try await CutLine()
        for _ in 1...100 {
            let delay = random.next(below: 4) == 0 ? 0.06 : 0
            let mark = UUID().uuidString
            line.proxy.cutNext(random.cut(mark))
            let row = try await line.run("doubtful", "{mark: \(mark), delaySeconds: \(delay)}")
            #expect(row.state == .succeeded)
        }
        #expect(line.proxy.cutCount == 100)
        let wrong = try line.number(
            """
            SELECT count(*) FROM almanac.runs AS r FULL JOIN effects AS e USING (run_id) \
            WHERE (r.state = 'succeeded') IS DISTINCT FROM (e.run_id IS NOT NULL)
            """)
        #expect(wrong == 0, "seed \(seed)")
        let succeeded = try line.number(
            "SELECT count(*) FROM almanac.runs WHERE state = 'succeeded'")
        #expect(succeeded == 100)
        let failed = try line.number("SELECT count(*) FROM almanac.runs WHERE state = 'failed'")
        // Both kinds of COMMIT were met: those that were carried out, and those that were not.
        #expect((10...90).contains(failed), "seed \(seed)")
        let kinds = try line.number(
            "SELECT count(*) FROM almanac.runs WHERE error_type <> 'ConnectionLost'")
        #expect(kinds == 0, "seed \(seed)")
        let hooks = try DoubtfulTask.hooks(in: line.ids())
        #expect(hooks["onSuccess"] == 100 && hooks["onRetry"] == failed, "seed \(seed)")
        #expect(hooks["onFailure"] == nil && hooks["afterReturn"] == 100 + failed)
        #expect(try line.number("SELECT count(*) FROM almanac.runs WHERE state = 'running'") == 0)
    }

    @Test("the moment of the cut decides, not how it is noticed", arguments: CutLine.cuts)
    func fate(moment: CuttingProxy.Moment, manner: CuttingProxy.Manner) async throws {
        let line = try await CutLine()
        line.proxy.cutNext(.init(moment, by: manner, mark: "here"))
        let row = try await line.run("doubtful", "{mark: here}", keys: "")
        let isDone = moment != .beforeCommit
        #expect(row.state == (isDone ? .succeeded : .failed))
        #expect(try line.number("SELECT count(*) FROM effects") == (isDone ? 1 : 0))
        #expect(try DoubtfulTask.hooks(in: line.ids())["onSuccess"] == (isDone ? 1 : nil))
        if !isDone {
            #expect(row.errorMessage?.contains("COMMIT, which was not carried out") == true)
        }
    }

    @Test("a COMMIT that the server is still at is waited for")
    func slowCommit() async throws {
        let line = try await CutLine()
        line.proxy.cutNext(.init(.duringCommit, by: .silence, mark: "slow"))
        let row = try await line.run("doubtful", "{mark: slow, delaySeconds: 0.6}")
        #expect(row.state == .succeeded)
        #expect(try line.number("SELECT count(*) FROM almanac.runs") == 1)
        #expect(try line.number("SELECT count(*) FROM effects") == 1)
    }

    @Test("chunks whose COMMIT was cut are done once", arguments: [UInt64.random(in: 0 ... .max)])
    func chunks(seed: UInt64) async throws {
        print("CommitDoubtTests.chunks: seed \(seed)")
        var random = SeededMoments(seed: seed)
        let line = try await CutLine(cutting: (1...12).map { _ in random.cut("items") })
        let row = try await line.run(
            "touch-items", "{batch: 3}", keys: "backoffLimit: 30\nbackoff: {initial: 0s}")
        #expect(row.state == .succeeded)
        #expect(line.proxy.cutCount == 12)
        #expect(try line.number("SELECT count(*) FROM items WHERE touched <> 1") == 0)
        #expect(try line.number("SELECT count(*) FROM almanac.runs WHERE state = 'running'") == 0)
    }

    @Test("the task's own COMMIT: the session tells what became of it", arguments: CutLine.cuts)
    func explicit(moment: CuttingProxy.Moment, manner: CuttingProxy.Manner) async throws {
        let line = try await CutLine()
        let isDone = moment != .beforeCommit
        line.proxy.cutNext(.init(moment, by: manner, mark: "own"))
        let row = try await line.run("doubtful", "{mark: own}", keys: CutLine.explicit)
        #expect(try line.number("SELECT count(*) FROM effects WHERE mark = 'own'") == 1)
        let rows = try line.number("SELECT count(*) FROM almanac.runs")
        if isDone {
            // It is not done again: the retry policy cannot know what the task did after it.
            #expect(row.state == .failed && rows == 1)
            #expect(row.errorType == "CommitInDoubt")
            #expect(row.errorMessage?.contains("The server says that it was carried out") == true)
        } else {
            #expect(row.state == .succeeded && rows == 2)
        }
    }

    @Test("a task that asks what became of its COMMIT goes on by the answer")
    func asked() async throws {
        let line = try await CutLine()
        line.proxy.cutNext(.init(.beforeAnswer, by: .reset, mark: "own"))
        let row = try await line.run(
            "doubtful", "{mark: own, asks: true}", keys: CutLine.explicit)
        #expect(row.state == .succeeded)
        #expect(try line.number("SELECT count(*) FROM effects WHERE mark = 'own'") == 1)
    }

    @Test("no policy does again by itself what may have been committed")
    func policy() {
        let doubt = PostgresError(.commitInDoubt, "x")
        var policy = RetryPolicy()
        policy.limit = 3
        #expect(policy.verdict(on: .failed(doubt), attempt: 1, of: UUID()) == .fail)
        policy.rules = [.init(action: .retry, errorTypes: ["CommitInDoubt"])]
        #expect(policy.verdict(on: .failed(doubt), attempt: 1, of: UUID()) != .fail)
    }
}

/// A runner whose every connection goes through a proxy that cuts some.
struct CutLine {
    let fixture: RunFixture
    let proxy: CuttingProxy
    private let runner: TaskRunner

    static let explicit = "transaction: explicit\nbackoffLimit: 2\nbackoff: {initial: 0s}"

    static var cuts: [(CuttingProxy.Moment, CuttingProxy.Manner)] {
        CuttingProxy.Moment.allCases.flatMap { moment in
            CuttingProxy.Manner.allCases.map { (moment, $0) }
        }
    }

    /// - Parameter cuts: made one after another, by a task that asks for the next before it works.
    init(cutting cuts: [CuttingProxy.Cut] = []) async throws {
        fixture = try await RunFixture(tasks: [])
        let proxy = try fixture.withConnection { connection in
            try connection.executeScript(Self.tables)
            return try CuttingProxy(to: connection)
        }
        let database = fixture.database.name
        CuttingTouch.plans.withLock { $0[database] = (proxy, cuts) }
        self.proxy = proxy
        runner = try await TaskRunner(
            fixture.database.connectionString + proxy.connectionKeywords,
            tasks: [DoubtfulTask.self, CuttingTouch.self])
    }

    /// A COMMIT takes as long as the row says.
    private static let tables = """
        CREATE TABLE effects (run_id uuid, mark text, delay_seconds float8);
        CREATE FUNCTION delay() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(NEW.delay_seconds); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER delay AFTER INSERT ON effects DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.delay_seconds > 0) EXECUTE FUNCTION delay();
        CREATE TABLE items (id int PRIMARY KEY, touched int NOT NULL DEFAULT 0);
        INSERT INTO items SELECT generate_series(1, 60);
        """

    func run(
        _ task: String, _ parameters: String,
        keys: String = "backoffLimit: 1\nbackoff: {initial: 0s}"
    ) async throws -> RunRecord {
        try await runner.run(task, parameters: parameters, job: keys)
    }

    func number(_ query: String) throws -> Int {
        try fixture.withConnection { connection in
            try connection.query("SELECT (\(SQL(raw: query)))::bigint AS n")[0].get("n")
        }
    }

    /// The keys of all runs.
    func ids() throws -> Set<UUID> {
        try fixture.withConnection { connection in
            Set(
                try connection.query("SELECT run_id FROM almanac.runs").map { try $0.get("run_id") }
            )
        }
    }
}

/// Writes one row of effects.
struct DoubtfulTask: BatchTask {
    static let name = "doubtful"
    var mark: String
    var delaySeconds: Double?
    /// Whether it asks for itself what became of its COMMIT.
    var asks: Bool?

    private static let notes = Mutex<[(stage: String, runID: UUID)]>([])

    /// How often each hook was called in some runs.
    static func hooks(in runs: Set<UUID>) -> [String: Int] {
        notes.withLock { notes in
            notes.filter { runs.contains($0.runID) }
                .reduce(into: [:]) { $0[$1.stage, default: 0] += 1 }
        }
    }

    func run(_ context: TaskContext) async throws {
        let mark: SQL = "SELECT \(context.runID), \(mark), \(delaySeconds ?? 0)"
        try context.session.execute("/* \(SQL(raw: self.mark)) */ INSERT INTO effects \(mark)")
        guard context.session.options.commitPolicy == .allowed else { return }
        do {
            try context.session.commit()
        } catch let error as PostgresError where error.code == .commitInDoubt && asks == true {
            guard try context.session.commitFate() == .committed else { throw error }
        }
    }

    func onSuccess(_ context: TaskContext) async throws { note("onSuccess", context) }

    func onRetry(_ context: TaskContext, error: any Error, next: NextAttempt) async throws {
        note("onRetry", context)
    }

    func onFailure(_ context: TaskContext, error: any Error) async throws {
        note("onFailure", context)
    }

    func afterReturn(_ context: TaskContext, outcome: TaskOutcome) async throws {
        note("afterReturn", context)
    }

    private func note(_ stage: String, _ context: TaskContext) {
        Self.notes.withLock { $0.append((stage, context.runID)) }
    }
}

/// Touches items chunk after chunk, and has the COMMIT of its chunks cut.
struct CuttingTouch: ChunkedTask {
    static let name = "touch-items"
    static let plans = Mutex<[String: (CuttingProxy, [CuttingProxy.Cut])]>([:])
    var batch: Int

    func step(_ context: TaskContext, from last: Int?) async throws -> Chunk<Int> {
        let first = (last ?? 0) + 1
        guard first <= 60 else { return .finished(done: 0) }
        let database = try context.session.scalar(
            "SELECT current_database()::text", as: String.self)
        Self.plans.withLock { plans in
            guard let (proxy, cuts) = plans[database], let cut = cuts.first, proxy.cut == nil else {
                return
            }
            proxy.cutNext(cut)
            plans[database]?.1.removeFirst()
        }
        let end = first + batch - 1
        try context.session.execute(
            "UPDATE items SET touched = touched + 1 WHERE id BETWEEN \(first) AND \(end)")
        return .more(from: end, done: batch)
    }
}

/// Cuts that a seed brings about again.
struct SeededMoments {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// A number from 0 (SplitMix64, Steele et al. 2014).
    mutating func next(below bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        mixed ^= mixed >> 31
        return Int(mixed % UInt64(bound))
    }

    mutating func cut(_ mark: String) -> CuttingProxy.Cut {
        let moments = CuttingProxy.Moment.allCases
        var cut = CuttingProxy.Cut(
            moments[next(below: moments.count)], by: next(below: 4) == 0 ? .silence : .reset,
            mark: mark)
        cut.silenceMilliseconds = 20 + next(below: 60)
        return cut
    }
}
