import Foundation
import Logging
import Testing

@testable import Almanac

private let utc = TimeZone(secondsFromGMT: 0) ?? .gmt

/// 2026-11-22T02:30:00.500Z
private let moment = LogTime(date: Date(timeIntervalSince1970: 1_795_314_600.5), timeZone: utc)

@Suite("Lines for people")
struct LogLineTests {
    private func line(
        _ level: Logger.Level, _ message: String, _ fields: Logger.Metadata = [:],
        colour: Bool = false
    ) -> String {
        LogLine(level: level, message: message, fields: fields, time: moment)
            .rendered(colour: colour)
    }

    private func run(_ state: String, _ more: Logger.Metadata = [:]) -> String {
        let fields: Logger.Metadata = [
            "job": "rollup", "due": "2026-11-22T02:30:00Z", "run": "r", "node": "n",
        ]
        return line(.info, state, fields.merging(more) { $1 })
    }

    @Test(
        "the end of a run is in columns",
        arguments: [
            (
                "succeeded", ["durationMilliseconds": "8", "rows": "1"],
                "✓  succeeded  rollup                    due 02:30:00Z       8 ms         1 row"
            ),
            (
                "succeeded", ["durationMilliseconds": "120500", "rows": "100000"],
                "✓  succeeded  rollup                    due 02:30:00Z  120500 ms   100000 rows"
            ),
            (
                "failed", ["durationMilliseconds": "3", "error": "UndefinedTable (42P01): no"],
                "✗  failed     rollup                    due 02:30:00Z       3 ms"
                    + "  UndefinedTable (42P01): no"
            ),
            (
                "failed",
                [
                    "attempt": "1", "attempts": "3", "nextAttempt": "2026-11-22T02:30:10Z",
                    "error": "no",
                ],
                "✗  failed     rollup                    due 02:30:00Z  attempt 1/3"
                    + "  next 02:30:10Z  no"
            ),
            (
                "timed_out", ["error": "stopped"],
                "✗  timed_out  rollup                    due 02:30:00Z  stopped"
            ),
            (
                "skipped", ["reason": "coalesced", "count": "35"],
                "–  skipped    rollup                    due 02:30:00Z  35 occurrences  coalesced"
            ),
            (
                "skipped", ["reason": "overlap", "count": "1", "detail": "run x is on"],
                "–  skipped    rollup                    due 02:30:00Z  overlap  run x is on"
            ),
            (
                "queued", ["waitsFor": "turn", "count": "1"],
                "·  queued     rollup                    due 02:30:00Z  waits for its turn"
            ),
            (
                "queued", ["waitsFor": "needs: a, b", "count": "3"],
                "·  queued     rollup                    due 02:30:00Z  3 occurrences"
                    + "  waits for a, b to end"
            ),
            (
                "succeeded", ["hookError": "onSuccess: no"],
                "✓  succeeded  rollup                    due 02:30:00Z  onSuccess: no"
            ),
        ] as [(String, Logger.Metadata, String)])
    func columns(state: String, fields: Logger.Metadata, expected: String) {
        #expect(run(state, fields) == "02:30:00  " + expected)
    }

    @Test("a message that is longer than its column is shown whole")
    func longMessage() {
        #expect(run("has its row already").contains("  has its row already  rollup  "))
    }

    @Test("an instant of another day is shown with its day")
    func otherDay() {
        #expect(run("succeeded", ["due": "2026-11-20T02:30:00Z"]).contains("due 2026-11-20 02:30"))
        #expect(run("succeeded", ["due": "whenever"]).contains("due whenever"))
    }

    @Test("a job's name that is too long moves the columns and nothing else")
    func longName() {
        let name = String(repeating: "n", count: 40)
        #expect(run("succeeded", ["job": "\(name)"]).contains("succeeded  \(name)  due 02:30"))
    }

    @Test(
        "anything else is a sentence with its labels",
        arguments: [
            (.notice, "·  stopped"), (.warning, "!  stopped"), (.error, "✗  stopped"),
            (.critical, "✗  stopped"), (.debug, "·  stopped"),
        ] as [(Logger.Level, String)])
    func sentence(level: Logger.Level, expected: String) {
        #expect(line(level, "stopped") == "02:30:00  " + expected)
        let labels: Logger.Metadata = ["workers": "8", "jobs": "2", "node": "n"]
        #expect(line(level, "stopped", labels) == "02:30:00  \(expected)  jobs=2  workers=8")
    }

    @Test(
        "colour follows how it ended",
        arguments: [
            (.info, "succeeded", "32"), (.error, "failed", "31"), (.info, "skipped", nil),
            (.info, "queued", nil),
        ] as [(Logger.Level, String, String?)])
    func runColours(level: Logger.Level, state: String, shade: String?) {
        let fields: Logger.Metadata = ["job": "j", "due": "2026-11-22T02:30:00Z"]
        let text = line(level, state, fields, colour: true)
        #expect(text.hasPrefix("\u{1B}[" + (shade ?? "")) == (shade != nil))
        #expect(text.hasSuffix("\u{1B}[0m") == (shade != nil))
        #expect(!line(level, state, fields).contains("\u{1B}"))
    }

    @Test(
        "colour follows the level",
        arguments: [
            (.warning, "33"), (.error, "31"), (.critical, "31"), (.debug, "2"), (.trace, "2"),
            (.notice, nil), (.info, nil),
        ] as [(Logger.Level, String?)])
    func levelColours(level: Logger.Level, shade: String?) {
        let text = line(level, "m", colour: true)
        let expected = shade.map { "\u{1B}[\($0)m" } ?? "02:30:00"
        #expect(text.hasPrefix(expected))
    }

    @Test("nothing of a text moves the cursor", arguments: Hostile.texts)
    func hostile(text: String) {
        let labels: Logger.Metadata = [
            "job": "\(text)", "due": "\(text)", "error": "\(text)", "reason": "\(text)",
        ]
        for line in [run("failed", labels), line(.error, text, ["x": "\(text)"])] {
            #expect(Hostile.tricks(in: line) == [])
        }
    }

    @Test("the time is that of the terminal's zone")
    func zone() throws {
        let berlin = try #require(TimeZone(identifier: "Europe/Berlin"))
        let date = Date(timeIntervalSince1970: 1_795_314_600)
        #expect(LogTime(date: date, timeZone: berlin).wallTime == "03:30:00")
        #expect(LogTime(date: date, timeZone: berlin).rfc3339 == "2026-11-22T02:30:00.000Z")
    }
}

/// Texts that somebody may put into a name to play tricks with who reads the log.
enum Hostile {
    static let texts = [
        "\u{1B}[2J\u{1B}[31mowned", "line\nbreak", "line\r\nbreak", "back\rover", "bell\u{07}",
        "del\u{7F}", "\u{9B}31m", "\u{9D}0;title\u{07}", "null\0", "tab\there",
        "\u{202E}gpj.exe", "\u{2066}isolate", "e\u{301}\u{1B}\u{301}[0m", "\u{85}next line",
        "\u{2028}separator",
    ]

    /// What of a line would not be shown as a character in its place.
    static func tricks(in line: String) -> [Unicode.Scalar] {
        line.unicodeScalars.filter { scalar in
            scalar.properties.generalCategory == .control
                || scalar.properties.generalCategory == .lineSeparator
                || (0x202A...0x202E).contains(scalar.value)
                || (0x2066...0x2069).contains(scalar.value)
        }
    }
}

@Suite("Lines for machines")
struct JSONLogLineTests {
    private func line(
        _ message: String = "m", _ fields: Logger.Metadata = [:], level: Logger.Level = .info
    ) -> String {
        JSONLogLine(
            level: level, logger: "almanac", message: message, fields: fields, time: moment
        ).rendered
    }

    private func object(_ line: String) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
        return try #require(object as? [String: Any])
    }

    @Test("every line has time, level, logger and message, in this order")
    func members() {
        #expect(
            line("hello", level: .warning) == """
                {"time":"2026-11-22T02:30:00.500Z","level":"warning","logger":"almanac",\
                "message":"hello"}
                """)
    }

    @Test("labels follow in order of their names")
    func labels() {
        let text = line("m", ["workers": "8", "job": "j", "node": "n"])
        #expect(text.hasSuffix(#","message":"m","job":"j","node":"n","workers":"8"}"#))
    }

    @Test(
        "numbers and truth values are themselves",
        arguments: [
            (.stringConvertible(8), "8"), (.stringConvertible(Int64.min), "\(Int64.min)"),
            (.stringConvertible(UInt64.max), "\(UInt64.max)"), (.stringConvertible(true), "true"),
            (.stringConvertible(1.5), "1.5"), (.stringConvertible(Double.nan), "\"nan\""),
            (.stringConvertible(-Double.infinity), "\"-inf\""), (.string("8"), "\"8\""),
            (.array([.string("a"), .stringConvertible(1)]), #"["a",1]"#),
            (.dictionary(["b": "2", "a": ["x": "y"]]), #"{"a":{"x":"y"},"b":"2"}"#),
            (.dictionary([:]), "{}"), (.array([]), "[]"),
        ] as [(Logger.MetadataValue, String)])
    func values(value: Logger.MetadataValue, expected: String) throws {
        #expect(JSONText.render(value) == expected)
        #expect(try object(line("m", ["x": value]))["x"] != nil)
    }

    @Test("whatever the text is, the line is one line and says the same", arguments: Hostile.texts)
    func hostile(text: String) throws {
        let line = line(text, ["job": "\(text)", "nested": ["\(text)": "\(text)"]])
        #expect(Hostile.tricks(in: line).filter { $0.value < 0x202A || $0.value > 0x2069 } == [])
        let object = try object(line)
        #expect(object["message"] as? String == text)
        #expect(object["job"] as? String == text)
        #expect(object["nested"] as? [String: String] == [text: text])
    }

    @Test("quotes, backslashes and keys are escaped")
    func quotes() throws {
        let object = try object(line(#"a "b" \c"#, [#"k"\"#: #"v"\"#]))
        #expect(object["message"] as? String == #"a "b" \c"#)
        #expect(object[#"k"\"#] as? String == #"v"\"#)
    }

    @Test(
        "a label cannot take the place of what every line has",
        arguments: ["time", "level", "logger", "message"])
    func reserved(name: String) throws {
        let text = line("m", [name: "mine"])
        let object = try object(text)
        #expect(object[name + "_"] as? String == "mine")
        #expect(object["message"] as? String == "m")
        #expect(text.components(separatedBy: "\"\(name)\":").count == 2)
    }
}

@Suite("What a line is labelled with")
struct LogFieldsTests {
    struct Broken: Error, CustomStringConvertible { var description: String { "it broke" } }

    @Test("the line's labels win over the logger's, those over the running task's")
    func order() {
        let provider = Logger.MetadataProvider { ["a": "task", "b": "task", "c": "task"] }
        let fields = LogFields.merged(["b": "logger", "c": "logger"], provider, ["c": "line"])
        #expect(fields == ["a": "task", "b": "logger", "c": "line"])
        #expect(LogFields.merged([:], nil, nil) == [:])
    }

    @Test("an error that was logged is a label, unless the line has one")
    func error() {
        #expect(LogFields.merged([:], Broken()) == ["error": "it broke"])
        #expect(LogFields.merged(["error": "mine"], Broken()) == ["error": "mine"])
        #expect(LogFields.merged(["a": "b"], nil) == ["a": "b"])
    }

    @Test(
        "a handler writes one line for each event, whole, whoever else writes", arguments: [0, 1])
    func handlers(kind: Int) throws {
        let pipe = Pipe()
        let descriptor = pipe.fileHandleForWriting.fileDescriptor
        var logger = Logger(label: "test") { label -> any LogHandler in
            if kind == 0 {
                return JSONLogHandler(
                    descriptor: descriptor, label: label, level: .info, provider: nil)
            }
            return TextLogHandler(
                descriptor: descriptor, level: .info, colour: false, provider: nil)
        }
        logger[metadataKey: "job"] = "j"
        logger.debug("not this")
        logger.info("one\ntwo", metadata: ["n": .stringConvertible(1)])
        logger.error("three", error: Broken())
        try pipe.fileHandleForWriting.close()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        let lines = String(decoding: data, as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 2)
        let label = kind == 0 ? #""job":"j""# : "job=j"
        #expect(lines.allSatisfy { $0.contains(label) })
        #expect(lines.last?.contains("it broke") == true)
        #expect(logger[metadataKey: "job"] == "j")
    }
}
