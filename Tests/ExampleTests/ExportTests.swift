import AlmanacCore
import Foundation
import Testing

@Suite("The example export")
struct ExportTests {
    /// The days that are exported, and where.
    private static func shop() async throws -> Shop {
        let shop = try await Shop()
        try shop.runner.execute(
            """
            CREATE TABLE daily_sales (day date, orders bigint, copies bigint, revenue numeric);
            INSERT INTO daily_sales
            SELECT '2026-11-22'::date - n, 10 + n, 20 + n, (10 + n) * 1.25
            FROM generate_series(0, 39) AS n
            """)
        return shop
    }

    @Test("leaves the last 30 days as CSV beside the schedules, complete and alone")
    func export() async throws {
        let shop = try await Self.shop()
        let row = try await shop.succeed("export-daily-sales", at: "2026-11-23T04:15:00Z")
        #expect(row.output == "30 days are in ../.almanac/exports/daily_sales-2026-11-23.csv\n")
        #expect(shop.scratch.files(in: ".almanac/exports") == ["daily_sales-2026-11-23.csv"])
        let lines = try shop.scratch.text(of: ".almanac/exports/daily_sales-2026-11-23.csv")
            .split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 32)
        #expect(lines.first == "day,orders,copies,revenue")
        #expect(lines.dropFirst().first == "2026-10-24,39,49,48.75")
        #expect(lines.suffix(2) == ["2026-11-22,10,20,12.50", ""])
    }

    @Test("a second time it puts the whole file in the place of the first")
    func again() async throws {
        let shop = try await Self.shop()
        try await shop.succeed("export-daily-sales", at: "2026-11-23T04:15:00Z")
        try shop.runner.execute("DELETE FROM daily_sales WHERE day < '2026-11-20'")
        try await shop.succeed("export-daily-sales", at: "2026-11-23T04:16:00Z")
        let text = try shop.scratch.text(of: ".almanac/exports/daily_sales-2026-11-23.csv")
        #expect(text.split(separator: "\n").count == 4)
    }

    @Test(
        "takes any folder",
        arguments: [
            "exports of the shop", "it's", "-dash", "a\"b", "über/uns", "$HOME", "a;b", "*", "a\nb",
        ])
    func folder(name: String) async throws {
        let shop = try await Self.shop()
        let row = try await Self.run(shop, environment: ["EXPORT_DIRECTORY": "../out/\(name)"])
        #expect(row.state == .succeeded, "\(row.output ?? "")")
        #expect(shop.scratch.files(in: "out/\(name)") == ["daily_sales-2026-11-23.csv"])
    }

    struct Failure: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var environment: [String: String]
        var preparation: String
        var output: String
    }

    static let failures = [
        Failure(
            testDescription: "no folder", environment: [:], preparation: "SELECT 1",
            output: "EXPORT_DIRECTORY: names the folder of the exports"),
        Failure(
            testDescription: "a folder that cannot be made",
            environment: ["EXPORT_DIRECTORY": "nightly.yaml/out"], preparation: "SELECT 1",
            output: "Not a directory"),
        Failure(
            testDescription: "no table", environment: ["EXPORT_DIRECTORY": "../out"],
            preparation: "DROP TABLE daily_sales", output: "\"daily_sales\" does not exist"),
        Failure(
            testDescription: "an error in the middle", environment: ["EXPORT_DIRECTORY": "../out"],
            preparation: """
                DROP TABLE daily_sales;
                CREATE VIEW daily_sales AS
                SELECT '2026-11-22'::date AS day, 1 AS orders, 1 AS copies,
                    1 / (n - 5000) AS revenue
                FROM generate_series(1, 10000) AS n
                """, output: "division by zero"),
        Failure(
            testDescription: "no database",
            environment: [
                "EXPORT_DIRECTORY": "../out", "ALMANAC_DATABASE_URL": "host=/nowhere dbname=shop",
            ], preparation: "SELECT 1", output: "No such file or directory"),
        Failure(
            testDescription: "no psql",
            environment: ["EXPORT_DIRECTORY": "../out", "PATH": "/nowhere"],
            preparation: "SELECT 1", output: "not found"),
    ]

    @Test("fails loudly and leaves no file", arguments: failures)
    func failure(example: Failure) async throws {
        let shop = try await Self.shop()
        try shop.runner.execute(example.preparation)
        let row = try await Self.run(shop, environment: example.environment)
        #expect(row.state == .failed)
        #expect(row.errorType == "CommandFailed")
        #expect(row.output?.contains(example.output) == true, "\(row.output ?? "")")
        #expect(shop.scratch.files(in: "out") == [])
    }

    /// Runs the script as a job of one's own would.
    private static func run(_ shop: Shop, environment: [String: String]) async throws -> RunRecord {
        let pairs = try environment.map { name, value in
            "\(name): \(String(decoding: try JSONEncoder().encode(value), as: UTF8.self))"
        }.joined(separator: ", ")
        let text = """
            version: 1
            jobs:
              export:
                every: 1h
                task: command
                parameters:
                  run: [/bin/sh, scripts/export_daily_sales.sh]
                  environment: {\(pairs)}
            """
        let path = shop.scratch.url.appending(path: "Schedules/own.yaml").path
        let source = try SourceFile(path: path, bytes: Array(text.utf8))
        let schedule = try ScheduleLoader(tasks: shop.runner.services.registry)
            .load(sources: [source]).schedule
        return try await shop.runner.run(schedule.jobs[0], at: try Date("2026-11-23T04:15:00Z"))
    }
}
