import AlmanacTesting
import Foundation
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("The watch over what is to be over")
struct LimitWatchTests {
    private static func job(_ keys: String) throws -> JobDefinition {
        let text = """
            version: 1
            jobs:
              job: {task: probe, parameters: {journal: x, deed: succeed}, \(keys)}

            """
        let source = try SourceFile(path: "test.yaml", bytes: Array(text.utf8))
        let tasks = try TaskRegistry([ProbeTask.self])
        return try #require(
            try ScheduleLoader(tasks: tasks).load(sources: [source]).schedule.jobs.first)
    }

    private static func instant(_ text: String) throws -> Instant {
        Instant(try Date(text, strategy: .iso8601))
    }

    @Test(
        "an occurrence is late in the moment in which it had to be over, and at no other",
        arguments: [
            (
                #"schedule: "30 2 * * *", mustFinishBy: "06:00""#, "2026-01-05T05:59:59Z",
                "2026-01-05T06:00:00Z", ["2026-01-05T02:30:00Z"]
            ),
            (
                #"schedule: "30 2 * * *", mustFinishBy: "06:00""#, "2026-01-05T06:00:00Z",
                "2026-01-06T05:59:59Z", []
            ),
            (
                #"schedule: "30 22 * * *", mustFinishBy: "06:00""#, "2026-01-05T05:00:00Z",
                "2026-01-05T07:00:00Z", ["2026-01-04T22:30:00Z"]
            ),
            (
                #"schedule: "0 * * * *", mustFinishBy: 90m"#, "2026-01-05T05:29:59Z",
                "2026-01-05T06:30:00Z", ["2026-01-05T04:00:00Z", "2026-01-05T05:00:00Z"]
            ),
            (
                #"schedule: "0 * * * *", mustFinishBy: 90m"#, "2026-01-05T05:30:00Z",
                "2026-01-05T06:30:00Z", ["2026-01-05T05:00:00Z"]
            ),
            (
                #"schedule: "0 0,6,12,18 * * *", mustFinishBy: "06:00""#, "2026-01-05T05:00:00Z",
                "2026-01-05T06:00:00Z",
                [
                    "2026-01-04T06:00:00Z", "2026-01-04T12:00:00Z", "2026-01-04T18:00:00Z",
                    "2026-01-05T00:00:00Z",
                ]
            ),
            (#"schedule: "30 2 * * *""#, "2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z", []),
            // The day on which the clocks go forward has 23 hours in Berlin.
            (
                #"schedule: "0 12 * * *", timeZone: Europe/Berlin, mustFinishBy: "11:59""#,
                "2026-03-29T09:58:59Z", "2026-03-29T09:59:00Z", ["2026-03-28T11:00:00Z"]
            ),
        ])
    func table(keys: String, after: String, through: String, expected: [String]) throws {
        let late = LimitWatch.late(
            [try Self.job(keys)], after: try Self.instant(after),
            through: try Self.instant(through))
        #expect(late.map(\.scheduledFor) == (try expected.map(Self.instant)))
    }

    @Test("after a long time without any node the last day alone is looked at")
    func lookBack() throws {
        let late = LimitWatch.late(
            [try Self.job(#"every: 1h, mustFinishBy: 1m"#)],
            after: try Self.instant("2025-01-01T00:00:00Z"),
            through: try Self.instant("2026-01-05T00:30:00Z"))
        #expect(late.count == 24)
    }

    /// Whoever looks often finds what a scan of all occurrences finds, each once.
    @Test("looking at random moments finds the same as looking at all occurrences")
    func partition() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SimulatedRandom(seed: seed)
        let zones = [
            "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tehran",
        ]
        let times =
            ["00:00", "02:30", "06:00", "23:59"].map { "\"\($0)\"" } + ["5m", "3h", "1d", "36h"]
        let schedules = [
            #"schedule: "*/20 * * * *""#, #"schedule: "30 2 * * *""#, #"schedule: "0 */5 * * 1-5""#,
            "every: 35m",
        ]
        for round in 1...60 {
            let zone = random.pick(zones)
            let keys =
                "\(random.pick(schedules)), timeZone: \(zone), mustFinishBy: \(random.pick(times))"
            let job = try Self.job(keys)
            // Around both changes of the clocks, too.
            let days = Int64(random.int(0...729)) + 20_000
            let begin = Instant(secondsSinceEpoch: days * 86_400 + Int64(random.int(0...86_399)))
            let end = begin.advanced(bySeconds: 5 * 86_400)
            var found: [LateCandidate] = []
            var moment = begin
            while moment < end {
                let next = min(end, moment.advanced(bySeconds: Int64(random.int(1...40_000))))
                found += LimitWatch.late([job], after: moment, through: next)
                moment = next
            }
            var expected: [LateCandidate] = []
            var instant = begin.advanced(bySeconds: -4 * 86_400)
            while let next = job.recurrence.next(after: instant), next <= end {
                instant = next
                guard let bound = job.punctuality.finishBy(next, in: job.timeZone),
                    bound > begin, bound <= end
                else { continue }
                expected.append(LateCandidate(job: "job", scheduledFor: next, bound: bound))
            }
            #expect(found == expected, "seed \(seed), round \(round): \(keys) from \(begin)")
        }
    }
}
