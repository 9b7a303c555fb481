import Foundation
import Testing

@testable import Almanac

/// One line of cron-cases.jsonl.
private struct CronCase: Decodable {
    let id: String
    let expr: String
    let tz: String?
    let from: String?
    let next: [String]?
    let error: Bool?

    static func all() throws -> [CronCase] {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../SchedulingTests/cron-cases.jsonl")
        let text = try String(contentsOf: file, encoding: .utf8)
        return try text.split(separator: "\n").map {
            try JSONDecoder().decode(CronCase.self, from: Data($0.utf8))
        }
    }
}

private struct Answer: Decodable, Equatable {
    var next: [String]?
    var error: String?

    /// The answer to a question as the program gives it.
    init(to line: String) throws {
        let text = NextQuestions.answer(line)
        #expect(!text.contains("\n"))
        self = try JSONDecoder().decode(Answer.self, from: Data(text.utf8))
    }

    /// The answer to a question made of its members.
    init(to members: [String: Any]) throws {
        let data = try JSONSerialization.data(withJSONObject: members)
        self = try Answer(to: String(decoding: data, as: UTF8.self))
    }
}

@Suite("The dialogue of next --stdin")
struct NextQuestionsTests {
    @Test("all agreed cases are answered as agreed, and what is invalid with an error")
    func corpus() throws {
        let cases = try CronCase.all()
        #expect(cases.count == 120)
        for entry in cases {
            let answer = try Answer(to: [
                "expr": entry.expr, "tz": entry.tz ?? "UTC",
                "from": entry.from ?? "2026-01-01T00:00:00Z", "count": entry.next?.count ?? 1,
            ])
            #expect(answer.next == entry.next, "\(entry.id)")
            #expect((answer.error != nil) == (entry.error == true), "\(entry.id)")
        }
    }

    @Test("the zone is UTC and the count 1 unless the question says something else")
    func defaults() throws {
        let answer = try Answer(to: #"{"expr":"30 2 * * *","from":"2026-03-28T00:00:00Z"}"#)
        #expect(answer.next == ["2026-03-28T02:30:00Z"])
    }

    @Test("the answer is one object with one member, exactly")
    func form() {
        let answer = NextQuestions.answer(
            #"{"expr":"0 0 * * *","from":"2026-03-28T00:00:00Z","count":2,"tz":null}"#)
        #expect(answer == #"{"next":["2026-03-29T00:00:00Z","2026-03-30T00:00:00Z"]}"#)
    }

    @Test(
        "a change of the clocks is in the answer",
        arguments: [
            (
                "30 2 * * *", "2026-03-28T12:00:00Z",
                ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
            ),
            (
                "30 2 * * *", "2026-10-24T12:00:00Z",
                ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
            ),
        ])
    func clockChange(expression: String, from: String, expected: [String]) throws {
        let answer = try Answer(to: [
            "expr": expression, "tz": "Europe/Berlin", "from": from, "count": 2,
        ])
        #expect(answer.next == expected)
    }

    @Test("fewer than asked for where no more exist, none where there is none")
    func fewer() throws {
        let last = try Answer(to: [
            "expr": "0 0 1 1 *", "from": "2198-06-01T00:00:00Z", "count": 5,
        ])
        #expect(last.next == ["2199-01-01T00:00:00Z"])
        let none = try Answer(to: [
            "expr": "0 0 1 1 *", "from": "2026-06-01T00:00:00Z", "count": 0,
        ])
        #expect(none.next == [])
    }

    @Test("as many as ten thousand at once")
    func many() throws {
        let answer = try Answer(to: [
            "expr": "* * * * * *", "from": "2026-06-01T00:00:00Z", "count": 10_000,
        ])
        #expect(answer.next?.count == 10_000)
        #expect(answer.next?.last == "2026-06-01T02:46:40Z")
    }

    @Test(
        "what is no question is answered with what a question is",
        arguments: [
            "garbage", "", "null", "[]", "42", "\"text\"", "{", "{}", #"{"expr":"* * * * *"}"#,
            #"{"from":"2026-03-28T00:00:00Z"}"#, #"{"expr":5,"from":"2026-03-28T00:00:00Z"}"#,
            #"{"expr":"* * * * *","from":1774656000}"#, "\u{0}", "{\"expr\":\u{1}}",
            #"{"expr":"* * * * *","from":"2026-03-28T00:00:00Z","count":"3"}"#,
            #"{"expr":"* * * * *","from":"2026-03-28T00:00:00Z","count":1.5}"#,
            #"{"expr":"* * * * *","from":"2026-03-28T00:00:00Z","count":1e300}"#,
            #"{"expr":"* * * * *","from":"2026-03-28T00:00:00Z","tz":5}"#,
        ])
    func garbage(line: String) throws {
        let error = try #require(try Answer(to: line).error)
        #expect(error.contains("expr and from are needed"))
    }

    @Test(
        "a question that makes no sense is told why",
        arguments: [
            ("* * * * *", "Europe/Berlim", "2026-03-28T00:00:00Z", 1, "Europe/Berlin"),
            ("* * * * *", "", "2026-03-28T00:00:00Z", 1, "zone"),
            ("61 * * * *", "UTC", "2026-03-28T00:00:00Z", 1, "61"),
            ("* * *", "UTC", "2026-03-28T00:00:00Z", 1, "field"),
            ("", "UTC", "2026-03-28T00:00:00Z", 1, "empty"),
            ("* * * * *", "UTC", "2026-03-28", 1, "from is no ISO 8601 instant"),
            ("* * * * *", "UTC", "2026-03-28T00:00:00", 1, "with an offset"),
            ("* * * * *", "UTC", "2026-02-30T00:00:00Z", 1, "from is no ISO 8601 instant"),
            ("* * * * *", "UTC", "now", 1, "from is no ISO 8601 instant"),
            ("* * * * *", "UTC", "2026-03-28T00:00:00Z", -1, "from 0 to 10000"),
            ("* * * * *", "UTC", "2026-03-28T00:00:00Z", 10_001, "from 0 to 10000"),
            ("* * * * *", "UTC", "2026-03-28T00:00:00Z", Int.max, "from 0 to 10000"),
        ])
    func senseless(
        expression: String, zone: String, from: String, count: Int, expected: String
    ) throws {
        let answer = try Answer(to: [
            "expr": expression, "tz": zone, "from": from, "count": count,
        ])
        #expect(answer.next == nil)
        #expect(answer.error?.contains(expected) == true, "\(answer)")
    }
}
