import Foundation
import Scheduling
import Testing

/// One line of cron-cases.jsonl.
private struct CronCase: Decodable, Sendable, CustomTestStringConvertible {
    let id: String
    let expr: String
    let tz: String?
    let from: String?
    let next: [String]?
    let error: Bool?

    var testDescription: String { "\(id) \(expr) \(tz ?? "")" }

    static func all() throws -> [CronCase] {
        let url = try #require(
            Bundle.module.url(forResource: "cron-cases", withExtension: "jsonl"))
        let text = try String(contentsOf: url, encoding: .utf8)
        return try text.split(separator: "\n").map {
            try JSONDecoder().decode(CronCase.self, from: Data($0.utf8))
        }
    }
}

@Suite("Agreed cases of other cron implementations")
struct CronCorpusTests {
    @Test("all 120 cases are there")
    func count() throws {
        #expect(try CronCase.all().count == 120)
    }

    @Test("the next five instants are the agreed ones")
    func next() throws {
        for entry in try CronCase.all() where entry.error != true {
            let expected = try #require(entry.next)
            let zone = try Zone(#require(entry.tz))
            let expression = try CronExpression(entry.expr)
            let from = try #require(entry.from)
            var instant = try #require(Instant(iso8601: from))
            var found: [String] = []
            while found.count < 5, let next = expression.next(after: instant, in: zone) {
                found.append(next.description)
                instant = next
            }
            #expect(found == expected, "\(entry.testDescription)")
        }
    }

    @Test("what is invalid is refused")
    func refusals() throws {
        for entry in try CronCase.all() where entry.error == true {
            #expect(throws: CronError.self, "\(entry.testDescription)") {
                try CronExpression(entry.expr)
            }
        }
    }
}
