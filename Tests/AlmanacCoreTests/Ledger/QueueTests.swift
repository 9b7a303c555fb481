import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@testable import AlmanacCore

@Suite("The queue", .timeLimit(.minutes(3)))
struct QueueTests {
    /// Jobs in force that anybody may queue runs of, and a connection.
    private static func with(
        _ keys: [String: String] = ["job": ""],
        body: (LedgerFixture, [String: JobDefinition], Connection) throws -> Void
    ) async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        let jobs = try keys.keys.sorted().map { name in
            try fixture.runner.makeJob(
                task: "probe", parameters: "{journal: x, deed: succeed}", keys: keys[name] ?? "",
                name: name)
        }
        try fixture.activate(jobs, on: connection)
        try body(fixture, Dictionary(uniqueKeysWithValues: jobs.map { ($0.name, $0) }), connection)
    }

    @Test("a look gives any row that is queued and due, whoever has queued it", arguments: [1, 2])
    func looks(attempt: Int) async throws {
        try await Self.with { fixture, _, connection in
            try fixture.enqueue(QueuedRow(trigger: .manual, attempt: attempt), on: connection)
            #expect(try fixture.look(on: connection) == ["job 60"])
        }
    }

    @Test("a look gives nothing that is held, not due, claimed or awaited by a process")
    func notYet() async throws {
        try await Self.with { fixture, _, connection in
            try fixture.enqueue(QueuedRow(seconds: 60, isHeld: true), on: connection)
            try fixture.enqueue(QueuedRow(seconds: 61, dueInSeconds: 60), on: connection)
            let owned = try fixture.enqueue(QueuedRow(seconds: 62), on: connection)
            try connection.execute(
                "UPDATE almanac.runs SET backend_pid = 1, node = 'n' WHERE run_id = \(owned)")
            #expect(try fixture.look(on: connection) == [])
            #expect(
                try fixture.queueRows(on: connection) == [
                    "job 60 queued decision", "job 61 queued", "job 62 queued",
                ])
        }
    }

    @Test("of the runs of a job one is given, retries first, then by priority, then by its instant")
    func oneOfAJob() async throws {
        try await Self.with { fixture, jobs, connection in
            try fixture.enqueue(QueuedRow(seconds: 62), on: connection)
            try fixture.enqueue(QueuedRow(seconds: 61), on: connection)
            try fixture.enqueue(QueuedRow(seconds: 63, priority: 1), on: connection)
            let retry = try fixture.enqueue(QueuedRow(seconds: 64, attempt: 2), on: connection)
            var given: [[String]] = []
            for _ in 1...4 {
                let due = try fixture.services.ledger.queue(awaited: [], on: connection).due
                given.append(due.map { "\(Int($0.scheduledFor.timeIntervalSince1970))" })
                guard let job = jobs["job"], let first = due.first,
                    case .claimed(let run) = try fixture.claim(
                        fixture.order(for: first.runID, of: job), on: connection)
                else { break }
                #expect(try fixture.look(on: connection) == [], "one runs")
                _ = try fixture.fail(run, on: connection)
            }
            #expect(given == [["64"], ["63"], ["61"], ["62"]])
            #expect(try fixture.runner.row(of: retry).state == .failed)
        }
    }

    @Test("runs of different jobs, and those of a job that allows overlap, are given together")
    func together() async throws {
        let keys = ["a": "", "b": "", "c": "concurrencyPolicy: Allow"]
        try await Self.with(keys) { fixture, _, connection in
            for (index, job) in ["a", "b", "b", "c", "c"].enumerated() {
                try fixture.enqueue(
                    QueuedRow(job: job, seconds: Int64(60 + index), isExclusive: job != "c"),
                    on: connection)
            }
            #expect(try fixture.look(on: connection) == ["a 60", "b 61", "c 63", "c 64"])
            #expect(try fixture.services.ledger.queue(awaited: [], on: connection).isPending)
        }
    }

    @Test("a claim that meets another run of the job leaves the row in the queue")
    func turn() async throws {
        try await Self.with { fixture, jobs, connection in
            let job = try #require(jobs["job"])
            let queued = try fixture.enqueue(QueuedRow(), on: connection)
            guard
                case .claimed(let run) = try fixture.claim(
                    fixture.order(job, at: 30), on: connection)
            else {
                Issue.record("not claimed")
                return
            }
            let order = try fixture.order(for: queued, of: job)
            #expect(try fixture.claim(order, on: connection).kind == "waits turn")
            #expect(try fixture.look(on: connection) == [])
            #expect(try fixture.queueRows(on: connection).last == "job 60 queued turn")
            _ = try fixture.fail(run, on: connection)
            #expect(try fixture.look(on: connection) == ["job 60"])
            #expect(try fixture.claim(order, on: connection).kind == "claimed")
        }
    }

    @Test("a row that is held or has ended since the look is not claimed")
    func late() async throws {
        try await Self.with { fixture, jobs, connection in
            let job = try #require(jobs["job"])
            let held = try fixture.enqueue(QueuedRow(isHeld: true), on: connection)
            #expect(
                try fixture.claim(fixture.order(for: held, of: job), on: connection).kind
                    == "waits turn")
            let order = try fixture.order(for: held, of: job)
            _ = try fixture.services.ledger.requestCancel(
                of: held, by: "ada", because: "no", on: connection)
            #expect(try fixture.claim(order, on: connection).kind == "taken cancelled")
        }
    }

    @Test("parameters given with the request count before the job's, in the run and in its row")
    func overrides() async throws {
        try await Self.with { fixture, jobs, connection in
            let job = try #require(jobs["job"])
            let queued = try fixture.enqueue(
                QueuedRow(trigger: .manual, overrides: #"{"deed": "fail", "more": [1]}"#),
                on: connection)
            guard
                case .claimed(let run) = try fixture.claim(
                    fixture.order(for: queued, of: job), on: connection)
            else {
                Issue.record("not claimed")
                return
            }
            #expect(run.overrides == #"{"deed": "fail", "more": [1]}"#)
            let row = try fixture.runner.row(of: queued)
            #expect(row.parameters == #"{"deed": "fail", "more": [1], "journal": "x"}"#)
            let merged = try job.parameters.overridden(by: run.overrides)
            #expect(CanonicalJSON(merged).rendered == #"{"deed":"fail","journal":"x","more":[1]}"#)
            #expect(try job.parameters.overridden(by: nil) == job.parameters)
        }
    }

    @Test("a backfill has as many runs at once as it may, however many nodes claim")
    func backfill() async throws {
        try await Self.with(["job": "concurrencyPolicy: Allow"]) { fixture, jobs, connection in
            let job = try #require(jobs["job"])
            let range = UUID()
            try connection.execute(
                """
                INSERT INTO almanac.backfills (backfill, job, first, last, reprocess, max_active, \
                requested_by) VALUES (\(range), 'job', to_timestamp(60), to_timestamp(64), 'none', \
                2, 'ada')
                """)
            let rows = try (60...64).map { second in
                try fixture.enqueue(
                    QueuedRow(
                        seconds: Int64(second), trigger: .backfill, backfill: range,
                        isExclusive: false), on: connection)
            }
            #expect(try fixture.look(on: connection) == ["job 60", "job 61"])
            var kinds: [String] = []
            for row in rows {
                kinds.append(
                    try fixture.claim(fixture.order(for: row, of: job), on: connection).kind)
            }
            #expect(kinds == ["claimed", "claimed", "waits turn", "waits turn", "waits turn"])
            #expect(try fixture.look(on: connection) == [])
        }
    }

    /// What is to become of a queued row of each trigger.
    struct Fate: Sendable, CustomTestStringConvertible {
        let event: String
        let change: String
        let trigger: RunTrigger
        let row: String
        var testDescription: String { "\(event), \(trigger.rawValue)" }
    }

    @Test(
        "what is suspended, paused or removed while it waits",
        arguments: [
            Fate(
                event: "suspended", change: "suspend", trigger: .schedule,
                row: "job 60 skipped suspended"),
            Fate(
                event: "suspended", change: "suspend", trigger: .catchUp,
                row: "job 60 skipped suspended"),
            Fate(event: "suspended", change: "suspend", trigger: .manual, row: "job 60 queued"),
            Fate(event: "suspended", change: "suspend", trigger: .backfill, row: "job 60 queued"),
            Fate(
                event: "paused", change: "pause", trigger: .schedule, row: "job 60 queued resume"),
            Fate(event: "paused", change: "pause", trigger: .catchUp, row: "job 60 queued resume"),
            Fate(event: "paused", change: "pause", trigger: .manual, row: "job 60 queued"),
            Fate(event: "paused", change: "pause", trigger: .backfill, row: "job 60 queued"),
            Fate(
                event: "removed", change: "remove", trigger: .schedule,
                row: "job 60 skipped superseded"),
            Fate(
                event: "removed", change: "remove", trigger: .manual,
                row: "job 60 skipped superseded"),
        ])
    func fates(fate: Fate) async throws {
        try await Self.with { fixture, _, connection in
            try fixture.enqueue(QueuedRow(trigger: fate.trigger), on: connection)
            switch fate.change {
            case "pause":
                try connection.execute(
                    "INSERT INTO almanac.pauses (job, paused_by, note) VALUES ('job', 'a', 'b')")
            case "remove": try fixture.activate([], on: connection)
            default:
                let suspended = try fixture.runner.makeJob(
                    task: "probe", parameters: "{journal: x, deed: succeed}", keys: "suspend: true")
                try fixture.activate([suspended], on: connection)
            }
            let isGiven = !fate.row.hasSuffix("resume") && !fate.row.contains("skipped")
            #expect(try fixture.look(on: connection) == (isGiven ? ["job 60"] : []))
            #expect(try fixture.queueRows(on: connection) == [fate.row])
            #expect(!(try fixture.services.ledger.queue(awaited: [], on: connection).isPending))
        }
    }

    @Test("a row that was to start by now is skipped, and says what it waited for")
    func deadline() async throws {
        try await Self.with { fixture, _, connection in
            let row = try fixture.enqueue(QueuedRow(startByInSeconds: -1), on: connection)
            try fixture.enqueue(QueuedRow(seconds: 61, startByInSeconds: 60), on: connection)
            try connection.execute(
                "UPDATE almanac.runs SET waits_for = 'turn' WHERE run_id = \(row)")
            #expect(try fixture.look(on: connection) == ["job 61"])
            #expect(
                try fixture.queueRows(on: connection) == [
                    "job 60 skipped deadline", "job 61 queued",
                ])
            let note = try #require(try fixture.runner.row(of: row).errorMessage)
            #expect(note.hasPrefix("it waited for turn and was to start by "))
        }
    }

    @Test("an occurrence of a paused job is skipped with the note; what is asked for runs")
    func pauses() async throws {
        try await Self.with { fixture, jobs, connection in
            let job = try #require(jobs["job"])
            try connection.execute(
                "INSERT INTO almanac.pauses (job, paused_by, note) VALUES ('job', 'ada', 'move')")
            #expect(
                try fixture.claim(fixture.order(job, at: 60), on: connection).kind
                    == "skipped paused")
            let note = try #require(
                try connection.query("SELECT error_message FROM almanac.runs").first?
                    .get("error_message", as: String?.self))
            #expect(note.hasPrefix("paused by ada since ") && note.hasSuffix(": move"))
            #expect(
                try fixture.claim(fixture.order(job, at: 60), on: connection).kind
                    == "taken skipped")
            let plain = fixture.order(job, at: 90)
            let exec = RunOrder(
                identity: RunIdentity(
                    runID: UUID(), job: "job", scheduledFor: plain.identity.scheduledFor,
                    trigger: .exec, node: "n"),
                job: job, worker: 1, version: nil, effects: .database)
            #expect(try fixture.claim(exec, on: connection).kind == "claimed")
        }
    }
}
