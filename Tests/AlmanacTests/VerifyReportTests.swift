import AlmanacCore
import Foundation
import Scheduling
import Testing

@testable import Almanac

@Suite("The report of verify")
struct VerifyReportTests {
    private static func report(
        _ change: (inout AuditReport) -> Void = { _ in }
    ) -> VerifyReport {
        var report = AuditReport(
            range: Instant(secondsSinceEpoch: 0)...Instant(secondsSinceEpoch: 3_600))
        change(&report)
        return VerifyReport(report)
    }

    @Test("says in two lines that all is well")
    func clean() {
        let report = Self.report()
        #expect(
            report.lines == [
                "1970-01-01 00:00:00Z to 1970-01-01 01:00:00Z: 0 jobs, 0 occurrences in 0 rows",
                "everything that was due is accounted for",
            ])
        #expect(report.isClean)
    }

    @Test("lists what differs, and says in a line how much of each")
    func differences() {
        let report = Self.report { report in
            report.note(
                .missing, of: "beat\u{1B}[2J",
                InstantStretch(
                    first: Instant(secondsSinceEpoch: 60), last: Instant(secondsSinceEpoch: 180),
                    count: 3))
            report.note(
                .deadRun, of: "load", at: Instant(secondsSinceEpoch: 240), "run 1 of node n")
        }
        #expect(!report.isClean)
        #expect(report.totals == ["missing": 3, "dead-run": 1])
        #expect(
            Array(report.lines.dropFirst()) == [
                "the ledger differs: 1 dead-run, 3 missing",
                "DIFFERENCE  JOB       AT                    THROUGH               COUNT  DETAIL",
                "missing     beat�[2J  1970-01-01 00:01:00Z  1970-01-01 00:03:00Z      3",
                "dead-run    load      1970-01-01 00:04:00Z                            1  "
                    + "run 1 of node n",
            ])
    }

    @Test("says of a standby that nobody there knows what lives")
    func standby() throws {
        let report = Self.report { $0.isOfStandby = true }
        #expect(report.lines.contains { $0.hasPrefix("a standby does not know which runs live") })
        #expect(report.isClean)
        #expect(
            String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
                .contains("\"is_of_standby\":true"))
        #expect(
            !String(decoding: try JSONEncoder().encode(Self.report()), as: UTF8.self)
                .contains("is_of_standby"))
    }

    @Test("says that there are more differences than it lists")
    func many() {
        let report = Self.report { report in
            for second in 0..<150 {
                report.note(.missing, of: "beat", at: Instant(secondsSinceEpoch: Int64(second)))
            }
        }
        #expect(report.lines.count == 2 + 1 + AuditReport.listed + 1)
        #expect(report.lines.last == "only the first are listed")
        #expect(report.totals == ["missing": 150])
    }

    @Test("has one JSON document with the names of the columns")
    func json() throws {
        let report = Self.report { report in
            report.note(.attemptGap, of: "beat", at: Instant(secondsSinceEpoch: 60))
        }
        let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(report))
        let members = try #require(object as? [String: Any])
        #expect(
            Set(members.keys) == [
                "from", "to", "jobs", "rows", "accounted", "pruned", "unproven", "differences",
                "totals", "open", "unreadable", "is_clean", "open_count",
            ])
        let differences = try #require(members["differences"] as? [[String: Any]])
        #expect(differences.first?["kind"] as? String == "attempt-gap")
    }
}
