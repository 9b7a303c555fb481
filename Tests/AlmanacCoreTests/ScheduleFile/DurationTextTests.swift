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
