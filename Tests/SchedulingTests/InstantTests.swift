import Foundation
import Scheduling
import Testing

@Suite("Instants")
struct InstantTests {
    @Test(
        "RFC 3339 text is read",
        arguments: [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T00:00:00+00:00", 0),
            ("1970-01-01T01:00:00+01:00", 0),
            ("1969-12-31T18:30:00-05:30", 0),
            ("1970-01-01t00:00:01z", 1),
            ("1970-01-01 00:00:01Z", 1),
            ("1970-01-01T00:00:01.999999999999Z", 1),
            ("1969-12-31T23:59:59.25Z", -1),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2026-11-22T17:00:00Z", 1_795_366_800),
            ("2016-12-31T23:59:60Z", 1_483_228_800),
            ("2017-01-01T00:59:60+01:00", 1_483_228_800),
            ("2200-01-01T00:00:00Z", 7_258_118_400),
            ("0000-03-01T00:00:00Z", -62_162_035_200),
            ("9999-12-31T23:59:59-23:59", 253_402_387_139),
        ])
    func reading(text: String, seconds: Int64) {
        #expect(Instant(iso8601: text)?.secondsSinceEpoch == seconds)
    }

    @Test(
        "what is not RFC 3339 is refused",
        arguments: [
            "", "now", "2026-11-22", "2026-11-22T17:00:00", "2026-11-22T17:00Z",
            "2026-11-22T17:00:00+1:00", "2026-11-22T17:00:00+0100", "2026-11-22T17:00:00+24:00",
            "2026-11-22T17:00:00+01:60", "2026-11-22T17:00:00.Z", "2026-11-22T17:00:00Z ",
            " 2026-11-22T17:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
            "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
            "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:61Z", "2026-01-01T12:00:60Z", "2026-01-01T23:59:60+01:00",
            "-026-01-01T00:00:00Z", "+2026-01-01T00:00:00Z", "２０２６-01-01T00:00:00Z",
            "2026-01-01T00:00:00." + String(repeating: "9", count: 100) + "Z",
        ])
    func refusal(text: String) {
        #expect(Instant(iso8601: text) == nil)
    }

    @Test("description is RFC 3339 in UTC and is read back")
    func description() {
        #expect(Instant(secondsSinceEpoch: 1_795_366_800).description == "2026-11-22T17:00:00Z")
        #expect(Instant.distantPast.description == "1970-01-01T00:00:00Z")
        #expect(Instant.distantFuture.description == "2200-01-01T00:00:00Z")
        var random = SeededGenerator.announced("instant description")
        for _ in 0..<2_000 {
            let seconds = Int64.random(in: -60_000_000_000...250_000_000_000, using: &random)
            let instant = Instant(secondsSinceEpoch: seconds)
            #expect(Instant(iso8601: instant.description) == instant)
        }
    }

    @Test("arithmetic saturates and extremes have a description")
    func extremes() {
        let last = Instant(secondsSinceEpoch: .max)
        let first = Instant(secondsSinceEpoch: .min)
        #expect(last.advanced(bySeconds: 1) == last)
        #expect(first.advanced(bySeconds: -1) == first)
        #expect(last.advanced(bySeconds: -1) < last)
        #expect(last.seconds(since: first) == .max)
        #expect(first.seconds(since: last) == .min)
        #expect(Instant(secondsSinceEpoch: 90).seconds(since: .distantPast) == 90)
        #expect(last.description.hasSuffix("T15:30:07Z"))
        #expect(first.description.hasSuffix("T08:29:52Z"))
    }

    @Test("JSON holds the text")
    func coding() throws {
        let instant = Instant("2026-11-22T17:00:00Z")
        let json = try JSONEncoder().encode([instant])
        #expect(String(decoding: json, as: UTF8.self) == #"["2026-11-22T17:00:00Z"]"#)
        #expect(try JSONDecoder().decode([Instant].self, from: json) == [instant])
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([Instant].self, from: Data(#"["today"]"#.utf8))
        }
    }
}

@Suite("Civil time")
struct CivilTimeTests {
    @Test("every day from 1960 to 2210 follows the one before")
    func everyDay() throws {
        var expected = try #require(CivilTime(year: 1960, month: 1, day: 1))
        var number = expected.dayNumber
        #expect(number == -3653)
        #expect(expected.weekday == 5)
        var weekday = 5
        var wrong = 0
        while expected.year < 2210 {
            let found = CivilTime(secondsSinceEpoch: number * 86_400)
            if found != expected || found.weekday != weekday || found.dayNumber != number {
                wrong += 1
            }
            number += 1
            weekday = (weekday + 1) % 7
            expected = try #require(following(expected))
        }
        #expect(wrong == 0)
        #expect(number == CivilTime(year: 2210, month: 1, day: 1)?.dayNumber)
    }

    private func following(_ date: CivilTime) -> CivilTime? {
        CivilTime(year: date.year, month: date.month, day: date.day + 1)
            ?? CivilTime(year: date.year, month: date.month + 1, day: 1)
            ?? CivilTime(year: date.year + 1, month: 1, day: 1)
    }

    @Test("parts are those of the second of the day")
    func parts() {
        let last = CivilTime(secondsSinceEpoch: -1)
        #expect(last.description == "1969-12-31T23:59:59")
        #expect(last.secondsSinceEpoch == -1)
        #expect(last < CivilTime(secondsSinceEpoch: 0))
        #expect(CivilTime(secondsSinceEpoch: 3_725).description == "1970-01-01T01:02:05")
        #expect(CivilTime(year: -1, month: 3, day: 1)?.description == "-0001-03-01T00:00:00")
    }

    @Test(
        "dates and times that do not exist are refused",
        arguments: [
            [2025, 2, 29, 0, 0, 0], [2100, 2, 29, 0, 0, 0], [2024, 4, 31, 0, 0, 0],
            [2024, 0, 1, 0, 0, 0], [2024, 13, 1, 0, 0, 0], [2024, 1, 0, 0, 0, 0],
            [2024, 1, 1, 24, 0, 0], [2024, 1, 1, 0, 60, 0], [2024, 1, 1, 0, 0, 60],
            [2024, 1, 1, -1, 0, 0], [10_000, 1, 1, 0, 0, 0],
        ])
    func impossible(parts: [Int]) {
        #expect(
            CivilTime(
                year: parts[0], month: parts[1], day: parts[2], hour: parts[3], minute: parts[4],
                second: parts[5]) == nil)
    }

    @Test("leap days exist in leap years")
    func leapDays() {
        #expect(CivilTime(year: 2000, month: 2, day: 29)?.weekday == 2)
        #expect(CivilTime(year: 2024, month: 2, day: 29)?.weekday == 4)
    }
}
