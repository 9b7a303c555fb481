import AlmanacCore
import Foundation
import Testing

@Suite("The example schedules")
struct ShopTests {
    @Test("load without an error and without a warning")
    func load() async throws {
        let shop = try await Shop()
        #expect(shop.warnings.map(\.description) == [])
        #expect(
            shop.schedule.jobs.map(\.name) == [
                "export-daily-sales", "load-order-facts", "note-database-size", "purge-old-orders",
                "report-missing-stock", "rollup-daily-sales", "say-hello", "take-orders",
                "vacuum-orders",
            ])
        #expect(shop.schedule.jobs.allSatisfy { $0.activeDeadlineSeconds != nil })
        #expect(shop.schedule.jobs.allSatisfy { $0.description?.isEmpty == false })
    }

    @Test("take-orders opens a year of orders once, then adds some")
    func takeOrders() async throws {
        let shop = try await Shop()
        let first = try await shop.succeed("take-orders", at: "2026-11-21T12:00:00Z")
        #expect(first.rowsAffected == 100_020)
        let second = try await shop.succeed("take-orders", at: "2026-11-21T12:00:05Z")
        #expect(second.rowsAffected == 20)
        let seen = try shop.texts(
            "SELECT count(*) || ' ' || min(ordered_at)::date || ' ' || "
                + "bool_and(ordered_at <= '2026-11-21T12:00:05Z') FROM orders")
        #expect(seen == ["100040 2025-11-21 true"])
    }

    @Test("load-order-facts takes each order once, late ones too, and none of the future")
    func loadFacts() async throws {
        let shop = try await Shop()
        try await shop.succeed("take-orders", at: "2026-11-21T12:00:00Z")
        let first = try await shop.succeed("load-order-facts", at: "2026-11-21T12:15:00Z")
        #expect(first.rowsAffected == 100_021)
        #expect(try Self.missingFacts(in: shop) == ["0"])

        let again = try await shop.succeed("load-order-facts", at: "2026-11-21T12:15:01Z")
        #expect(again.rowsAffected == 1, "the position alone")

        // One that was committed late, one of the next quarter of an hour, one of the future.
        try shop.runner.execute(
            """
            INSERT INTO orders (customer, title, copies, price, ordered_at) VALUES
                (1, 'late', 1, 10, '2026-11-21T12:10:00Z'),
                (1, 'new', 2, 10, '2026-11-21T12:29:00Z'),
                (1, 'future', 1, 10, '2026-11-21T12:31:00Z')
            """)
        let next = try await shop.succeed("load-order-facts", at: "2026-11-21T12:30:00Z")
        #expect(next.rowsAffected == 3)
        #expect(try Self.missingFacts(in: shop) == ["1"])
        try await shop.succeed("load-order-facts", at: "2026-11-21T12:45:00Z")
        #expect(try Self.missingFacts(in: shop) == ["0"])

        // An earlier instant once more does not set the position back.
        try await shop.succeed("load-order-facts", at: "2026-11-21T11:00:00Z")
        #expect(
            try shop.texts("SELECT to_char(loaded_through, 'HH24:MI') FROM load_positions") == [
                "12:45"
            ])
        let sums = try shop.texts(
            """
            SELECT ((SELECT sum(revenue) FROM order_facts) = sum(copies * price))::text
            FROM orders
            """
        )
        #expect(sums == ["true"])
    }

    private static func missingFacts(in shop: Shop) throws -> [String] {
        try shop.texts(
            "SELECT count(*)::text FROM orders LEFT JOIN order_facts USING (order_id) "
                + "WHERE order_facts.order_id IS NULL")
    }

    @Test(
        "rollup-daily-sales folds the day that Berlin had, also where it has 23 or 25 hours",
        arguments: [
            ("2026-11-21T01:30:00Z", "2026-11-20", 274),
            ("2026-03-30T00:30:00Z", "2026-03-29", 263),
            ("2026-10-26T01:30:00Z", "2026-10-25", 286),
        ])
    func rollup(instant: String, day: String, orders: Int) async throws {
        let shop = try await Shop()
        try await shop.succeed("take-orders", at: "2026-11-21T12:00:00Z")
        let row = try await shop.succeed("rollup-daily-sales", at: instant)
        #expect(row.rowsAffected == 1)
        let sales = "SELECT concat_ws(' ', day, orders, copies, revenue) FROM daily_sales"
        let first = try shop.texts(sales)
        let expected = try shop.texts(
            """
            SELECT concat_ws(' ', '\(day)', count(*), sum(copies), sum(copies * price)) FROM orders
            WHERE (ordered_at AT TIME ZONE 'Europe/Berlin')::date = '\(day)'
            """)
        #expect(first == expected)
        let counted = try #require(first.first?.split(separator: " ").dropFirst().first)
        // One each 315 seconds.
        #expect(abs((Int(counted) ?? 0) - orders) <= 1)

        try await shop.succeed(
            "rollup-daily-sales", at: instant.replacing("30:00Z", with: "30:01Z"))
        #expect(try shop.texts(sales) == first, "a second time it is the same")
    }

    @Test("rollup-daily-sales has a row for a day without orders, and corrects itself")
    func emptyDay() async throws {
        let shop = try await Shop()
        try await shop.succeed("take-orders", at: "2026-11-21T12:00:00Z")
        try await shop.succeed("rollup-daily-sales", at: "2027-01-02T01:30:00Z")
        let sales = "SELECT concat_ws(' ', day, orders, copies, revenue) FROM daily_sales"
        #expect(try shop.texts(sales) == ["2027-01-01 0 0 0"])
        try shop.runner.execute(
            """
            INSERT INTO orders (customer, title, copies, price, ordered_at)
            VALUES (1, 'late', 3, 1.50, '2027-01-01T22:59:59.999Z'),
                (1, 'of the next day', 1, 1, '2027-01-01T23:00Z')
            """)
        try await shop.succeed("rollup-daily-sales", at: "2027-01-02T01:30:01Z")
        #expect(try shop.texts(sales) == ["2027-01-01 1 3 4.50"])
    }

    @Test("purge-old-orders deletes what is older than 300 days, and nothing else")
    func purge() async throws {
        let shop = try await Shop()
        try await shop.succeed("take-orders", at: "2026-11-21T12:00:00Z")
        try await shop.succeed("load-order-facts", at: "2026-11-21T12:15:00Z")
        let limit = "timestamptz '2026-11-22T02:00:00Z' - interval '300 days'"
        let old = try shop.texts("SELECT count(*)::text FROM orders WHERE ordered_at < \(limit)")
        let row = try await shop.succeed("purge-old-orders", at: "2026-11-22T02:00:00Z")
        #expect(row.rowsAffected.map(String.init) == old.first)
        #expect(row.rowsAffected ?? 0 > 10_000)
        let left = try shop.texts(
            "SELECT count(*) || ' ' || bool_and(ordered_at >= \(limit)) FROM orders")
        #expect(left == ["\(100_020 - (row.rowsAffected ?? 0)) true"])
        #expect(try shop.texts("SELECT count(*)::text FROM order_facts") == ["100020"])
        let again = try await shop.succeed("purge-old-orders", at: "2026-11-22T02:00:01Z")
        #expect(again.rowsAffected == 0)
    }

    @Test("vacuum-orders runs outside of a transaction and refreshes the statistics")
    func vacuum() async throws {
        let shop = try await Shop()
        try await shop.succeed("take-orders", at: "2026-11-21T12:00:00Z")
        try await shop.succeed("purge-old-orders", at: "2026-11-21T13:00:00Z")
        let row = try await shop.succeed("vacuum-orders", at: "2026-11-22T03:00:00Z")
        #expect(row.transactionID != nil)
        let seen = try shop.texts(
            """
            SELECT concat_ws(' ', reltuples = (SELECT count(*) FROM orders), relallvisible > 0)
            FROM pg_class WHERE relname = 'orders'
            """)
        #expect(seen == ["t t"])
    }

    @Test("note-database-size notes one point for each instant")
    func databaseSize() async throws {
        let shop = try await Shop()
        for (second, rows) in [("00", 1), ("10", 1), ("10", 0)] as [(String, Int64)] {
            // As if the ledger knew nothing of it.
            if rows == 0 { try shop.runner.execute("DELETE FROM almanac.runs") }
            let row = try await shop.succeed(
                "note-database-size", at: "2026-11-21T12:00:\(second)Z")
            #expect(row.rowsAffected == rows)
        }
        #expect(
            try shop.texts(
                "SELECT bool_and(bytes > 1000000) || ' ' || count(*) FROM database_sizes")
                == ["true 2"])
    }

    @Test("say-hello says which run it is")
    func hello() async throws {
        let shop = try await Shop()
        let row = try await shop.succeed("say-hello", at: "2026-11-21T12:00:15Z")
        let id = row.runID.uuidString.lowercased()
        #expect(row.output == "run \(id) of say-hello was due 2026-11-21T12:00:15Z\n")
    }

    @Test("report-missing-stock fails on purpose, and its row says why")
    func missingStock() async throws {
        let shop = try await Shop()
        let row = try await shop.run("report-missing-stock", at: "2026-11-21T12:01:00Z")
        #expect(row.state == .failed)
        #expect(row.sqlState == "42P01")
        #expect(row.errorMessage?.contains("stock_that_nobody_made") == true)
    }

    @Test("an occurrence that has its row is not run again")
    func once() async throws {
        let shop = try await Shop()
        try await shop.succeed("note-database-size", at: "2026-11-21T12:00:00Z")
        await #expect(throws: NotRun.self) {
            try await shop.run("note-database-size", at: "2026-11-21T12:00:00Z")
        }
    }
}
