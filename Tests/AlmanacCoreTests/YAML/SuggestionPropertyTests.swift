import Testing

@testable import AlmanacCore

@Suite("A misspelt name at random")
struct SuggestionPropertyTests {
    static let names = [
        "schedule", "timeZone", "activeDeadlineSeconds", "description", "parameters", "transaction",
    ]

    @Test("finds its name after one slip", arguments: [UInt64](1...4)) func oneSlip(seed: UInt64) {
        var generator = ScheduleFuzzTests.Generator(state: seed)
        for _ in 0..<300 {
            let name = Self.names.randomElement(using: &generator) ?? ""
            var letters = Array(name)
            let place = Int.random(in: 0..<(letters.count - 1), using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: letters.remove(at: place)
            case 1: letters.insert("q", at: place)
            case 2: letters[place] = "q"
            default: letters.swapAt(place, place + 1)
            }
            let wrong = String(letters)
            #expect(
                Suggestion.nearest(to: wrong, among: Self.names) == [name], "seed \(seed): \(wrong)"
            )
        }
    }

    @Test(
        "finds nothing at a distance of more than a third",
        arguments: [
            ("abc", "abd", true), ("abc", "ade", false), ("ab", "ab", true), ("ab", "ac", false),
            ("abcdef", "abcdxy", true), ("abcdef", "abcxyz", false), ("abcdef", "abcdefgh", true),
            ("abcdef", "abcdefghi", false), ("abcd", "badc", false), ("abcd", "bacd", true),
            ("abcdef", "badcef", true), ("ca", "abc", false), ("A-B_C", "abc", true),
            (String(repeating: "a", count: 64), String(repeating: "a", count: 64), true),
            (String(repeating: "a", count: 65), String(repeating: "a", count: 65), false),
            ("___", "abc", false),
        ])
    func distance(name: String, other: String, isNear: Bool) {
        #expect(Suggestion.nearest(to: name, among: [other]).isEmpty == !isNear)
    }

    @Test("is answered with as many names as were asked for, the nearest first") func several() {
        let names = ["load-aa", "load-b", "load-a", "upload"]
        #expect(
            Suggestion.nearest(to: "load-a", among: names, count: 9) == [
                "load-a", "load-aa", "load-b",
            ])
        #expect(Suggestion.nearest(to: "load-a", among: names, count: 0) == [])
        #expect(
            Suggestion.question(for: "load-c", among: names, count: 3)
                == "did you mean 'load-a' or 'load-b'?")
    }

    @Test("a list of twelve names is told whole, a longer one with the number of the others")
    func longLists() {
        let names = (1...14).map { "n\($0)" }
        #expect(
            Suggestion.list(names.prefix(12), joinedBy: "and").hasSuffix("'n11' and 'n12'"))
        #expect(Suggestion.list(names, joinedBy: "or").hasSuffix("'n11', 'n12' or 2 more"))
        #expect(Suggestion.list(["a", "b"], joinedBy: "or") == "'a' or 'b'")
    }
}
