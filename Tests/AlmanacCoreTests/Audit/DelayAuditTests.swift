import Foundation
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("The audit of a job that recurs by a delay")
struct DelayAuditTests {
    private static let version = ["0 after: 1m"]

    @Test(
        "follows each occurrence from the end of the one before",
        arguments: [
            ("1@5, 65@70, 130@130, 190 running", []),
            ("1@5, 65@70, 130@130", ["missing 190"]),
            ("1@5, 130@130, 190@600", ["missing 65"]),
            ("1@5, 66@70, 130@540", ["missing 65"]),
            ("1@5, 64@70, 130@540", ["not-due 64"]),
            ("65@70, 130@540", ["missing 1"]),
            ("1 failed@5, 1#2@9, 69@560", []),
            ("1 failed@5, 1#2@9, 65@560", ["not-due 65"]),
            ("1@5, 1#2 succeeded backfill@300, 65@560", []),
            ("1@5, 1#2 succeeded backfill@300, 360@560", []),
            ("1@5, 40 succeeded exec@45, 65@560", []),
            ("1@5, 40 succeeded exec@45, 105@560", []),
            ("1@5, 40.5 succeeded exec@45, 65@560", []),
            ("1@5, 40.5 succeeded exec@45, 105@560", []),
            ("1@5, 65.5 succeeded exec@70", ["missing 130"]),
            ("1@5, 40.5@45, 65@560", ["not-due 40"]),
            ("1 skipped@5, 61@560", []),
            ("1 skipped@5, 65@560", ["missing 61"]),
            ("1@5, 65..545/9, 605 queued", []),
            ("1@5, 65..545/8, 605 queued", ["range-count 65"]),
            ("1@5, 65 queued", []),
        ])
    func chain(rows: String, expected: [String]) throws {
        let fixture = AuditFixture(versions: Self.version, rows: rows, through: 620)
        #expect(try fixture.differences() == expected)
    }

    @Test("leaves open how the first goes on after a change, and proves the next")
    func changedDelay() throws {
        let versions = ["0 after: 1m", "100 after: 2m"]
        let fixture = AuditFixture(
            versions: versions, rows: "1@5, 65@90, 210@210, 330@600", through: 620)
        #expect(try fixture.differences() == [])
        #expect(try fixture.report().unprovenCount == 1)
        var wrong = fixture
        wrong.rows = "1@5, 65@90, 210@210, 331@600"
        #expect(try wrong.differences() == ["missing 330"])
    }

    @Test("begins anywhere in a part of the past")
    func part() throws {
        let fixture = AuditFixture(
            versions: Self.version, rows: "130@135, 195@600", through: 620, from: 100)
        #expect(try fixture.differences() == [])
        var less = fixture
        less.rows = "130@135, 260@600"
        #expect(try less.differences() == ["missing 195"])
    }

    @Test("cannot prove what was pruned")
    func pruned() throws {
        let midnight = Instant(secondsSinceEpoch: 0)
        let days = PrunedDays(day: midnight, reach: midnight, occurrences: 5, requested: 0)
        let fixture = AuditFixture(
            versions: Self.version, rows: "301@310, 370@86400", through: 86_420, pruned: [days])
        #expect(try fixture.differences() == [])
        #expect(try fixture.report().unprovenCount > 0)
    }
}
