import Scheduling
import Testing

@testable import AlmanacCore

@Suite("Jobs that are read while their file is parsed")
struct EarlyJobsTests {
    static let head = "version: 1\ndefaults: {timeZone: Asia/Tokyo, activeDeadlineSeconds: 7}\n"

    /// A file of so many jobs, every hundredth of them broken.
    static func jobs(_ count: Int, isBroken: Bool = false) -> String {
        "jobs:\n"
            + (0..<count).map { number in
                let key = isBroken && number % 100 == 50 ? "evry" : "every"
                return "  job-\(number): {task: cleanup, \(key): \(number + 1)s}\n"
            }.joined()
    }

    static let sizes = [
        1, EarlyJobs.batch - 1, EarlyJobs.batch, EarlyJobs.batch + 1, 10 * EarlyJobs.batch, 5_000,
    ]

    @Test("are all there, however many, each with its own keys and the defaults", arguments: sizes)
    func all(count: Int) throws {
        let schedule = try load(Self.head + Self.jobs(count)).schedule
        #expect(schedule.jobs.count == count)
        for number in [0, count / 2, count - 1] {
            let job = try #require(schedule.job(named: "job-\(number)"))
            #expect(job.recurrence == .every(seconds: Int64(number + 1), anchor: .distantPast))
            #expect(job.timeZone.identifier == "Asia/Tokyo")
            #expect(job.activeDeadlineSeconds == 7)
            #expect(job.position == SourcePosition(line: number + 4, column: 3))
        }
    }

    @Test("have the defaults that stand behind them as well", arguments: sizes)
    func defaultsBehind(count: Int) throws {
        let text =
            Self.head.replacing("defaults", with: "#") + Self.jobs(count)
            + "defaults: {timeZone: Asia/Tokyo, activeDeadlineSeconds: 7}\n"
        let schedule = try load(text).schedule
        #expect(schedule.jobs.count == count)
        #expect(schedule.jobs.allSatisfy { $0.activeDeadlineSeconds == 7 })
    }

    @Test("are told of in the order of the file, all errors of all of them") func errors() {
        let found = scheduleAnswers(Self.head + Self.jobs(1_000, isBroken: true))
        #expect(found.count == 10)
        #expect(found.first == "54:27 unknown key 'evry' (did you mean 'every'?)")
        #expect(found.last == "954:28 unknown key 'evry' (did you mean 'every'?)")
    }

    @Test("are not told of where the file is no YAML further on") func syntax() {
        let found = scheduleAnswers(
            Self.head + Self.jobs(1_000, isBroken: true) + "  x: [\n")
        #expect(found.count == 1)
        #expect(found.first?.contains("evry") == false)
    }

    @Test("that stand twice are told of, also far apart") func twice() {
        let found = scheduleAnswers(
            Self.head + Self.jobs(1_000) + "  job-3: {task: cleanup, every: 1h}\n")
        #expect(found == ["1004:3 the key 'job-3' stands twice (remove one of them)"])
    }

    @Test("of a version that is not known are not told of") func version() {
        let found = scheduleAnswers("version: 2\n" + Self.jobs(1_000, isBroken: true))
        #expect(found.count == 1)
    }

    @Test("behind an alias are read as well") func alias() throws {
        let text =
            "version: 1\ndefaults: {timeZone: UTC, activeDeadlineSeconds: 5}\n"
            + "jobs: &all\n  a: {task: cleanup, every: 1h}\n  b: {task: cleanup, every: 2h}\n"
        #expect(try load(text).schedule.jobs.map(\.name) == ["a", "b"])
    }
}
