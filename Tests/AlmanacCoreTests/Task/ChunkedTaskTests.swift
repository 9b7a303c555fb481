import AlmanacTesting
import Foundation
import PostgresSession
import Synchronization
import Testing

@testable import AlmanacCore

@Suite("A task that works in chunks", .timeLimit(.minutes(3)))
struct ChunkedTaskTests {
    private func fixture(items: Int = 40) async throws -> RunFixture {
        let fixture = try await RunFixture(tasks: [TouchItems.self])
        try fixture.withConnection {
            try $0.executeScript(
                """
                CREATE TABLE items (id int8 PRIMARY KEY, touched int NOT NULL DEFAULT 0);
                INSERT INTO items (id) SELECT generate_series(1, \(items));
                """)
        }
        return fixture
    }

    @Test("does each item once, however often it fails or loses its connection in between")
    func random() async throws {
        let seed = UInt64.random(in: .min ... .max)
        print("ChunkedTaskTests: seed \(seed)")
        for round in 0..<10 {
            let fixture = try await fixture()
            let row = try await fixture.runner.run(
                "touch-items", parameters: "seed: \(seed &+ UInt64(round))\nmischief: 0.3",
                job: "backoffLimit: 1000\nbackoff: {initial: 0s}")
            #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
            let touched = try fixture.texts("SELECT DISTINCT touched::text FROM items")
            #expect(touched == ["1"], "seed \(seed), round \(round)")
            let progress = try #require(row.progress.flatMap(RunProgress.init(json:)))
            #expect(progress.done == 40)
            #expect(progress.total == 40)
            #expect(try fixture.leftovers().isEmpty)
        }
    }

    @Test("asks for the total once, before the first step of the occurrence")
    func total() async throws {
        let fixture = try await fixture()
        let row = try await fixture.runner.run(
            "touch-items", parameters: "seed: 1\nmischief: 0.5",
            job: "backoffLimit: 1000\nbackoff: {initial: 0s}")
        #expect(row.attempt > 1)
        let outputs = try fixture.texts(
            "SELECT coalesce(output, '') FROM almanac.runs WHERE output LIKE '%total%'")
        #expect(outputs.count <= 1 + row.attempt / 10, "\(outputs)")
    }

    @Test("is not tried again by a checkpoint that stands still")
    func standstill() async throws {
        let fixture = try await fixture()
        let row = try await fixture.runner.run(
            "touch-items", parameters: "seed: 1\nstandsStill: true")
        #expect(row.state == .failed)
        #expect(row.errorType == "ChunkError")
        #expect(row.errorMessage?.contains("ended at the checkpoint that it began with") == true)
        #expect(
            try fixture.texts("SELECT count(*)::text FROM items WHERE touched = 1") == ["5"])
    }

    @Test("says what to do with a checkpoint that it does not understand")
    func unreadable() async throws {
        let fixture = try await fixture()
        let job = try fixture.runner.makeJob(
            task: "touch-items", parameters: "seed: 1\nfailsAfter: 2",
            keys: "backoffLimit: 1\nbackoff: {initial: 0s}")
        let order = try await fixture.failOnce(job)
        _ = try fixture.withConnection {
            try $0.execute("UPDATE almanac.runs SET checkpoint = '\"x\"' WHERE attempt = 2")
        }
        let row = try await fixture.perform(order)
        #expect(row.errorType == "ChunkError")
        #expect(row.errorMessage?.contains("set the column checkpoint") == true)
    }

    @Test("commits no chunk once its run is no longer its node's")
    func fenced() async throws {
        let fixture = try await fixture()
        let row = try await fixture.runner.run(
            "touch-items", parameters: "seed: 1\nisGivenUpAt: 2")
        #expect(row.state == .orphaned)
        #expect(
            try fixture.texts("SELECT count(*)::text FROM items WHERE touched > 0") == ["10"])
        #expect(try fixture.texts("SELECT checkpoint::text FROM almanac.runs") == ["10"])
    }

    @Test("of an occurrence that somebody has run again goes on where the last attempt ended")
    func backfill() async throws {
        let fixture = try await fixture()
        let failing = try fixture.runner.makeJob(
            task: "touch-items", parameters: "seed: 1\nfailsAfter: 3")
        let row = try await fixture.perform(fixture.order(failing, attempt: 1))
        #expect(row.state == .failed)
        let job = try fixture.runner.makeJob(task: "touch-items", parameters: "seed: 1")
        let again = try await fixture.perform(fixture.queued(job, attempt: 2))
        #expect(again.state == .succeeded, "\(again.errorMessage ?? "")")
        let progress = try #require(again.progress.flatMap(RunProgress.init(json:)))
        #expect(progress.startedDone == 15)
        #expect(try fixture.texts("SELECT DISTINCT touched::text FROM items") == ["1"])
        // What has succeeded is done anew.
        let anew = try await fixture.perform(fixture.queued(job, attempt: 3))
        #expect(anew.progress.flatMap(RunProgress.init(json:))?.startedDone == 0)
        #expect(try fixture.texts("SELECT DISTINCT touched::text FROM items") == ["2"])
    }

    @Test("stopped between two steps keeps what is committed")
    func stopped() async throws {
        let fixture = try await fixture()
        let control = RunControl()
        TouchItems.controls.withLock { $0[fixture.name] = control }
        let named = try fixture.runner.makeJob(
            task: "touch-items", parameters: "seed: 1\nstopsAt: 2\nname: \(fixture.name)")
        let worker = Worker(number: 1, services: fixture.runner.services)
        let end = await fixture.runner.start(named, on: worker, control: control)
        await worker.stop()
        guard case .ran(let report) = end else {
            Issue.record("not run")
            return
        }
        #expect(report.state == .cancelled)
        #expect(
            try fixture.texts("SELECT count(*)::text FROM items WHERE touched = 1") == ["10"])
    }

    @Test("is refused with a transaction mode in which somebody else commits")
    func transaction() async throws {
        let fixture = try await fixture()
        for mode in ["explicit", "none"] {
            let error = #expect(throws: DiagnosticsError.self) {
                try fixture.runner.makeJob(
                    task: "touch-items", parameters: "seed: 1", keys: "transaction: \(mode)")
            }
            #expect(
                error?.diagnostics.first?.message.contains("works in chunks commits each") == true)
        }
    }

    @Test("tells who watches of each chunk")
    func watched() async throws {
        let fixture = try await fixture()
        var services = fixture.runner.services
        let seen = Box<[Int]>([])
        services.onProgress = { _, progress in seen.withLock { $0.append(progress.done) } }
        let job = try fixture.runner.makeJob(task: "touch-items", parameters: "seed: 1")
        let worker = Worker(number: 1, services: services)
        _ = await fixture.runner.start(job, on: worker)
        await worker.stop()
        #expect(seen.withLock { $0 } == Array(stride(from: 5, through: 40, by: 5)))
    }

    @Test("reckons its rate from where the attempt began")
    func rate() {
        var progress = RunProgress()
        progress.total = 1_000
        progress.advance(by: 100, after: 10)
        #expect(progress.perSecond == 10)
        #expect(progress.remainingSeconds == 90)
        #expect(progress.share == 0.1)
        var next = RunProgress(after: progress)
        #expect(next.done == 100 && next.startedDone == 100 && next.total == 1_000)
        #expect(next.perSecond == nil)
        next.advance(by: 1_000, after: 10)
        #expect(next.perSecond == 100)
        #expect(next.remainingSeconds == 0)
        #expect(next.share == 1)
        #expect(RunProgress(json: next.json) == next)
        #expect(RunProgress(json: "[]") == nil)
    }
}
