import Testing

@testable import AlmanacCore

@Suite("What was probably meant")
struct SuggestionTests {
    static let keys = ["task", "schedule", "timeZone", "activeDeadlineSeconds", "suspend", "every"]

    @Test(
        "a near miss finds its name",
        arguments: [
            ("tsak", "task"), ("taks", "task"), ("tas", "task"), ("TASK", "task"),
            ("shedule", "schedule"),
            ("schedul", "schedule"), ("schedules", "schedule"), ("timezone", "timeZone"),
            ("time_zone", "timeZone"), ("time-zone", "timeZone"), ("timeZome", "timeZone"),
            ("active_deadline_seconds", "activeDeadlineSeconds"), ("activeDeadline", nil),
            ("suspended", "suspend"), ("evry", "every"), ("x", nil), ("", nil), ("colour", nil),
            ("-", nil),
            (String(repeating: "task", count: 50), nil),
        ] as [(String, String?)])
    func near(name: String, meant: String?) {
        #expect(Suggestion.nearest(to: name, among: Self.keys).first == meant)
    }

    @Test("the nearest come first, equals by name") func order() {
        let names = ["daily-b", "daily-a", "dailyy", "weekly"]
        #expect(
            Suggestion.nearest(to: "daily", among: names, count: 3)
                == ["daily-a", "daily-b", "dailyy"])
        #expect(
            Suggestion.nearest(to: "daily-c", among: names, count: 2) == ["daily-a", "daily-b"])
    }

    @Test("lists read as a sentence") func lists() {
        #expect(Suggestion.list([], joinedBy: "or") == "")
        #expect(Suggestion.list(["a"], joinedBy: "or") == "'a'")
        #expect(Suggestion.list(["a", "b", "c"], joinedBy: "and") == "'a', 'b' and 'c'")
        #expect(
            Suggestion.list(["a", "b", "c"], joinedBy: "and", limit: 2) == "'a', 'b' and 1 more")
        #expect(
            Suggestion.question(for: "tsk", among: ["task", "tusk"], count: 2)
                == "did you mean 'task' or 'tusk'?")
        #expect(Suggestion.question(for: "x", among: ["task"]) == nil)
    }

    @Test("long texts are shortened") func shortened() {
        #expect("abc".shortened(to: 3) == "abc")
        #expect("abcd".shortened(to: 3) == "abc…")
        #expect("".shortened(to: 3) == "")
    }
}
