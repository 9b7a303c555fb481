import Testing

@testable import Scheduling

@Suite("Small parts")
struct SmallPartTests {
    @Test("unsettled instants know their earliest, and forget what is gone")
    func unsettled() {
        var random = SeededGenerator.announced("unsettled instants")
        var instants = UnsettledInstants()
        var naive: [Int64] = [1]
        instants.insert(Instant(secondsSinceEpoch: 1))
        for _ in 0..<5_000 {
            if random.chance(0.5) || naive.count < 2 {
                let second = Int64(random.int(2...60))
                naive.append(second)
                instants.insert(Instant(secondsSinceEpoch: second))
            } else {
                let second = naive.remove(at: random.int(1...naive.count - 1))
                instants.remove(Instant(secondsSinceEpoch: second))
            }
            #expect(instants.earliest?.secondsSinceEpoch == naive.min())
        }
        for second in naive { instants.remove(Instant(secondsSinceEpoch: second)) }
        #expect(instants.earliest == nil)
        instants.remove(Instant(secondsSinceEpoch: 5))
        #expect(instants.earliest == nil)
    }

    @Test("a heap without some of its elements is still one")
    func heap() {
        var heap = MinHeap((0..<100).map { $0 * 37 % 100 })
        heap.removeAll { $0 % 3 == 0 }
        var rest: [Int] = []
        while let least = heap.removeMin() { rest.append(least) }
        #expect(rest == (0..<100).filter { $0 % 3 != 0 })
    }

    @Test(
        "values are told apart into progressions",
        arguments: [
            ([], []), ([5], [(5, 5, 0)]), ([5, 6], [(5, 5, 0), (6, 6, 0)]),
            ([1, 2, 3, 9], [(1, 3, 1), (9, 9, 0)]), ([0, 7, 14, 15], [(0, 14, 7), (15, 15, 0)]),
            ([1, 3, 4, 5], [(1, 1, 0), (3, 5, 1)]),
        ] as [([Int], [(Int, Int, Int)])])
    func progressions(values: [Int], expected: [(Int, Int, Int)]) {
        #expect(
            Progression.all(of: values)
                == expected.map { Progression(first: $0.0, last: $0.1, step: $0.2) })
    }

    @Test("one progression is all values or none")
    func oneProgression() {
        #expect(Progression.one(of: []) == nil)
        #expect(Progression.one(of: [4]) == Progression(first: 4, last: 4, step: 0))
        #expect(Progression.one(of: [4, 9]) == Progression(first: 4, last: 9, step: 5))
        #expect(Progression.one(of: [4, 9, 15]) == nil)
    }

    @Test("numbers, lists and times are English")
    func words() {
        let ordinals = [
            1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th",
            21: "21st", 22: "22nd", 23: "23rd", 31: "31st", 111: "111th",
        ]
        for (number, text) in ordinals { #expect(Words.ordinal(number) == text) }
        #expect(Words.ordinalWord(3) == "third" && Words.ordinalWord(11) == "11th")
        #expect(Words.list([]).isEmpty && Words.list(["a"]) == "a")
        #expect(Words.list(["a", "b"]) == "a and b")
        #expect(Words.list(["a", "b", "c"], "or") == "a, b or c")
        #expect(Words.time(9_015, seconds: true) == "02:30:15")
        #expect(Words.time(9_000, seconds: false) == "02:30")
    }

    @Test("a zone's stretches know what was shown before and will be shown after")
    func segments() {
        // Forward by an hour at 10,000; back by two hours at 50,000; forward at 90,000.
        let table = ZoneTable(
            initialOffset: 0,
            changes: [(10_000, 3_600), (20_000, 3_600), (50_000, -3_600), (90_000, 0)])
        #expect(table.segments.count == 4)
        #expect(table.segments.map(\.highWater) == [.min, 10_000, 53_600, 86_400 + 0])
        #expect(table.segments.map(\.lowWater) == [13_600, 46_400, 90_000, .max])
        #expect(table.shows(50_000, after: 1) && table.shows(50_000, before: 2))
        #expect(!table.shows(12_000, after: 0), "it lies in the gap")
        #expect(!table.shows(60_000, before: 2))
        #expect(table.firstInstant(reachingWall: 12_000) == 10_000)
        #expect(table.firstInstant(reachingWall: 50_000) == 46_400)
        #expect(table.index(at: .min) == 0 && table.index(at: 89_999) == 2)
        #expect(table.index(at: .max) == 3)
    }
}
