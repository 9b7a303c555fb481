import AlmanacTesting
import Foundation
import PostgresSession
import Scheduling
import Testing

@testable import AlmanacCore

/// What a job leaves on its connection must not be in the way of its outcome.
@Suite("What a run leaves behind", .timeLimit(.minutes(2)))
struct LeftoverTests {
    private func run(
        _ statements: [String], transaction: String = "explicit", more: String = "",
        on fixture: RunFixture
    ) async throws -> RunRecord {
        let list = statements.map { "\n  - \"\($0)\"" }.joined()
        return try await fixture.runner.run(
            "script", parameters: "statements:\(list)\(more)",
            job: "transaction: \(transaction)\nbackoffLimit: 1")
    }

    @Test(
        "a setting that it has committed does not keep its outcome out of the ledger",
        arguments: [
            "SET ROLE leftover", "SET default_transaction_read_only = on",
            "SET search_path = nowhere", "SET SESSION AUTHORIZATION leftover",
        ])
    func setting(statement: String) async throws {
        let fixture = try await RunFixture(tasks: [ScriptTask.self])
        let role = "leftover_\(UUID().uuidString.prefix(8).lowercased())"
        try fixture.withConnection { try $0.execute("CREATE ROLE \(identifier: role)") }
        let row = try await run(
            [
                "INSERT INTO marks VALUES ('done')", statement.replacing("leftover", with: role),
                "COMMIT",
            ], on: fixture)
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        #expect(row.attempt == 1)
        #expect(try fixture.marks() == ["done"])
        try fixture.withConnection { try $0.execute("DROP ROLE \(identifier: role)") }
    }

    @Test("nor the error of a hook, whatever role it has taken")
    func hook() async throws {
        let fixture = try await RunFixture(tasks: [ScriptTask.self])
        let role = "leftover_\(UUID().uuidString.prefix(8).lowercased())"
        try fixture.withConnection { try $0.execute("CREATE ROLE \(identifier: role)") }
        let row = try await run(
            ["SET ROLE \(role)"], transaction: "perRun", more: "\nfailingHook: true", on: fixture)
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        #expect(row.hookError == "afterReturn: the hook fails")
        try fixture.withConnection { try $0.execute("DROP ROLE \(identifier: role)") }
    }

    @Test("temporary types and functions of the same name change nothing of its outcome")
    func shadows() async throws {
        let fixture = try await RunFixture(tasks: [ScriptTask.self])
        try fixture.withConnection { connection in
            try connection.execute(
                """
                CREATE FUNCTION public.clock_timestamp(VARIADIC int[]) RETURNS timestamptz
                LANGUAGE sql AS 'SELECT NULL::timestamptz'
                """)
        }
        let row = try await run(
            ["CREATE TEMPORARY TABLE text (a int)", "CREATE TEMPORARY TABLE jsonb (a int)"],
            transaction: "perRun", on: fixture)
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
    }

    @Test("a ledger that refuses one outcome is not taken for a database that is away")
    func refused() async throws {
        let fixture = try await RunFixture(tasks: [ScriptTask.self])
        let job = try fixture.runner.makeJob(
            task: "script",
            parameters: "statements: [ALTER TABLE almanac.runs RENAME TO hidden, "
                + "COMMIT]", keys: "transaction: explicit")
        let worker = Worker(number: 1, services: fixture.runner.services)
        let end = await fixture.runner.start(job, on: worker)
        await worker.stop()
        guard case .ran(let report) = end else {
            Issue.record("it has not run")
            return
        }
        #expect(!report.isRecorded)
        #expect(report.unrecorded?.isGeneral == false)
        #expect(report.unrecorded?.text.contains("almanac.runs") == true)
    }

    @Test("a deadline that no limit of the server reaches is the node's own affair")
    func longDeadline() async throws {
        let fixture = try await RunFixture()
        let row = try await fixture.run(.insert, job: "activeDeadlineSeconds: 2592000")
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
    }

    @Test("the deadline is a span: setting the clock changes nothing")
    func deadline() throws {
        let clock = ManualClock(at: Instant(secondsSinceEpoch: 1_000))
        let deadline = RunDeadline(afterSeconds: 60, by: clock)
        #expect(deadline.date == Date(timeIntervalSince1970: 1_060))
        clock.set(to: Instant(secondsSinceEpoch: 5_000))
        #expect(deadline.secondsLeft(by: clock) == 60)
        clock.advance(bySeconds: 61)
        #expect(deadline.secondsLeft(by: clock) == -1)
    }
}
