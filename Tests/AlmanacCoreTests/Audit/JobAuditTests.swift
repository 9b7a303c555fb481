import Foundation
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("The audit of a job")
struct JobAuditTests {
    private static let minutes = ["0 every: 1m"]
    private static let all = "60, 120, 180, 240, 300, 360, 420, 480, 540, 600"

    @Test("finds nothing where each instant has its row")
    func clean() throws {
        let report = try AuditFixture(versions: Self.minutes, rows: Self.all).report()
        #expect(report.isClean)
        #expect(report.differences.isEmpty)
        #expect(report.accountedCount == 10)
        #expect(report.rowCount == 10)
        #expect(report.jobCount == 1)
        #expect(report.unprovenCount == 0)
    }

    @Test(
        "names what is missing, in stretches",
        arguments: [
            ("120, 180, 240, 300, 360, 420, 480, 540, 600", ["missing 60"]),
            ("60, 120, 180, 240, 300, 360, 420, 480, 540", ["missing 600"]),
            ("60, 120, 480, 540, 600", ["missing 180..420/5"]),
            ("60, 180, 240, 300, 420, 480, 540, 600", ["missing 120", "missing 360"]),
            ("", ["missing 60..600/10"]),
        ])
    func missing(rows: String, expected: [String]) throws {
        #expect(try AuditFixture(versions: Self.minutes, rows: rows).differences() == expected)
    }

    @Test(
        "names what was not due",
        arguments: [
            ("60, 90, 120", ["not-due 90"]),
            ("-60, 60, 120", []),
            ("60, 119 skipped, 120", ["not-due 119"]),
            ("60, 90 succeeded exec, 120", []),
            ("60, 90 failed backfill, 90#2 succeeded backfill, 120", []),
            ("60, 90 failed backfill, 90#2, 120", ["not-due 90"]),
            ("60, 60#2 succeeded backfill, 120", []),
            ("60, 120, 150 succeeded catch-up", []),
        ])
    func notDue(rows: String, expected: [String]) throws {
        #expect(
            try AuditFixture(versions: Self.minutes, rows: rows, through: 120).differences()
                == expected)
    }

    @Test(
        "leaves alone what somebody has had run between two seconds, and nothing else there",
        arguments: [
            ("60, 60.2 succeeded exec, 120", []),
            ("60, 90.5 failed exec, 90.5#2 succeeded exec, 120", []),
            ("60, 90.2 succeeded exec, 90.7 succeeded exec, 120", []),
            ("60.2 succeeded exec, 120", ["missing 60"]),
            ("60, 119.9 running exec", ["missing 120"]),
            ("60, 60.5, 120", ["not-due 60"]),
            ("60, 90.5 skipped, 120", ["not-due 90"]),
            ("60, 90.5#2 succeeded exec, 120", ["attempt-gap 90"]),
            ("60..120/2, 90.5 succeeded exec", []),
        ] as [(String, [String])])
    func betweenSeconds(rows: String, expected: [String]) throws {
        let fixture = AuditFixture(versions: Self.minutes, rows: rows, through: 120)
        #expect(try fixture.differences() == expected)
        #expect(try fixture.report().accountedCount == 2 - expected.filter(\.isOfMissing).count)
    }

    @Test(
        "looks at the attempts",
        arguments: [
            ("60 failed, 60#2", []),
            ("60 failed, 60#2 failed, 60#3", []),
            ("60 failed, 60#3", ["attempt-gap 60"]),
            ("60#2", ["attempt-gap 60"]),
            ("60#2 succeeded backfill", ["attempt-gap 60"]),
            ("60, 60#2", ["repeated 60"]),
            ("60, 60#2 failed", ["repeated 60"]),
            ("60, 60#2 succeeded backfill", []),
            ("60, 60#2 failed backfill, 60#3 succeeded backfill", []),
            ("60, 60#3 succeeded backfill", ["attempt-gap 60"]),
            ("60 queued", []),
            ("60 running", []),
            ("60 orphaned, 60#2 queued", []),
        ])
    func attempts(rows: String, expected: [String]) throws {
        #expect(
            try AuditFixture(versions: Self.minutes, rows: rows, through: 60).differences()
                == expected)
    }

    @Test(
        "counts what a range stands for",
        arguments: [
            ("60..600/10", []),
            ("60, 120..540/8, 600", []),
            ("60, 120..540/9, 600", ["range-count 120"]),
            ("60, 120..540/7, 600", ["range-count 120"]),
            ("60, 120..530/7, 600", ["range-count 120", "missing 540"]),
            ("60, 120..530/8, 600", ["range-count 120", "missing 540"]),
            ("60, 120..480/7, 600", ["missing 540"]),
            ("60, 120..540/8, 300, 600", ["accounted-twice 300"]),
            ("60, 120..540/8, 300#2 succeeded backfill, 600", []),
            ("60, 120..540/8, 300 succeeded exec, 600", []),
            ("60, 120..540/8, 300#3 succeeded backfill, 600", ["attempt-gap 300"]),
            ("60, 120..540/8, 120#2 succeeded backfill, 600", []),
            ("60, 120..540/8, 310#2 succeeded backfill, 600", []),
            ("60, 90..540/8, 600", ["not-due 90"]),
        ])
    func ranges(rows: String, expected: [String]) throws {
        #expect(try AuditFixture(versions: Self.minutes, rows: rows).differences() == expected)
    }

    @Test("looks at a part of the past", arguments: [(60, 600), (61, 599), (200, 300), (240, 240)])
    func part(from: Int64, through: Int64) throws {
        let rows = Self.all.split(separator: ", ").filter { text in
            Int64(text).map { $0 >= from && $0 <= through } ?? false
        }
        let fixture = AuditFixture(
            versions: Self.minutes, rows: rows.joined(separator: ","), through: through,
            from: from)
        #expect(try fixture.differences() == [])
        #expect(try fixture.report().accountedCount == rows.count)
        var less = fixture
        less.rows = rows.dropFirst().joined(separator: ",")
        #expect(try less.differences().count == (rows.isEmpty ? 0 : 1))
    }

    @Test("takes a range that began before for what of it is looked at")
    func rangeFromBefore() throws {
        let fixture = AuditFixture(
            versions: Self.minutes, rows: "60..420/7, 480, 540, 600", from: 300)
        #expect(try fixture.differences() == [])
    }

    // MARK: Definitions

    @Test("begins a job anew when its times change")
    func changedTimes() throws {
        let fixture = AuditFixture(
            versions: ["0 every: 1m", "300 every: 2m"],
            rows: "60, 120, 180, 240, 300, 360, 480, 600")
        #expect(try fixture.differences() == [])
        var less = fixture
        less.rows = "60, 120, 180, 240, 360, 600"
        #expect(try less.differences() == ["missing 300", "missing 480"])
        var more = fixture
        more.rows = "60, 120, 180, 240, 300, 360, 420, 480, 600"
        #expect(try more.differences() == ["not-due 420"])
    }

    @Test("goes on where only something else of a definition changes")
    func unchangedTimes() throws {
        let fixture = AuditFixture(
            versions: ["0 every: 1m", "300 every: 1m, description: x", "301 every: 1m"],
            rows: Self.all)
        #expect(try fixture.report().isClean)
        #expect(try fixture.report().unprovenCount == 0)
    }

    @Test("leaves open what a node did while it changed over", arguments: [true, false])
    func changeover(isOld: Bool) throws {
        // Seconds 301 to 310 may go by either.
        let rows = isOld ? "300, 301, 302, 303" : "300"
        let fixture = AuditFixture(
            versions: ["299 every: 1s", "300 every: 5s"], rows: rows + ", 310, 315", through: 315)
        #expect(try fixture.differences() == [])
        #expect(try fixture.report().unprovenCount == 1)
        var late = fixture
        late.rows = "300, 305, 310, 311, 315"
        #expect(try late.differences() == ["not-due 311"])
    }

    @Test("ends with a job's removal and begins with its return")
    func removed() throws {
        let versions = ["0 every: 1m", "200 gone", "400 every: 1m"]
        let fixture = AuditFixture(versions: versions, rows: "60, 120, 180, 420, 480, 540, 600")
        #expect(try fixture.differences() == [])
        var during = fixture
        during.rows = "60, 120, 180, 240, 480, 540, 600"
        #expect(try during.differences() == ["not-due 240", "missing 420"])
        var before = fixture
        before.rows = "60, 120, 420, 480, 540, 600"
        #expect(try before.differences() == ["missing 180"])
    }

    @Test("says which job has words that it cannot read")
    func unreadable() throws {
        let report = try AuditFixture(versions: ["0 unreadable"], rows: "60, 90").report()
        #expect(report.isClean)
        #expect(report.unreadableJobs == ["nightly"])
        #expect(report.unprovenCount == 2)
    }

    @Test("takes rows of a job that no schedule had for not due")
    func unknownJob() throws {
        var audit = JobAudit(
            job: "ghost", account: JobAccount([], accountedFrom: nil, through: .distantPast),
            range: .distantPast...Instant(secondsSinceEpoch: 600),
            report: AuditReport(range: .distantPast...Instant(secondsSinceEpoch: 600)))
        audit.add(try AuditFixture.row("60"))
        #expect(audit.finish().differences.map(\.shortText) == ["not-due 60"])
    }

    // MARK: What is excluded

    @Test("wants a row also where a calendar excludes the day, and no run")
    func excluded() throws {
        let versions = ["0 schedule: \"0 12 * * *\", calendars: {exclude: [{dates: [1970-01-02]}]}"]
        let noon: Int64 = 43_200
        let through = noon + 2 * 86_400
        let days = [noon, noon + 86_400, through]
        let text = "\(days[0]), \(days[1]) skipped, \(days[2])"
        let fixture = AuditFixture(versions: versions, rows: text, through: through)
        #expect(try fixture.differences() == [])
        var ran = fixture
        ran.rows = "\(days[0]), \(days[1]), \(days[2])"
        #expect(try ran.differences() == ["ran-although-excluded \(days[1])"])
        var asked = fixture
        asked.rows = "\(days[0]), \(days[1]) skipped, \(days[1])#2 succeeded backfill, \(days[2])"
        #expect(try asked.differences() == [])
        var without = fixture
        without.rows = "\(days[0]), \(days[2])"
        #expect(try without.differences() == ["missing \(days[1])"])
    }

    // MARK: What was pruned

    private static func pruned(_ occurrences: Int, _ requested: Int = 0) -> PrunedDays {
        let midnight = Instant(secondsSinceEpoch: 0)
        return PrunedDays(
            day: midnight, reach: midnight, occurrences: occurrences, requested: requested)
    }

    @Test(
        "compares the numbers of pruned days",
        arguments: [
            (24, 0, "", true), (23, 0, "3600", true), (22, 0, "3600", false),
            (24, 0, "3600", false), (23, 0, "", false), (0, 24, "", true), (20, 4, "", true),
            (20, 3, "", false), (20, 9, "", true), (23, 0, "3600#2 succeeded backfill", true),
        ])
    func prunedDay(occurrences: Int, requested: Int, rows: String, isClean: Bool) throws {
        let day: Int64 = 86_400
        let last = [day + 3_600, day + 7_200].map(String.init).joined(separator: ",")
        // Midnight itself belongs to the second day.
        let fixture = AuditFixture(
            versions: ["-3601 every: 1h"],
            rows: rows + (rows.isEmpty ? "" : ",") + "\(day),\(last)",
            through: day + 7_200, from: 0, pruned: [Self.pruned(occurrences, requested)])
        let kinds = Set(try fixture.report().totals.keys)
        #expect(kinds == (isClean ? [] : [.prunedCount]))
    }

    @Test("joins days that a pruned range reached over")
    func joinedDays() {
        let day = { (number: Int64) in Instant(secondsSinceEpoch: number * 86_400) }
        let joined = PrunedDays.joined([
            PrunedDays(day: day(2), reach: day(2), occurrences: 5, requested: 1),
            PrunedDays(day: day(0), reach: day(2), occurrences: 60, requested: 0),
            PrunedDays(day: day(4), reach: day(4), occurrences: 7, requested: 0),
        ])
        #expect(joined.map(\.occurrences) == [65, 7])
        #expect(joined.map(\.requested) == [1, 0])
        #expect(joined.first?.last == day(3).advanced(bySeconds: -1))
    }
}

extension String {
    fileprivate var isOfMissing: Bool { hasPrefix("missing") }
}
