import Scheduling
import Testing

@testable import AlmanacCore

@Suite("What of a valid schedule may not be meant")
struct ScheduleReviewTests {
    static let now = "2026-11-22T12:00:00Z"

    /// The warnings about jobs, each as `category: message (help)`.
    func review(_ jobs: String, defaults: String = "{timeZone: Europe/Berlin}", crowd: Int = 50)
        throws -> [String]
    {
        let text = "version: 1\ndefaults: \(defaults)\njobs:\n\(jobs)"
        let now = try #require(Instant(iso8601: Self.now))
        return try ScheduleReview(of: load(text).schedule, from: now, crowd: crowd).warnings.map {
            "\($0.category.rawValue): \($0.message) (\($0.help ?? ""))"
        }
    }

    // MARK: Changes of the clocks

    @Test("fixed times that are skipped and repeated are told once, with the dates")
    func fixed() throws {
        #expect(
            try review("  a: {task: cleanup, schedule: 30 2 * * *}\n") == [
                "clock-change: the clock of Europe/Berlin shows times of 'a' twice on 2027-10-31 "
                    + "and 2028-10-29; they run the first time "
                    + "(fine if meant; 'dst: {fold: both}' runs them twice)",
                "clock-change: the clock of Europe/Berlin skips times of 'a' on 2027-03-28 "
                    + "and 2028-03-26; they run right after the gap "
                    + "(fine if meant; 'dst: {gap: skip}' leaves them out)",
            ])
    }

    @Test("many jobs of one zone are one warning, the first of them named") func many() throws {
        let jobs = (1...500).map { "  j\($0): {task: cleanup, schedule: \($0 % 60) 2 * * *}\n" }
        let found = try review(jobs.joined(), crowd: 1_000)
        #expect(found.count == 2)
        #expect(found.allSatisfy { $0.contains("times of 'j1', 'j10', 'j100' and 497 more") })
    }

    @Test(
        "each policy is told in its own words",
        arguments: [
            ("{gap: skip}", "they do not run"),
            ("{gap: nextValid}", "they run right after the gap"),
            ("{fold: both}", "they run both times"), ("{fold: second}", "they run the second time"),
            ("{fold: first}", "they run the first time"),
        ])
    func policies(dst: String, words: String) throws {
        let found = try review("  a: {task: cleanup, schedule: 30 2 * * *, dst: \(dst)}\n")
        #expect(found.contains { $0.contains(words) })
    }

    @Test(
        "what no change of the clocks touches is not told of",
        arguments: [
            "schedule: 30 4 * * *", "schedule: '*/15 * * * *'", "every: 1h", "after: 1h",
            "schedule: 30 2 * * *, timeZone: UTC", "schedule: 30 2 * * *, timeZone: Asia/Tokyo",
            "schedule: 30 2 * 5 *", "schedule: 30 2 * * MON", "schedule: 30 2 * * *, suspend: true",
            "schedule: 30 2 * * *, endAt: 2027-01-01T00:00:00Z",
            "schedule: 30 2 * * *, calendars: {exclude: [{weekdays: SUN}]}",
        ])
    func untouched(keys: String) throws {
        #expect(try review("  a: {task: cleanup, \(keys)}\n") == [])
    }

    @Test("a step within one hour is touched, although it is no fixed time") func step() throws {
        let found = try review("  a: {task: cleanup, schedule: '*/10 2 * * *'}\n")
        #expect(found.count == 2)
        #expect(found.contains { $0.contains("they run both times") })
        #expect(found.contains { $0.contains("they do not run") })
    }

    // MARK: Jobs that are not due

    @Test(
        "a job that is never due, or not any more, is told of",
        arguments: [
            ("every: 1h, endAt: 2026-11-22T11:00:00Z", "is not due any more", "before its 'endAt'"),
            (
                "schedule: 0 0 29 2 *, endAt: 2027-01-01T00:00:00Z", "is not due any more",
                "before its 'endAt'"
            ),
            ("after: 1h, endAt: 2026-11-22T11:00:00Z", "is not due any more", "before its 'endAt'"),
            (
                "schedule: 0 0 1 1 *, calendars: {exclude: [{ranges: "
                    + "[{from: 1970-01-01, to: 2199-12-31}]}]}",
                "is never due", "leave no occurrence"
            ),
            (
                "schedule: 0 0 1 1 *, startAt: 2027-02-01T00:00:00Z, endAt: 2027-03-01T00:00:00Z",
                "is never due", "leave no occurrence"
            ),
        ])
    func notDue(keys: String, message: String, help: String) throws {
        let found = try review("  a: {task: cleanup, \(keys)}\n", defaults: "{timeZone: UTC}")
        #expect(found.count == 1)
        #expect(found.first?.contains("never-due: the job 'a' \(message)") == true)
        #expect(found.first?.contains(help) == true)
    }

    @Test("a job that is due later, or by a delay, is none of these") func due() throws {
        #expect(
            try review(
                "  a: {task: cleanup, every: 1h, startAt: 2100-01-01T00:00:00Z}\n"
                    + "  b: {task: cleanup, after: 1h}\n  c: {task: cleanup, every: 1h, "
                    + "endAt: 2000-01-01T00:00:00Z, suspend: true}\n") == [])
    }

    // MARK: Many at once

    @Test("more jobs at one instant than the limit are told with the instant") func crowd() throws {
        let jobs = (1...6).map { "  j\($0): {task: cleanup, schedule: 0 5 * * *}\n" }.joined()
        let zone = "{timeZone: UTC}"
        #expect(try review(jobs, defaults: zone, crowd: 6) == [])
        #expect(
            try review(jobs, defaults: zone, crowd: 5) == [
                "crowd: 6 jobs are due at 2026-11-23T05:00:00Z "
                    + "('spread: hash' in 'defaults' lets each start later by an offset of its own)"
            ])
    }

    @Test("jobs with different schedules meet, and the fullest instant is told") func meet() throws
    {
        let jobs =
            (1...3).map { "  h\($0): {task: cleanup, every: 1h}\n" }.joined()
            + (1...3).map { "  d\($0): {task: cleanup, schedule: 0 5 * * *}\n" }.joined()
        #expect(
            try review(jobs, defaults: "{timeZone: UTC}", crowd: 2).first?.hasPrefix(
                "crowd: 6 jobs are due at 2026-11-23T05:00:00Z, and more than 2 at 23 other "
                    + "instants of the day") == true)
    }

    @Test("jobs that are spread, suspended or by a delay are no crowd") func noCrowd() throws {
        for keys in [
            "every: 1h, spread: hash", "every: 1h, jitterSeconds: 5", "every: 1h, suspend: true",
            "after: 1h",
        ] {
            let jobs = (1...6).map { "  j\($0): {task: cleanup, \(keys)}\n" }.joined()
            #expect(try review(jobs, crowd: 2) == [], "\(keys)")
        }
    }

    @Test("a warning stands at the first job it is about") func place() throws {
        let text =
            "version: 1\ndefaults: {timeZone: Europe/Berlin}\njobs:\n"
            + "  late: {task: cleanup, schedule: 0 9 * * *}\n"
            + "  night: {task: cleanup, schedule: 30 2 * * *}\n"
        let now = try #require(Instant(iso8601: Self.now))
        let found = try ScheduleReview(of: load(text).schedule, from: now).warnings
        #expect(
            found.map(\.position) == Array(repeating: SourcePosition(line: 5, column: 3), count: 2))
        #expect(found.map(\.length) == [5, 5])
        #expect(found.allSatisfy { $0.source != nil && $0.severity == .warning })
    }
}
