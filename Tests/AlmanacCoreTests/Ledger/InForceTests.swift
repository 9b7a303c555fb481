import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling
import Testing

@testable import AlmanacCore

/// A node that has a schedule of one job or none, which it once put in force.
private struct OldNode {
    let fixture: LedgerFixture
    let connection: Connection
    var job: JobDefinition
    var mandate: Mandate

    init(_ fixture: LedgerFixture, _ keys: String = "") throws {
        self.fixture = fixture
        connection = try fixture.connect()
        (job, mandate) = try fixture.putInForce(keys)
    }

    func order(at seconds: Int64, runID: UUID = UUID(), isQueued: Bool = false) -> RunOrder {
        RunOrder(
            identity: RunIdentity(
                runID: runID, job: "job",
                scheduledFor: Date(timeIntervalSince1970: Double(seconds)), trigger: .schedule,
                node: "old"),
            job: job, worker: 1, version: mandate.version, effects: .database, isQueued: isQueued,
            definitionDigest: mandate.definitionDigest)
    }

    func claim(at seconds: Int64) throws -> String {
        try fixture.services.ledger.claim(
            order(at: seconds), clock: fixture.services.clock, on: connection
        ).kind
    }

    func end(_ state: String = "cancelled") throws {
        try connection.execute(
            """
            UPDATE almanac.runs SET state = \(state), finished_at = clock_timestamp(), \
            error_type = 'Test' WHERE state = 'running'
            """)
    }

    /// What becomes of an attempt to write something.
    func outcome(_ body: () throws -> Void) throws -> String {
        do {
            try body()
            return "written"
        } catch is DefinitionNotInForce {
            return "stale"
        }
    }
}

extension LedgerFixture {
    fileprivate func job(_ name: String = "job", keys: String) throws -> JobDefinition {
        try runner.makeJob(
            task: "probe", parameters: "{journal: x, deed: succeed}", keys: keys, name: name)
    }

    /// Puts the job in force, over a connection of its own.
    @discardableResult
    fileprivate func putInForce(_ keys: String) throws -> (JobDefinition, Mandate) {
        let connection = try connect()
        defer { connection.close() }
        let job = try job(keys: keys)
        let activation = try services.ledger.activate(
            Schedule(jobs: [job], files: []), on: connection)
        // The tests are about instants of the first minutes of 1970.
        try letAccountsBegin(at: 0, on: connection)
        let mandate = Mandate(
            version: activation.version, definitionDigest: activation.definitionDigests["job"])
        return (job, mandate)
    }

    fileprivate func putInForce(_ jobs: [JobDefinition]) throws {
        let connection = try connect()
        defer { connection.close() }
        try activate(jobs, on: connection)
        try letAccountsBegin(at: 0, on: connection)
    }

    fileprivate func letAccountsBegin(at seconds: Int, on connection: Connection) throws {
        try connection.execute(
            "UPDATE almanac.accounts SET accounted_from = to_timestamp(\(seconds))")
    }
}

@Suite("What a node with an older schedule may write", .timeLimit(.minutes(2)))
struct InForceTests {
    /// What another node puts in force, and whether the job is the same there.
    static let changes: [(keys: String?, isSame: Bool)] = [
        ("", true), ("description: other words", true), ("owner: somebody else", true),
        ("labels: {team: b}", true), ("activeDeadlineSeconds: 7", false),
        ("backoffLimit: 3", false), ("timeZone: Europe/Berlin", false), ("suspend: true", false),
        ("concurrencyPolicy: Allow", false), ("transaction: explicit", false), (nil, false),
    ]

    @Test("claims, skips and queues what is the same in the schedule in force", arguments: changes)
    func change(keys: String?, isSame: Bool) async throws {
        let fixture = try await LedgerFixture()
        let node = try OldNode(fixture)
        let ledger = fixture.services.ledger
        let connection = node.connection
        let other = try fixture.job("other", keys: "")
        let new = try keys.map { try fixture.job(keys: $0) }
        try fixture.putInForce((new.map { [$0] } ?? []) + [other])

        #expect(try node.claim(at: 60) == (isSame ? "claimed" : "stale"))
        try node.end()
        let skips = SkippedOccurrences(
            job: "job", first: Instant(secondsSinceEpoch: 61), last: Instant(secondsSinceEpoch: 61),
            count: 1, reason: .coalesced, instants: [Instant(secondsSinceEpoch: 61)])
        let skipped = try node.outcome {
            try ledger.recordSkips(skips, task: "probe", by: node.mandate, on: connection)
        }
        #expect(skipped == (isSame ? "written" : "stale"))
        let occurrence = Occurrence(job: "job", scheduledFor: Instant(secondsSinceEpoch: 62))
        let entry = QueueEntry(job: node.job, occurrences: [occurrence], obstacle: "turn")
        let queued = try node.outcome {
            try ledger.enqueue(entry, by: node.mandate, on: connection)
        }
        #expect(queued == (isSame ? "written" : "stale"))
        let rows = try connection.query(
            "SELECT count(*) AS n FROM almanac.runs WHERE job = 'job'"
        ).first?.get("n", as: Int.self)
        #expect(rows == (isSame ? 3 : 0))
    }

    @Test("leaves a queued run to others when its job has changed or gone", arguments: changes)
    func queued(keys: String?, isSame: Bool) async throws {
        let fixture = try await LedgerFixture()
        let node = try OldNode(fixture)
        let runID = try fixture.enqueue(QueuedRow(), on: node.connection)
        try fixture.putInForce(try keys.map { [try fixture.job(keys: $0)] } ?? [])
        let result = try fixture.services.ledger.claim(
            node.order(at: 60, runID: runID, isQueued: true), clock: fixture.services.clock,
            on: node.connection)
        #expect(result.kind == (isSame ? "claimed" : "stale"))
    }

    @Test(
        "writes nothing of what would become of the occurrence either",
        arguments: ["", "concurrencyPolicy: Queue", "concurrencyPolicy: Replace"])
    func obstacles(keys: String) async throws {
        let fixture = try await LedgerFixture()
        let node = try OldNode(fixture, keys)
        // A run of the job goes on, and it is paused.
        #expect(try node.claim(at: 60) == "claimed")
        let ledger = fixture.services.ledger
        _ = try ledger.pause(["job"], by: "test", note: "x", on: node.connection)
        try fixture.putInForce([try fixture.job(keys: keys + "\nactiveDeadlineSeconds: 7")])
        #expect(try node.claim(at: 61) == "stale")
        _ = try ledger.resume(["job"], on: node.connection)
        #expect(try node.claim(at: 61) == "stale")
        #expect(try fixture.states(on: node.connection) == ["running"])
    }

    /// By an older schedule, or by the newest: of an instant before the account of the job begins,
    /// and of later ones.
    @Test(
        "accounts by an older schedule only from the beginning of a job's account on",
        arguments: [(60, false), (100, false), (101, true)], [true, false])
    func beginning(of found: (seconds: Int64, isAfter: Bool), isOld: Bool) async throws {
        let fixture = try await LedgerFixture()
        let node = try OldNode(fixture)
        // Other times for a while, and then the same again; or nothing has changed.
        if isOld {
            try fixture.putInForce([try fixture.job(keys: "timeZone: Europe/Berlin")])
            try fixture.putInForce([node.job])
        }
        let (ledger, connection) = (fixture.services.ledger, node.connection)
        try fixture.letAccountsBegin(at: 100, on: connection)
        let isWritten = found.isAfter || !isOld
        #expect(try node.claim(at: found.seconds) == (isWritten ? "claimed" : "stale"))
        try node.end()
        let outcome = isWritten ? "written" : "stale"
        let first = Instant(secondsSinceEpoch: found.seconds)
        let range = SkippedOccurrences(
            job: "job", first: first, last: first.advanced(bySeconds: 7_200), count: 3,
            reason: .coalesced, instants: nil)
        let skipped = try node.outcome {
            try ledger.recordSkips(range, task: "probe", by: node.mandate, on: connection)
        }
        #expect(skipped == outcome)
        let entry = QueueEntry(
            job: node.job,
            occurrences: [first.advanced(bySeconds: 9_000), first].map {
                Occurrence(job: "job", scheduledFor: $0)
            }, obstacle: "turn")
        let queued = try node.outcome {
            try ledger.enqueue(entry, by: node.mandate, on: connection)
        }
        #expect(queued == outcome)
    }

    @Test("a queued run is claimed whatever the account: it has its row")
    func queuedBefore() async throws {
        let fixture = try await LedgerFixture()
        let node = try OldNode(fixture)
        let runID = try fixture.enqueue(QueuedRow(), on: node.connection)
        try fixture.putInForce([node.job, try fixture.job("other", keys: "")])
        try fixture.letAccountsBegin(at: 100, on: node.connection)
        let result = try fixture.services.ledger.claim(
            node.order(at: 60, runID: runID, isQueued: true), clock: fixture.services.clock,
            on: node.connection)
        #expect(result.kind == "claimed")
    }

    @Test("what was taken is taken, also of a job that has changed")
    func taken() async throws {
        let fixture = try await LedgerFixture()
        let node = try OldNode(fixture)
        #expect(try node.claim(at: 60) == "claimed")
        try fixture.putInForce([])
        #expect(try node.claim(at: 60) == "taken running")
    }

    @Test("a slot of a pool that was taken for nothing is free again")
    func pool() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        let other = try fixture.connect()
        var job = try fixture.job(keys: "")
        job.dispatch.pool = PoolUse(name: "p", slots: 1, position: job.position)
        try fixture.activate([job], on: connection)
        let digest = job.definitionDigest
        var larger = job
        larger.dispatch.pool?.slots = 2
        #expect(digest != larger.definitionDigest)
        try fixture.activate([larger], on: other)
        let order = RunOrder(
            identity: fixture.order(job, at: 60).identity, job: job, worker: 1, version: 1,
            effects: .database, definitionDigest: digest)
        let ledger = fixture.services.ledger
        let clock = fixture.services.clock
        #expect(try ledger.claim(order, clock: clock, on: connection).kind == "stale")
        let locks = try connection.query(
            """
            SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' \
            AND pid = pg_backend_pid()
            """
        ).first?.get("n", as: Int.self)
        #expect(locks == 0)
    }

    @Test("the newest schedule accounts also for jobs that it has no more")
    func newest() async throws {
        let fixture = try await LedgerFixture()
        let node = try OldNode(fixture)
        let connection = node.connection
        let ledger = fixture.services.ledger
        let activation = try ledger.activate(Schedule(jobs: [], files: []), on: connection)
        let instant = Instant(secondsSinceEpoch: 61)
        let skips = SkippedOccurrences(
            job: "job", first: instant, last: instant, count: 1, reason: .superseded,
            instants: [instant])
        let mandate = Mandate(version: activation.version, definitionDigest: nil)
        #expect(
            try node.outcome {
                try ledger.recordSkips(skips, task: "probe", by: mandate, on: connection)
            } == "written")
        #expect(try fixture.states(on: connection) == ["skipped superseded"])
    }

    @Test(
        "100 activations at the moment of a claim: the old node has it or the new one, never both")
    func race() async throws {
        let fixture = try await LedgerFixture()
        let keys = ["activeDeadlineSeconds: 7", "activeDeadlineSeconds: 8"]
        var before = try OldNode(fixture, keys[0])
        let connection = before.connection
        var ends: [String: Int] = [:]
        for round in 1...100 {
            async let activated = fixture.putInForce(keys[round % 2])
            let early = try before.claim(at: Int64(round))
            var new = before
            (new.job, new.mandate) = try await activated
            if early == "claimed" { try new.end() }
            // Once it is in force, nothing of the old one is.
            #expect(try before.claim(at: Int64(1_000 + round)) == "stale")
            let late = try new.claim(at: Int64(round))
            if late == "claimed" { try new.end() }
            #expect(
                [["claimed", "taken cancelled"], ["stale", "claimed"]].contains([early, late]),
                "round \(round): \(early), \(late)")
            ends[early, default: 0] += 1
            before = new
        }
        let rows = try connection.query("SELECT count(*) AS n FROM almanac.runs")
            .first?.get("n", as: Int.self)
        #expect(rows == 100, "\(ends)")
    }

    @Test("the digest of each definition is kept, also where the rest of the account stays")
    func digests() async throws {
        let fixture = try await LedgerFixture()
        let node = try OldNode(fixture)
        let connection = node.connection
        // As an upgrade from a schema without digests leaves it.
        try connection.execute("UPDATE almanac.accounts SET definition_digest = NULL")
        #expect(try node.claim(at: 60) == "stale")
        try fixture.putInForce([node.job])
        #expect(try node.claim(at: 60) == "claimed")
        let kept = try connection.query("SELECT definition_digest AS d FROM almanac.accounts")
            .map { try $0.get("d", as: String.self) }
        #expect(kept == [node.job.definitionDigest])
    }

    @Test("tells which jobs differ from those of a node")
    func difference() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let names = ["a", "b", "c"]
        let jobs = try names.map { try fixture.job($0, keys: "") }
        try fixture.activate(jobs, on: connection)
        let ledger = fixture.services.ledger
        let mine = ["b": jobs[1].definitionDigest, "c": "another", "d": "gone"]
        #expect(
            try ledger.difference(from: mine, on: connection)
                == ScheduleChange(added: ["a"], removed: ["d"], changed: ["c"]))
    }

    @Test(
        "puts a schedule in force after a certain one only where no other came between them",
        arguments: [(1, "overtaken"), (2, "version 3"), (nil, "version 3")] as [(Int64?, String)])
    func overtaken(before: Int64?, result: String) async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let ledger = fixture.services.ledger
        func activate(_ names: [String], after before: Int64? = nil) throws -> String {
            let jobs = try names.map { try fixture.job($0, keys: "") }
            do {
                let activation = try ledger.activate(
                    Schedule(jobs: jobs, files: []), after: before, on: connection)
                return "version \(activation.version)"
            } catch is ScheduleOvertaken {
                return "overtaken"
            }
        }
        #expect(try activate(["a"]) == "version 1")
        #expect(try activate(["b"]) == "version 2")
        // What is in force already may be put in force whatever was known before.
        #expect(try activate(["b"], after: 1) == "version 2")
        #expect(try activate(["a"], after: before) == result)
        let jobs = try connection.query(
            "SELECT job FROM almanac.accounts WHERE removed_at IS NULL"
        ).map { try $0.get("job", as: String.self) }
        #expect(jobs == [result == "overtaken" ? "b" : "a"])
    }
}
