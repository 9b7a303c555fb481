import Scheduling
import Testing

@testable import AlmanacCore

@Suite("What a node writes of its next occurrences")
struct DueBookTests {
    private static let start = Instant(secondsSinceEpoch: 1_767_225_600)

    private static func planner(_ jobs: [String: String]) throws -> Planner {
        var planner = Planner(watermark: start)
        let planned = try jobs.sorted { $0.key < $1.key }.map { name, keys in
            let text = try job("task: cleanup, \(keys)").canonicalText
            let job = try #require(AccountedJob(name: name, definition: text))
            return job.planned(from: start, after: nil)
        }
        _ = planner.handle(.schedule(planned, now: start))
        return planner
    }

    private static func text(_ change: DueChange?) -> [String]? {
        change.map { change in
            change.entries.map { entry in
                let again = entry.againAt.map { " \($0.seconds(since: start))" } ?? ""
                return "\(entry.job) \(entry.dueAt.seconds(since: start))\(again)"
            } + change.gone.map { "\($0) gone" } + (change.all.map { ["all \($0.count)"] } ?? [])
        }
    }

    @Test("all jobs are written when a schedule comes into force, and then what has changed")
    func begins() throws {
        var planner = try Self.planner(["a": "every: 1m", "b": "every: 1h"])
        var book = DueBook()
        let first = book.change(of: planner, now: Self.start, uptime: .zero)
        #expect(Self.text(first) == ["a 60 120", "b 3600 7200", "all 2"])
        // One change is on its way at most.
        #expect(book.change(of: planner, now: Self.start, uptime: .seconds(10)) == nil)
        book.ended(try #require(first), hasFailed: false)
        #expect(book.change(of: planner, now: Self.start, uptime: .seconds(20)) == nil)
        _ = planner.handle(.tick(now: Self.start.advanced(bySeconds: 60)))
        let now = Self.start.advanced(bySeconds: 61)
        #expect(book.change(of: planner, now: now, uptime: .seconds(22)) == nil, "too soon")
        let second = book.change(of: planner, now: now, uptime: .seconds(30))
        #expect(Self.text(second) == ["a 120 180"])
    }

    @Test("what could not be written is written at the next look")
    func failure() throws {
        let planner = try Self.planner(["a": "every: 1m"])
        var book = DueBook()
        let found = book.change(of: planner, now: Self.start, uptime: .zero)
        let first = try #require(found)
        book.ended(first, hasFailed: true)
        #expect(book.change(of: planner, now: Self.start, uptime: .seconds(5)) == first)
    }

    @Test("a job each second is written every ten seconds, and its second mark is never passed")
    func rapid() throws {
        var planner = try Self.planner(["a": "every: 1s"])
        var book = DueBook()
        var writes = 0
        var mark = Self.start
        for second in 0..<600 as Range<Int64> {
            let now = Self.start.advanced(bySeconds: second)
            _ = planner.handle(.tick(now: now))
            if second > 0 { #expect(mark > now, "second \(second)") }
            if let change = book.change(of: planner, now: now, uptime: .seconds(second)) {
                writes += 1
                mark = try #require(change.entries.first?.againAt)
                book.ended(change, hasFailed: false)
            }
        }
        #expect((40...61).contains(writes), "\(writes)")
    }

    @Test("what is suspended, over or recurs by a delay has no entry")
    func without() throws {
        let jobs = [
            "a": "every: 1m, suspend: true", "b": "after: 1m",
            "c": "every: 1m, endAt: 2026-01-01T00:01:00Z", "d": "every: 1m",
        ]
        var planner = try Self.planner(jobs)
        var book = DueBook()
        let found = book.change(of: planner, now: Self.start, uptime: .zero)
        let first = try #require(found)
        #expect(Self.text(first) == ["c 60", "d 60 120", "all 2"])
        book.ended(first, hasFailed: false)
        let now = Self.start.advanced(bySeconds: 60)
        _ = planner.handle(.tick(now: now))
        let second = book.change(of: planner, now: now, uptime: .seconds(60))
        #expect(Self.text(second) == ["d 120 180", "c gone"])
    }

    @Test("an offset and an excluded day are reckoned in")
    func offsets() throws {
        let planner = try Self.planner([
            "a": "every: 1m, jitterSeconds: 40",
            // The first of January is a Thursday.
            "b": "schedule: \"0 12 * * *\", calendars: {exclude: [{weekdays: THU}]}",
        ])
        var book = DueBook()
        let found = book.change(of: planner, now: Self.start, uptime: .zero)
        let change = try #require(found)
        let jittered = try #require(change.entries.first)
        #expect((0...40).contains(jittered.startsAt.seconds(since: jittered.dueAt)))
        #expect(change.entries.last?.dueAt == Self.start.advanced(bySeconds: 86_400 + 43_200))
        #expect(change.entries.last?.startsAt == change.entries.last?.dueAt)
    }
}
