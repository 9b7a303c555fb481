import Testing

@testable import AlmanacCore

@Suite("A duration in a file")
struct DurationTextTests {
    @Test(
        "is a whole number and a unit",
        arguments: [
            ("0s", 0), ("1s", 1), ("90s", 90), ("15m", 900), ("2h", 7_200), ("1d", 86_400),
            ("007m", 420),
            ("36525d", 3_155_760_000),
        ] as [(String, Int64)])
    func valid(text: String, seconds: Int64) throws {
        #expect(try DurationText.seconds(text) == seconds)
    }

    @Test(
        "is refused otherwise, with what to write",
        arguments: [
            ("60", "write 60s for seconds; there are s, m, h and d"), ("5min", "write 5m"),
            ("5 m", "write 5m"),
            ("5M", "write 5m"), ("1h30m", "write 90m"), ("1.5h", "write 90m"),
            ("2 weeks", "write 14d"),
            ("1 hour", "write 1h"), ("90 seconds", "write 90s"), ("3600sec", "write 1h"),
            ("1 hour 30 min", "write 90m"), ("1D 12H", "write 36h"), ("2 w", "write 14d"),
            ("0.5 min", "write 30s"), ("1m 1s", "write 61s"),
            ("1h30", "write a whole number and a unit: 90s, 15m, 2h or 1d"),
            ("1 30m", "write a whole number and a unit: 90s, 15m, 2h or 1d"),
            ("1.2.3h", "write a whole number and a unit: 90s, 15m, 2h or 1d"),
            ("0.1s", "write a whole number and a unit: 90s, 15m, 2h or 1d"),
            ("1h-30m", "write a whole number and a unit: 90s, 15m, 2h or 1d"),
            ("5 decades", "write a whole number and a unit: 90s, 15m, 2h or 1d"),
            ("5300 weeks", "write a whole number and a unit: 90s, 15m, 2h or 1d"),
            ("0x10", "write a whole number and a unit: 90s, 15m, 2h or 1d"),
            ("0", "write a whole number and a unit: 90s, 15m, 2h or 1d"),
            ("1500ms", "write a whole number and a unit: 90s, 15m, 2h or 1d"),
            ("2000ms", "write 2s"), ("", "write a whole number and a unit: 90s, 15m, 2h or 1d"),
            ("-5m", "write a whole number and a unit: 90s, 15m, 2h or 1d"),
            ("m", "write a whole number and a unit: 90s, 15m, 2h or 1d"),
            ("5x", "write a whole number and a unit: 90s, 15m, 2h or 1d"),
            ("٥m", "write a whole number and a unit: 90s, 15m, 2h or 1d"),
            ("P1D", "write a whole number and a unit: 90s, 15m, 2h or 1d"),
            ("36526d", "write a duration such as 90s, 15m, 2h or 1d"),
            ("99999999999999999999s", "write a duration such as 90s, 15m, 2h or 1d"),
            ("1e300h", "write a whole number and a unit: 90s, 15m, 2h or 1d"),
        ])
    func invalid(text: String, help: String) throws {
        let error = #expect(throws: YAMLValueError.self) { try DurationText.seconds(text) }
        #expect(error?.help == help)
    }

    @Test("has a unit for any number up to a hundred years", arguments: ["s", "m", "h", "d"])
    func longest(unit: String) throws {
        let factors: [String: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        let most = try DurationText.longestSeconds / #require(factors[unit])
        #expect(try DurationText.seconds("\(most)\(unit)") == DurationText.longestSeconds)
        let error = #expect(throws: YAMLValueError.self) {
            try DurationText.seconds("\(most + 1)\(unit)")
        }
        #expect(error?.message == "'\(most + 1)\(unit)' is longer than 100 years")
    }

    @Test("is spelled so that it is read back as it was", arguments: 0..<4) func back(part: UInt64)
        throws
    {
        var generator = ScheduleFuzzTests.Generator(state: 90 + part)
        for _ in 0..<500 {
            let unit: Int64 = [1, 60, 3_600, 86_400].randomElement(using: &generator) ?? 1
            let most = DurationText.longestSeconds / unit
            let seconds = Int64.random(in: 0...most, using: &generator) * unit
            let text = DurationText.text(seconds)
            #expect(try DurationText.seconds(text) == seconds, "part \(part): \(text)")
            let isShortest = ["s": 1, "m": 60, "h": 3_600, "d": 86_400].allSatisfy {
                seconds == 0 || seconds % $0.value != 0
                    || "\(seconds / $0.value)\($0.key)".count >= text.count
            }
            #expect(isShortest, "part \(part): \(text)")
        }
    }

    @Test(
        "is spelled in the largest unit that fits",
        arguments: [
            (1, "1s"), (60, "1m"), (90, "90s"), (3_600, "1h"), (5_400, "90m"), (86_400, "1d"),
            (0, "0s"),
        ]
            as [(Int64, String)])
    func spelled(seconds: Int64, text: String) throws {
        #expect(DurationText.text(seconds) == text)
        #expect(try DurationText.seconds(text) == seconds)
    }
}
