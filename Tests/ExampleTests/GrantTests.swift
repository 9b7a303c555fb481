import AlmanacTesting
import Foundation
import Testing

@testable import AlmanacCore

@Suite("A role of its own")
struct GrantTests {
    private static let file = """
        version: 1
        jobs:
          greet:
            every: 1h
            task: sql
            activeDeadlineSeconds: 60
            parameters: {statement: SELECT 1}
        """

    @Test(
        "can do with the rights that a page gives it whatever a node and an operator do",
        arguments: ["README.md", "Sources/Almanac/Almanac.docc/Operations.md"])
    func grants(page: String) async throws {
        let library = try await Library()
        let scratch = try Scratch()
        let folder = scratch.url.appending(path: "Schedules")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(Self.file.utf8).write(to: folder.appending(path: "page.yaml"))
        let address = library.database.connectionString
        let migrated = try await Program.run(["migrate"], in: scratch.url, address)
        #expect(migrated.status == 0, "\(migrated.output)")
        // Roles are those of the whole server, and the other page's test has one too.
        let role = "role_\(UUID().uuidString.prefix(8).lowercased())"
        let statements = try Repository.text(of: page).split(separator: "\n")
            .map { $0.trimmingPrefix { $0 == " " } }
            .filter { $0.hasPrefix("GRANT ") && $0.hasSuffix(";") }
        #expect(statements.count >= 2)
        try library.runner.execute("CREATE ROLE \(role)")
        defer {
            try? library.runner.execute("DROP OWNED BY \(role); DROP ROLE \(role)")
        }
        for statement in statements {
            try library.runner.execute(String(statement).replacing("almanac_jobs", with: role))
        }
        for command in [
            "run --for 1s", "exec greet", "pause greet --note x", "status", "resume greet",
            "trigger greet", "backfill greet --from 2026-01-01T00:00:00Z --to 2026-01-01T02:00:00Z",
            "run --until-idle", "resume greet --catch-up none", "history", "verify --seals",
            "prune", "why greet --at 2026-01-01T01:00:00Z", "simulate",
        ] {
            let done = try await Program.run(
                command.split(separator: " ").map(String.init), in: scratch.url, address,
                environment: ["PGOPTIONS": "-c role=\(role)"])
            #expect(!done.output.contains("ermission"), "\(command)")
            // Nobody is connected, and nothing is held: that is an answer too.
            let isNo = command == "status" || command.contains("--catch-up")
            #expect(done.status == 0 || isNo, "\(command): \(done.output)")
        }
        // Rows old enough to go, and a look at how they go.
        try library.runner.execute(
            """
            UPDATE almanac.runs SET queued_at = queued_at - interval '400 days', \
            started_at = started_at - interval '400 days', \
            finished_at = finished_at - interval '400 days', \
            scheduled_for = scheduled_for - interval '400 days' WHERE trigger = 'manual'
            """)
        let pruned = try await Program.run(
            ["prune"], in: scratch.url, address, environment: ["PGOPTIONS": "-c role=\(role)"])
        #expect(pruned.output.hasPrefix("removed "), "\(pruned.output)")
    }
}
