import Testing

@testable import Scheduling

@Suite("Recurrences")
struct RecurrenceTests {
    private static let midnight = Instant("2026-01-01T00:00:00Z")

    @Test(
        "a fixed rate is anchored",
        arguments: [
            // seconds, anchor, after, next; relative to midnight
            (60, 0, 0, 60), (60, 0, 59, 60), (60, 0, 60, 120), (60, 0, -1, 0), (60, 0, -1_000, 0),
            (7, 3, 3, 10), (7, 3, 9, 10), (86_400, 0, 1, 86_400), (1, 0, 12_345, 12_346),
        ] as [(Int64, Int64, Int64, Int64)])
    func fixedRate(seconds: Int64, anchor: Int64, after: Int64, next: Int64) {
        let midnight = Self.midnight
        let recurrence = Recurrence.every(
            seconds: seconds, anchor: midnight.advanced(bySeconds: anchor))
        #expect(
            recurrence.next(after: midnight.advanced(bySeconds: after))
                == midnight.advanced(bySeconds: next))
    }

    @Test("extreme rates end instead of overflowing")
    func extremes() {
        let ends: [Instant] = [
            .distantPast, .distantFuture, Instant(secondsSinceEpoch: .min),
            Instant(secondsSinceEpoch: .max), Self.midnight,
        ]
        for seconds in [Int64.min, -1, 0, 1, 2, .max - 1, .max] {
            for anchor in ends {
                for after in ends {
                    let next = Recurrence.every(seconds: seconds, anchor: anchor).next(after: after)
                    guard let next else { continue }
                    #expect(next > after && next < .distantFuture && next >= anchor)
                }
            }
        }
        #expect(Recurrence.every(seconds: 0, anchor: .distantPast).next(after: .distantPast) == nil)
        #expect(Recurrence.union([]).next(after: .distantPast) == nil)
    }

    @Test("a union is due whenever a member is, once where they coincide")
    func union() throws {
        let union = Recurrence.union([
            .cron(try CronExpression("0 6 * * *"), try Zone("Europe/Berlin")),
            .cron(try CronExpression("0 5 * * *"), .utc),
            .every(seconds: 43_200, anchor: Self.midnight),
        ])
        var instant = Self.midnight
        var found: [String] = []
        while found.count < 4, let next = union.next(after: instant) {
            found.append(next.description)
            instant = next
        }
        #expect(
            found == [
                "2026-01-01T05:00:00Z", "2026-01-01T12:00:00Z", "2026-01-02T00:00:00Z",
                "2026-01-02T05:00:00Z",
            ])
    }

    @Test("what is due in a stretch of time is counted, and listed if it is little")
    func due() throws {
        let everySecond = try CronExpression("* * * * * *")
        let recurrences: [Recurrence] = [
            .every(seconds: 1, anchor: Self.midnight), .cron(everySecond, .utc),
            .union([.every(seconds: 1, anchor: Self.midnight)]),
        ]
        let first = NominalInstant(Self.midnight, .fires)
        for recurrence in recurrences {
            for count in [1, 2, 100, 101, 102, 5_000] as [Int64] {
                let last = Self.midnight.advanced(bySeconds: count - 1)
                let due = recurrence.due(from: first, through: last)
                #expect(due.latest == last)
                #expect(due.following?.instant == last.advanced(bySeconds: 1))
                let run = try #require(due.runs.first)
                #expect(due.runs.count == 1 && run.count == Int(count))
                #expect(run.first == Self.midnight && run.last == last)
                #expect(run.instants?.count == (count > 100 ? nil : Int(count)))
                let listed = run.instants ?? []
                #expect(listed.enumerated().allSatisfy { $1.seconds(since: Self.midnight) == $0 })
                let earlier = recurrence.split(run, at: run.last).before
                #expect((earlier?.count ?? 0) == Int(count - 1))
                #expect((earlier?.instants == nil) == (count == 1 || count > 101))
            }
        }
    }

    @Test("a century of seconds at a fixed rate is counted without walking over them")
    func century() {
        let due = Recurrence.every(seconds: 1, anchor: .distantPast).due(
            from: NominalInstant(.distantPast, .fires), through: Instant(secondsSinceEpoch: .max))
        #expect(due.latest == Instant.distantFuture.advanced(bySeconds: -1))
        #expect(due.runs.first?.count == 7_258_118_400)
        #expect(due.following == nil)
    }

    @Test("a heap gives its elements in order")
    func heap() {
        var random = SeededGenerator.announced("heap")
        for size in [0, 1, 2, 3, 10, 500] {
            let numbers = (0..<size).map { _ in random.int(0...99) }
            var built = MinHeap(numbers)
            var grown = MinHeap<Int>()
            for number in numbers { grown.insert(number) }
            #expect(built.count == size)
            for expected in numbers.sorted() {
                #expect(built.min == expected)
                #expect(built.removeMin() == expected)
                #expect(grown.removeMin() == expected)
            }
            #expect(built.removeMin() == nil)
            built.replaceMin(with: 1)
            #expect(built.min == 1)
        }
    }
}
