import AlmanacCore
import Foundation
import Scheduling
import Testing

@testable import Almanac

@Suite("The command plan")
struct PlanTests {
    /// The difference between two schedules of jobs named a, b, … with these keys; nil for none.
    private func difference(
        _ jobs: [(String?, String?)], from: String = "2026-11-22T12:00:00Z", days: Int = 3
    ) throws -> ScheduleDifference {
        func schedule(_ keys: [String?]) throws -> Schedule {
            let lines = zip("abcdef", keys).compactMap { name, keys in
                keys.map { "  \(name): {task: sql, parameters: {statement: SELECT 1}, \($0)}\n" }
            }
            return try makeSchedule(
                "version: 1\ndefaults: {activeDeadlineSeconds: 5}\njobs:\n" + lines.joined())
        }
        let start = try #require(Instant(iso8601: from))
        return try ScheduleDifference(
            from: schedule(jobs.map(\.0)), to: schedule(jobs.map(\.1)), after: start,
            through: start.advanced(bySeconds: Int64(days) * 86_400))
    }

    private func counts(_ old: String?, _ new: String?) throws -> [Int] {
        let changes = try difference([(old, new)]).changes
        guard let change = changes.first else { return [0, 0, 0] }
        return JobChange.Kind.allCases.map(change.count)
    }

    @Test(
        "counts what is added, removed and moved within a day of the zone",
        arguments: [
            ("schedule: 0 3 * * *", "schedule: 0 3 * * *", [0, 0, 0]),
            ("schedule: 0 3 * * *", "schedule: 0 4 * * *", [0, 0, 3]),
            ("schedule: 0 3 * * *", nil, [0, 3, 0]),
            (nil, "schedule: 0 3 * * *", [3, 0, 0]),
            ("schedule: 0 3 * * *", "schedule: 0 3 * * *, suspend: true", [0, 3, 0]),
            ("schedule: 0 3 * * *, suspend: true", "schedule: 0 3 * * *", [3, 0, 0]),
            ("every: 1h", "every: 2h", [0, 36, 0]), ("every: 2h", "every: 1h", [36, 0, 0]),
            ("schedule: 0 3 * * *", "schedule: '0 3,5 * * *'", [3, 0, 0]),
            ("schedule: 0 3 * * *", "schedule: '0 4,5 * * *'", [3, 0, 3]),
            ("schedule: '0 4,5 * * *'", "schedule: 0 3 * * *", [0, 3, 3]),
            ("schedule: 0 3 * * *", "every: 1d, startAt: 2026-01-01T03:00:00Z", [0, 0, 0]),
            (
                "schedule: 0 3 * * *",
                "schedule: 0 3 * * *, calendars: {exclude: [{weekdays: MON}]}", [0, 1, 0]
            ),
            ("every: 1h", "every: 1h, spread: hash", [0, 0, 0]),
            ("every: 1h", "every: 1h, endAt: 2026-11-22T13:00:00Z", [0, 71, 0]),
        ] as [(String?, String?, [Int])])
    func counted(old: String?, new: String?, expected: [Int]) throws {
        #expect(try counts(old, new) == expected)
    }

    @Test("an occurrence is moved on the day of the job's zone, not on that of UTC") func zone()
        throws
    {
        // 23:30 and 00:30 UTC of two days are 15:30 and 16:30 of one in Los Angeles.
        let zone = "timeZone: America/Los_Angeles"
        let found = try difference([
            ("schedule: 30 15 * * *, \(zone)", "schedule: 30 16 * * *, \(zone)")
        ])
        let change = try #require(found.changes.first)
        #expect(change.count(.moved) == 3)
        #expect(change.first(.moved)?.old?.description == "2026-11-22T23:30:00Z")
        #expect(change.first(.moved)?.new?.description == "2026-11-23T00:30:00Z")
        #expect(change.first(.added) == nil)
    }

    @Test("jobs without a difference are not told of, the others by name") func names() throws {
        let found = try difference([
            ("every: 1h", "every: 1h"), (nil, "every: 12h"), ("every: 12h", nil),
        ])
        #expect(found.changes.map(\.job) == ["b", "c"])
        #expect(found.removedCount == 6)
        #expect(try difference([("every: 1h", "every: 1h")]).isEmpty)
    }

    @Test(
        "of a job with after the words are compared",
        arguments: [
            ("after: 1h", "after: 2h", "1h after each completion becomes 2h after each completion"),
            ("after: 1h", nil, "1h after each completion becomes nothing"),
            (nil, "after: 1h", "nothing becomes 1h after each completion"),
            ("after: 1h", "after: 60m", nil),
        ] as [(String?, String?, String?)])
    func after(old: String?, new: String?, words: String?) throws {
        #expect(try difference([(old, new)]).changes.first?.delay == words)
    }

    @Test("what is listed one by one has a bound, what is counted has none") func bounded() throws {
        let change = try #require(
            try difference([("every: 1s", nil)], days: 1).changes.first)
        #expect(change.count(.removed) == 86_400)
        #expect(change.listed.count == JobChange.most)
    }

    // MARK: The command

    private func folder() throws -> Folder {
        func file(_ jobs: String) -> String {
            "version: 1\ndefaults: {timeZone: Europe/Berlin, activeDeadlineSeconds: 5}\njobs:\n"
                + jobs
        }
        let task = "task: sql, parameters: {statement: SELECT 1}"
        return try Folder([
            "old.yaml": file(
                "  a: {\(task), schedule: 30 2 * * *}\n  b: {\(task), schedule: 0 5 * * *}\n"),
            "new.yaml": file(
                "  a: {\(task), schedule: 45 2 * * *}\n  c: {\(task), after: 1h}\n"),
            "bad.yaml": "version: 1\njobs: {a: {evry: 1h}}\n",
        ])
    }

    private func call(_ folder: Folder, _ arguments: String...) async -> CommandCall {
        await CommandCall(
            ["plan"] + arguments.map { $0.replacing("@", with: folder.path + "/") }
                + ["--from", "2027-03-26T12:00:00Z", "--days", "2"])
    }

    @Test("shows each job's changes with the first of them, in its zone") func table() async throws
    {
        let call = await call(try folder(), "@old.yaml", "@new.yaml")
        #expect(call.status == .done)
        #expect(
            call.output == """
                JOB  CHANGE   TIMES  FIRST
                a    moved        1  2027-03-27T02:30:00 becomes 2027-03-27T02:45:00 Europe/Berlin
                b    removed      2  2027-03-27T05:00:00 Europe/Berlin
                c    changed         nothing becomes 1h after each completion
                0 added, 2 removed, 1 moved in the next 2 days

                """)
    }

    @Test("with --fail-if-removed an occurrence that goes is code 1") func fails() async throws {
        let folder = try folder()
        let removed = await call(folder, "@old.yaml", "@new.yaml", "--fail-if-removed")
        #expect(removed.status == .failed)
        #expect(removed.errors == "error: the new schedule removes 2 occurrences\n")
        #expect(removed.output.contains("removed"))
        let same = await call(folder, "@old.yaml", "@old.yaml", "--fail-if-removed")
        #expect(same.status == .done)
        #expect(same.output == "no difference in the next 2 days\n")
    }

    @Test("a schedule with errors is code 2, whichever of the two it is") func invalid()
        async throws
    {
        let folder = try folder()
        for (old, new) in [("@bad.yaml", "@new.yaml"), ("@old.yaml", "@bad.yaml")] {
            let call = await call(folder, old, new)
            #expect(call.status == .usage)
            #expect(call.errors.contains("did you mean 'every'?"))
        }
    }

    @Test("as JSON it has all numbers and the occurrences") func json() async throws {
        let call = await call(try folder(), "@old.yaml", "@new.yaml", "--json")
        let object = try JSONSerialization.jsonObject(with: Data(call.output.utf8))
        let document = try #require(object as? [String: Any])
        #expect(document["removed"] as? Int == 2)
        #expect(document["moved"] as? Int == 1)
        #expect(document["from"] as? String == "2027-03-26T12:00:00Z")
        let jobs = try #require(document["jobs"] as? [[String: Any]])
        #expect(jobs.compactMap { $0["job"] as? String } == ["a", "b", "c"])
        let moved = try #require(jobs.first?["occurrences"] as? [[String: String]])
        #expect(
            moved == [
                ["change": "moved", "old": "2027-03-27T01:30:00Z", "new": "2027-03-27T01:45:00Z"]
            ])
    }

    @Test("takes a sensible number of days", arguments: ["0", "-1", "3661", "x"])
    func days(text: String) async throws {
        let call = await CommandCall(["plan", "a", "b", "--days", text])
        #expect(call.status == .usage)
        #expect(call.errors.contains("--days") || call.errors.contains("'-1'"))
    }
}
