import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@testable import AlmanacCore

@Suite("A run that is tried again", .timeLimit(.minutes(2)))
struct RetryLifecycleTests {
    @Test("has all stages in each attempt, under a run id of its own, and is clean in between")
    func stages() async throws {
        let fixture = try await RunFixture(tasks: [FlakyTask.self])
        let row = try await fixture.runFlaky([.insertAndFail, .succeed])
        #expect(row.state == .succeeded)
        #expect(row.attempt == 2)
        #expect(row.attemptOfAll == "2/3")
        let entries = Journal.of(fixture.name)
        #expect(
            entries.map(\.stage) == [
                "1 beforeStart", "1 run", "1 onRetry: after the insert, then 2 of 3",
                "1 afterReturn: failed, retrying", "2 beforeStart", "2 run", "2 onSuccess",
                "2 afterReturn: succeeded, over",
            ])
        #expect(Set(entries.prefix(4).map(\.runID)).count == 1)
        #expect(Set(entries.suffix(4).map(\.runID)) == [row.runID])
        #expect(try fixture.attempts() == ["1 failed ProbeError", "2 succeeded"])
        #expect(try fixture.marks().isEmpty)
        #expect(try fixture.leftovers().isEmpty)
    }

    @Test("fails in the end with the last error, after as many attempts as there may be")
    func exhausted() async throws {
        let fixture = try await RunFixture(tasks: [FlakyTask.self])
        let row = try await fixture.runFlaky([.fail])
        #expect(row.errorMessage == "attempt 3")
        #expect(
            try fixture.attempts() == [
                "1 failed ProbeError", "2 failed ProbeError", "3 failed ProbeError",
            ])
        #expect(
            Journal.stages(fixture.name).suffix(2) == [
                "3 onFailure: attempt 3", "3 afterReturn: failed, over",
            ])
    }

    @Test("without a limit has one attempt, whatever the task asks for")
    func noLimit() async throws {
        let fixture = try await RunFixture(tasks: [FlakyTask.self])
        let row = try await fixture.runFlaky([.retryLater], limit: 0)
        #expect(row.state == .failed)
        #expect(row.errorType == "Retry")
        #expect(row.attemptOfAll == nil)
        #expect(try fixture.attempts() == ["1 failed Retry"])
    }

    @Test(
        "is given up at once where another attempt cannot help",
        arguments: [
            (FlakyTask.Deed.reject, "failed Reject", "onFailure: never will"),
            (.divide, "failed ServerError", "onFailure: "),
            (.ignore, "skipped ignored", "afterReturn: skipped, over"),
        ])
    func final(deed: FlakyTask.Deed, row: String, stage: String) async throws {
        let fixture = try await RunFixture(tasks: [FlakyTask.self])
        _ = try await fixture.runFlaky([.fail, deed])
        #expect(try fixture.attempts() == ["1 failed ProbeError", "2 \(row)"])
        let stages = Journal.stages(fixture.name)
        #expect(stages.contains { $0.hasPrefix("2 \(stage)") }, "\(stages)")
        #expect(stages.last?.hasPrefix("2 afterReturn") == true)
        #expect(try fixture.leftovers().isEmpty)
    }

    @Test("by a rule is a skip, with what was thrown as its reason")
    func ignoredByRule() async throws {
        let fixture = try await RunFixture(tasks: [FlakyTask.self])
        let row = try await fixture.runFlaky(
            [.fail], job: "retryPolicy: {rules: [{action: Ignore, errorTypes: [ProbeError]}]}")
        #expect(row.state == .skipped)
        #expect(row.reason == "ignored")
        #expect(row.errorMessage == "attempt 1")
        #expect(
            Journal.stages(fixture.name) == [
                "1 beforeStart", "1 run", "1 afterReturn: skipped, over",
            ])
    }

    @Test("at its deadline may be tried again, and stays timed_out")
    func deadline() async throws {
        let fixture = try await RunFixture(tasks: [FlakyTask.self])
        let row = try await fixture.runFlaky(
            [.sleepInSQL, .succeed], job: "activeDeadlineSeconds: 1")
        #expect(row.state == .succeeded)
        let attempts = try fixture.attempts()
        #expect(attempts.first?.hasPrefix("1 timed_out") == true)
        #expect(Journal.stages(fixture.name).contains("1 afterReturn: timed_out, retrying"))
    }

    @Test(
        "keeps its outcome when a hook throws, and the next attempt comes all the same",
        arguments: ["onRetry", "afterReturn"])
    func failingHook(stage: String) async throws {
        let fixture = try await RunFixture(tasks: [FlakyTask.self])
        _ = try await fixture.runFlaky([.fail, .succeed], failing: stage)
        #expect(try fixture.attempts() == ["1 failed ProbeError", "2 succeeded"])
        let errors = try fixture.withConnection { connection in
            try connection.query(
                "SELECT hook_error FROM almanac.runs WHERE attempt = 1 AND hook_error IS NOT NULL"
            ).map { try $0.get(at: 0, as: String.self) }
        }
        #expect(errors == ["\(stage): \(stage) failed"])
        #expect(Journal.stages(fixture.name).contains("1 afterReturn: failed, retrying"))
        #expect(try fixture.leftovers().isEmpty)
    }

    @Test(
        "has given back every lock before the next attempt can start",
        arguments: [FlakyTask.Deed.updateAndRetry, .lose])
    func locks(deed: FlakyTask.Deed) async throws {
        let fixture = try await RunFixture(tasks: [FlakyTask.self])
        _ = try fixture.withConnection { try $0.execute("INSERT INTO marks VALUES ('row')") }
        let row = try await fixture.runFlaky([deed, .update])
        #expect(row.state == .succeeded)
        #expect(try fixture.marks() == ["row!"])
        let took = row.durationMilliseconds ?? .max
        #expect(took < 1_000, "\(took) ms")
    }

    @Test("shows others nothing of its locks, of rows or of the session, once its row says queued")
    func locksFromOutside() async throws {
        let fixture = try await RunFixture(tasks: [LockTask.self])
        _ = try fixture.withConnection { try $0.execute("INSERT INTO marks VALUES ('row')") }
        let row = try await fixture.runner.run(
            "lock", job: "backoffLimit: 1\nbackoff: {initial: 0s}")
        #expect(row.state == .succeeded)
        #expect(row.output == nil)
        let hookErrors = try fixture.withConnection { connection in
            try connection.query(
                "SELECT coalesce(hook_error, 'none') FROM almanac.runs ORDER BY attempt"
            ).map { try $0.get(at: 0, as: String.self) }
        }
        #expect(hookErrors == ["none", "none"])
    }
}

/// Takes locks in its first attempt, and looks in `onRetry` from another session whether they are
/// gone: at that time the next attempt can start.
private struct LockTask: BatchTask {
    static let name = "lock"

    func run(_ context: TaskContext) async throws {
        guard context.attempt == 1 else { return }
        try context.session.execute("UPDATE marks SET mark = 'locked'")
        _ = try context.session.scalar("SELECT pg_advisory_lock(815)::text", as: String.self)
        throw ProbeError(description: "with locks")
    }

    func onRetry(_ context: TaskContext, error: any Error, next: NextAttempt) async throws {
        let other = try Connection(EngineConfiguration(context.connectionString))
        defer { other.close() }
        try other.execute("SET lock_timeout = '500ms'")
        try other.execute("UPDATE marks SET mark = mark")
        let rows = try other.query("SELECT pg_try_advisory_lock(815)::text AS got")
        guard try rows.first?.get("got", as: String.self) == "true" else {
            throw ProbeError(description: "the advisory lock is still held")
        }
    }
}
