import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@testable import AlmanacCore

private typealias Row = NotifyFixture.Row

@Suite("Outcomes that somebody is told of")
struct NotedOutcomeTests {
    private static let failure = ["failure", "pager"]

    @Test(
        "an outcome is noted for the channels of its event",
        arguments: [
            (Row(), ["success succeeded success"]),
            (Row(state: "failed"), failure.map { "failure failed \($0)" }),
            (
                Row(state: "failed", reason: "expectation"),
                failure.map { "failure expectation \($0)" }
            ),
            (Row(state: "timed_out"), failure.map { "failure timed_out \($0)" }),
            (Row(state: "orphaned"), failure.map { "failure orphaned \($0)" }),
            (Row(state: "cancelled"), failure.map { "failure cancelled \($0)" }),
            (Row(state: "cancelled", isCancelAsked: true), []),
            (Row(state: "queued"), []), (Row(state: "running"), []),
            (Row(state: "failed", trigger: "manual"), failure.map { "failure failed \($0)" }),
        ])
    fileprivate func outcomes(row: Row, expected: [String]) async throws {
        let fixture = try await NotifyFixture()
        defer { fixture.close() }
        try fixture.write(row)
        #expect(try fixture.noted() == expected)
    }

    @Test(
        "of what did not run it is noted what should have",
        arguments: [
            ("overlap", true), ("deadline", true), ("coalesced", true), ("dependency", true),
            ("backlog", true), ("suspended", false), ("paused", false), ("excluded", false),
            ("dst-gap", false), ("ignored", false), ("superseded", false),
        ])
    func skips(reason: String, isTold: Bool) async throws {
        let fixture = try await NotifyFixture()
        defer { fixture.close() }
        try fixture.write(Row(state: "skipped", reason: reason))
        #expect(try fixture.noted() == (isTold ? ["missed \(reason) missed"] : []))
    }

    @Test("a failure that is followed by another attempt is none, the last one is")
    func attempts() async throws {
        let fixture = try await NotifyFixture()
        defer { fixture.close() }
        for trigger in ["schedule", "manual"] {
            let first = try fixture.write(Row(state: "running", trigger: trigger))
            try fixture.write(Row(state: "queued", attempt: 2, trigger: trigger))
            try fixture.end(first, Row(state: "failed", trigger: trigger))
            #expect(try fixture.noted().isEmpty, "\(trigger)")
            try fixture.write(Row(state: "failed", attempt: 3, trigger: trigger))
            #expect(try fixture.noted().count == 2, "\(trigger)")
            try fixture.forget()
            try fixture.connection.execute("DELETE FROM almanac.runs")
        }
    }

    @Test("by the real statements: an attempt that is queued with the failure keeps it quiet")
    func statements() async throws {
        let fixture = try await NotifyFixture()
        defer { fixture.close() }
        let services = fixture.fixture.services
        let job = try fixture.fixture.runner.makeJob(
            task: "probe", parameters: "{journal: x, deed: fail}",
            keys: "backoffLimit: 1\nbackoff: {initial: 0s}", name: "nightly")
        let result = try services.ledger.claim(
            fixture.fixture.order(job, at: 60), clock: services.clock, on: fixture.connection)
        guard case .claimed(let run) = result else { throw CancellationError() }
        let failure = Failure(outcome: .failed(CancellationError()))
        _ = try services.ledger.recordFailure(
            of: run, failure, output: OutputTail(),
            followedBy: FollowUp(runID: UUID(), pauseSeconds: 0), on: fixture.connection)
        #expect(try fixture.noted().isEmpty)
        #expect(try fixture.fixture.states(on: fixture.connection) == ["failed", "queued"])
    }

    @Test(
        "a success after a failure or a miss is a recovery, once",
        arguments: [
            ([Row(state: "failed")], true), ([Row(state: "skipped", reason: "overlap")], true),
            ([Row(state: "cancelled")], true), ([Row(state: "orphaned")], true),
            ([], false), ([Row()], false), ([Row(state: "cancelled", isCancelAsked: true)], false),
            ([Row(state: "skipped", reason: "paused")], false),
            // What was left out on purpose says nothing of how the job does.
            ([Row(state: "failed"), Row(second: 1, state: "skipped", reason: "paused")], true),
            ([Row(state: "failed"), Row(second: 1)], false),
            ([Row(state: "failed"), Row(second: 1.5, trigger: "manual")], false),
            ([Row(), Row(second: 1.5, state: "failed", trigger: "manual")], true),
            // Its own earlier attempts are no failure of the job.
            ([Row(second: 60, state: "failed")], false),
        ])
    fileprivate func recovery(before: [Row], isRecovery: Bool) async throws {
        let fixture = try await NotifyFixture()
        defer { fixture.close() }
        for row in before { try fixture.write(row) }
        try fixture.forget()
        try fixture.write(Row(second: 60, attempt: 2))
        let told =
            ["success succeeded success"] + (isRecovery ? ["recovered succeeded recovered"] : [])
        #expect(try fixture.noted() == told)
        try fixture.forget()
        try fixture.write(Row(second: 120))
        #expect(try fixture.noted() == ["success succeeded success"])
    }

    @Test(
        "the note is part of the outcome's transaction, at each level of isolation",
        arguments: ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
    func transaction(level: String) async throws {
        let fixture = try await NotifyFixture()
        defer { fixture.close() }
        let other = try fixture.fixture.connect()
        defer { other.close() }
        let runID = try fixture.write(Row(state: "running"))
        try other.execute(SQL(raw: "BEGIN ISOLATION LEVEL \(level)"))
        try fixture.end(runID, Row(), on: other)
        #expect(try fixture.noted().isEmpty)
        try other.execute("ROLLBACK")
        #expect(try fixture.noted().isEmpty)
        try other.execute(SQL(raw: "BEGIN ISOLATION LEVEL \(level)"))
        try fixture.end(runID, Row(), on: other)
        try other.execute("COMMIT")
        #expect(try fixture.noted() == ["success succeeded success"])
    }

    @Test(
        "a job without channels is noted nowhere, and needs no account", arguments: [true, false])
    func without(hasAccount: Bool) async throws {
        let fixture = try await NotifyFixture(notify: "null")
        defer { fixture.close() }
        if !hasAccount { try fixture.connection.execute("DELETE FROM almanac.accounts") }
        for state in ["failed", "succeeded"] {
            try fixture.write(Row(state: state, attempt: 1, trigger: "manual"))
        }
        #expect(try fixture.noted().isEmpty)
    }

    @Test("a role without a right to the notifications writes outcomes all the same")
    func rights() async throws {
        let fixture = try await NotifyFixture()
        defer { fixture.close() }
        let other = try fixture.fixture.connect()
        defer { other.close() }
        let role = "role_\(UUID().uuidString.prefix(8).lowercased())"
        try other.execute("CREATE ROLE \(identifier: role)")
        try other.execute("GRANT USAGE ON SCHEMA almanac TO \(identifier: role)")
        try other.execute(
            "GRANT SELECT, INSERT, UPDATE ON almanac.runs TO \(identifier: role)")
        try other.execute("SET ROLE \(identifier: role)")
        try fixture.write(Row(), on: other)
        try other.execute("RESET ROLE")
        #expect(try fixture.noted() == ["success succeeded success"])
        try other.execute("DROP OWNED BY \(identifier: role)")
        try other.execute("DROP ROLE \(identifier: role)")
    }

    @Test("neither a search path nor an object of another schema changes what the trigger calls")
    func searchPath() async throws {
        let fixture = try await NotifyFixture()
        defer { fixture.close() }
        try fixture.connection.executeScript(
            """
            CREATE SCHEMA evil;
            CREATE FUNCTION evil.jsonb_array_elements_text(jsonb) RETURNS SETOF text LANGUAGE sql
                AS $$ SELECT 'evil' $$;
            CREATE TEMP TABLE notifications (n int);
            SET search_path = evil, pg_catalog;
            """)
        try fixture.write(Row())
        try fixture.connection.execute("SET search_path = pg_catalog")
        #expect(try fixture.noted() == ["success succeeded success"])
    }
}
