import Foundation
import Scheduling
import Testing

@Suite("Zones")
struct ZoneTests {
    @Test(
        "every change of offset is a transition, whatever its reason",
        arguments: [
            ("Pacific/Apia", "2011-12-30T10:00:00Z", -36_000, 50_400),
            ("Asia/Pyongyang", "2015-08-14T15:00:00Z", 32_400, 30_600),
            ("Asia/Pyongyang", "2018-05-04T15:00:00Z", 30_600, 32_400),
            ("Europe/Moscow", "2011-03-26T23:00:00Z", 10_800, 14_400),
            ("Europe/Moscow", "2014-10-25T22:00:00Z", 14_400, 10_800),
            ("America/Caracas", "2016-05-01T07:00:00Z", -16_200, -14_400),
            ("Australia/Lord_Howe", "2024-04-06T15:00:00Z", 39_600, 37_800),
            ("Antarctica/Troll", "2024-03-31T01:00:00Z", 0, 7_200),
            ("Europe/Dublin", "2024-10-27T01:00:00Z", 3_600, 0),
            ("Africa/Casablanca", "2023-03-19T02:00:00Z", 3_600, 0),
            ("Asia/Kathmandu", "1985-12-31T18:30:00Z", 19_800, 20_700),
            ("America/St_Johns", "1988-04-03T03:31:00Z", -12_600, -5_400),
            ("Europe/Berlin", "2199-03-31T01:00:00Z", 3_600, 7_200),
        ])
    func transitions(name: String, at text: String, before: Int, after: Int) throws {
        let zone = try Zone(name)
        let instant = try #require(Instant(iso8601: text))
        let transition = try #require(zone.nextTransition(after: instant.advanced(bySeconds: -1)))
        #expect(transition.instant == instant)
        #expect(transition.offsetSecondsBefore == before)
        #expect(transition.offsetSecondsAfter == after)
        #expect(transition.isGap == (after > before))
        #expect(zone.offsetSeconds(at: instant.advanced(bySeconds: -1)) == before)
        #expect(zone.offsetSeconds(at: instant) == after)
        #expect(zone.nextTransition(after: instant)?.instant != instant)
    }

    @Test("changes of name or flag alone are no transitions")
    func silentChanges() throws {
        let tripoli = try Zone("Africa/Tripoli")
        #expect(
            tripoli.nextTransition(after: Instant("2013-10-20T00:00:00Z")) == nil,
            "only the daylight-saving flag changed on 2013-10-25")
    }

    @Test("offsets and transitions agree with Foundation in all zones")
    func agreement() throws {
        var random = SeededGenerator.announced("zone agreement")
        var wrong: [String] = []
        for name in TimeZone.knownTimeZoneIdentifiers {
            let zone = try Zone(name)
            let foundation = try #require(TimeZone(identifier: name))
            for _ in 0..<60 {
                let second = Int64.random(in: 0..<7_258_118_400, using: &random)
                let expected = foundation.secondsFromGMT(for: Date(second))
                let instant = Instant(secondsSinceEpoch: second)
                if zone.offsetSeconds(at: instant) != expected {
                    wrong.append("\(name) \(instant)")
                }
                guard let transition = zone.nextTransition(after: instant) else { continue }
                let at = transition.instant.secondsSinceEpoch
                // Half way to the transition and one second before it, nothing has changed yet.
                for probe in [(second + at) / 2, at - 1]
                where foundation.secondsFromGMT(for: Date(probe)) != expected {
                    wrong.append("\(name) before \(transition.instant)")
                }
                if foundation.secondsFromGMT(for: Date(at)) != transition.offsetSecondsAfter {
                    wrong.append("\(name) at \(transition.instant)")
                }
            }
        }
        #expect(wrong == [])
    }

    @Test("a wall-clock time maps to one instant, none or two")
    func wallMapping() throws {
        let berlin = try Zone("Europe/Berlin")
        let apia = try Zone("Pacific/Apia")
        let howe = try Zone("Australia/Lord_Howe")
        let cases: [(Zone, [Int], Zone.WallMapping)] = [
            (berlin, [2024, 3, 31, 1, 59], .one(Instant("2024-03-31T00:59:00Z"))),
            (berlin, [2024, 3, 31, 2, 0], .gap(firstAfter: Instant("2024-03-31T01:00:00Z"))),
            (berlin, [2024, 3, 31, 2, 59], .gap(firstAfter: Instant("2024-03-31T01:00:00Z"))),
            (berlin, [2024, 3, 31, 3, 0], .one(Instant("2024-03-31T01:00:00Z"))),
            (berlin, [2024, 10, 27, 1, 59], .one(Instant("2024-10-26T23:59:00Z"))),
            (
                berlin, [2024, 10, 27, 2, 0],
                .fold(
                    first: Instant("2024-10-27T00:00:00Z"), second: Instant("2024-10-27T01:00:00Z"))
            ),
            (berlin, [2024, 10, 27, 3, 0], .one(Instant("2024-10-27T02:00:00Z"))),
            (apia, [2011, 12, 30, 12, 0], .gap(firstAfter: Instant("2011-12-30T10:00:00Z"))),
            (howe, [2024, 10, 6, 2, 15], .gap(firstAfter: Instant("2024-10-05T15:30:00Z"))),
            (
                howe, [2024, 4, 7, 1, 45],
                .fold(
                    first: Instant("2024-04-06T14:45:00Z"), second: Instant("2024-04-06T15:15:00Z"))
            ),
            (.utc, [1970, 1, 1, 0, 0], .one(.distantPast)),
        ]
        for (zone, parts, expected) in cases {
            let time = try #require(
                CivilTime(
                    year: parts[0], month: parts[1], day: parts[2], hour: parts[3],
                    minute: parts[4]))
            #expect(zone.instants(of: time) == expected, "\(zone) \(time)")
        }
    }

    @Test("the instants of a civil time show it")
    func roundTrip() throws {
        var random = SeededGenerator.announced("zone round trip")
        for name in ["Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Antarctica/Troll"] {
            let zone = try Zone(name)
            for _ in 0..<500 {
                let instant = nearTransition(of: zone, &random)
                let time = zone.civilTime(at: instant)
                switch zone.instants(of: time) {
                case .one(let only): #expect(only == instant)
                case .fold(let first, let second):
                    #expect(first < second && (first == instant || second == instant))
                    #expect(zone.civilTime(at: first) == time)
                    #expect(zone.civilTime(at: second) == time)
                case .gap: Issue.record("\(time) is shown at \(instant) in \(zone)")
                }
            }
        }
    }

    private func nearTransition(of zone: Zone, _ random: inout SeededGenerator) -> Instant {
        let anywhere = Instant(
            secondsSinceEpoch: Int64.random(in: 86_400..<7_000_000_000, using: &random))
        let change = zone.nextTransition(after: anywhere)?.instant ?? anywhere
        return change.advanced(bySeconds: Int64.random(in: -90_000...90_000, using: &random))
    }

    @Test(
        "names of the database are taken as they are spelled",
        arguments: [
            "UTC", "GMT", "Etc/UTC", "Etc/GMT-2", "Europe/Kyiv", "Europe/Kiev", "US/Eastern",
            "Asia/Calcutta", "Asia/Kolkata", "America/Argentina/ComodRivadavia", "CET", "Zulu",
        ])
    func known(name: String) throws {
        #expect(try Zone(name).identifier == name)
        #expect(try Zone(name).description == name)
    }

    @Test(
        "other names are refused with the one that was meant",
        arguments: [
            ("Europe/Berln", "Europe/Berlin"), ("europe/berlin", "Europe/Berlin"),
            ("Berlin", "Europe/Berlin"), ("New York", "America/New_York"),
            ("EST5EDT", "America/New_York"), ("EST", "America/New_York"),
            ("PST", "America/Los_Angeles"), ("CEST", "Europe/Berlin"), ("GMT+2", "Etc/GMT-2"),
            ("UTC-05:00", "Etc/GMT+5"), ("+0200", "Etc/GMT-2"), ("utc", "UTC"), ("Z", "UTC"),
        ])
    func suggestions(name: String, meant: String) {
        let error = #expect(throws: ZoneError.self) { try Zone(name) }
        #expect(error?.suggestions.first == meant)
        #expect(error?.code == .unknownZone)
        #expect(error?.identifier == name)
        #expect(error?.message.contains("did you mean \(meant)") == true)
    }

    @Test(
        "names that resemble none are refused",
        arguments: [
            "", "/", "local", "localtime", "Factory", "Etc/Unknown", "America/Nowhere",
            "../etc/passwd", "Europe/../Europe/Berlin", "posix/Europe/Berlin", "GMT+05:30",
            "UTC+99",
        ])
    func refused(name: String) {
        #expect(throws: ZoneError.self) { try Zone(name) }
    }

    @Test("hostile names are refused with a short, printable message")
    func hostile() {
        let names = [
            "Europe/Berlin\0", "Europe/Berlin\0/x", "Ｅurope/Ｂerlin\n", "\u{1B}[2J", "\u{202E}UTC",
            String(repeating: "Europe/Berlin", count: 100_000),
            String(repeating: "\u{301}", count: 100_000),
        ]
        for name in names {
            let error = #expect(throws: ZoneError.self) { try Zone(name) }
            let message = error?.message ?? ""
            #expect(!message.isEmpty && message.utf8.count < 400)
            #expect(message.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
        }
    }

    @Test("zones are equal by name and can be made by many at once")
    func equality() async throws {
        #expect(try Zone("UTC") == Zone.utc)
        #expect(try Zone("Etc/UTC") != Zone.utc)
        let zones = await withTaskGroup(of: Zone?.self) { group in
            for _ in 0..<64 { group.addTask { try? Zone("America/Halifax") } }
            return await group.reduce(into: [Zone?]()) { $0.append($1) }
        }
        #expect(zones.count == 64)
        #expect(Set(zones) == [try Zone("America/Halifax")])
    }

    @Test("instants far outside the tables have the nearest offset")
    func extremes() throws {
        let zone = try Zone("Europe/Berlin")
        #expect(zone.offsetSeconds(at: Instant(secondsSinceEpoch: .min)) == 3_600)
        #expect(zone.offsetSeconds(at: Instant(secondsSinceEpoch: .max)) == 3_600)
        #expect(zone.nextTransition(after: Instant(secondsSinceEpoch: .max)) == nil)
        #expect(zone.civilTime(at: Instant(secondsSinceEpoch: .max)).year > 9_999)
    }
}

extension Date {
    fileprivate init(_ second: Int64) {
        self.init(timeIntervalSince1970: Double(second))
    }
}
