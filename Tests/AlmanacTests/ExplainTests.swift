import Foundation
import Testing

@testable import Almanac

@Suite("The command explain")
struct ExplainTests {
    private func call(_ arguments: String...) async -> CommandCall {
        await CommandCall(["explain"] + arguments)
    }

    @Test("says what an expression means, and when it is due in the zone and in UTC")
    func table() async {
        let call = await call(
            "30 2 * * MON-FRI", "--time-zone", "Europe/Berlin", "--from", "2027-03-25T12:00:00Z",
            "--count", "2")
        #expect(call.status == .done)
        #expect(
            call.output == """
                At 02:30 on Monday to Friday, Europe/Berlin time.

                LOCAL                              UTC
                2027-03-26T02:30:00 Europe/Berlin  2027-03-26T01:30:00Z
                2027-03-29T02:30:00 Europe/Berlin  2027-03-29T00:30:00Z

                """)
    }

    @Test(
        "marks what changes of the clocks do",
        arguments: [
            (
                "30 2 * * *", "2027-03-27T12:00:00Z",
                ["instead of 02:30:00, which the clock skips", ""]
            ),
            ("30 2 * * *", "2027-10-30T12:00:00Z", ["the time comes twice: first", ""]),
            (
                "30 * * * *", "2027-10-31T00:15:00Z",
                ["the time comes twice: first", "the time comes twice: second"]
            ),
        ])
    func clockChanges(expression: String, from: String, remarks: [String]) async {
        let call = await call(
            expression, "--time-zone", "Europe/Berlin", "--from", from, "--count", "2")
        let lines = call.output.split(separator: "\n").suffix(2)
        for (line, remark) in zip(lines, remarks) {
            #expect(remark.isEmpty ? line.hasSuffix("Z") : line.hasSuffix("Z  " + remark))
        }
    }

    @Test("warns of what is probably not meant") func warnings() async {
        let call = await call("0 9 13 * FRI", "--count", "0")
        #expect(call.output.contains("Note: day of month and weekday are both restricted"))
        #expect(!call.output.contains("LOCAL"))
    }

    @Test("takes an expression that the shell has split") func split() async {
        let one = await call("0", "0", "L", "*", "*", "--from", "2026-01-01T00:00:00Z")
        let other = await call("0 0 L * *", "--from", "2026-01-01T00:00:00Z")
        #expect(one.status == .done)
        #expect(one.output == other.output)
    }

    @Test("shows where an expression is wrong, and what would be valid") func errors() async {
        let call = await call("0 25 * * *")
        #expect(call.status == .usage)
        #expect(
            call.errors
                == "error: hour: 25 is out of range; use 0 to 23\n    0 25 * * *\n      ^\n")
        #expect(call.output == "")
    }

    @Test(
        "refuses what it cannot explain",
        arguments: [
            (["@every 5m"], "every"), ([""], "empty"), (["* * *"], "found 3 fields"),
            (["@daily", "--time-zone", "Berlin"], "did you mean 'Europe/Berlin'?"),
            (["@daily", "--time-zone", "Mars"], "there is no time zone 'Mars'"),
            (["@daily", "--from", "noon"], "--from: 'noon' is no instant"),
            (["@daily", "--count", "-1"], "--count"),
            (["@daily", "--count", "10001"], "--count takes a number from 0 to 10000"),
            (["\u{1B}[31m"], "U+001B"),
        ])
    func refused(arguments: [String], message: String) async {
        let call = await CommandCall(["explain"] + arguments)
        #expect(call.status == .usage)
        #expect(call.errors.contains(message), "\(call.errors)")
        #expect(!call.errors.contains("\u{1B}"))
    }

    @Test("an endless expression is answered briefly") func long() async {
        let call = await call(String(repeating: "1,", count: 500_000))
        #expect(call.status == .usage)
        #expect(call.errors.utf8.count < 1_000)
    }

    @Test("as JSON it has the same facts") func json() async throws {
        let call = await call(
            "0 9 13 * FRI", "--json", "--count", "1", "--from", "2026-11-22T00:00:00Z")
        let object = try JSONSerialization.jsonObject(with: Data(call.output.utf8))
        let document = try #require(object as? [String: Any])
        #expect(document["expression"] as? String == "0 9 13 * FRI")
        #expect((document["meaning"] as? String)?.contains("13th") == true)
        #expect(document["time_zone"] as? String == "UTC")
        #expect((document["warnings"] as? [String])?.count == 1)
        let next = try #require(document["next"] as? [[String: String]])
        #expect(next == [["local": "2026-11-27T09:00:00 UTC", "utc": "2026-11-27T09:00:00Z"]])
    }

    @Test("an expression that never fires is explained, and has no instants") func never() async {
        let call = await call("0 0 30 2 *")
        #expect(call.status == .done)
        #expect(call.output.contains("never"))
        #expect(!call.output.contains("LOCAL"))
    }
}
