import Testing

@testable import AlmanacCore

@Suite("The lines and bytes of a file")
struct SourceScanTests {
    @Test("any text is split at every line break of YAML", arguments: [UInt64](1...4))
    func lines(seed: UInt64) throws {
        var generator = ScheduleFuzzTests.Generator(state: seed)
        let breaks = ["\n", "\r\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"]
        for round in 0..<300 {
            var text = Bool.random(using: &generator) ? "\u{FEFF}" : ""
            var expected = [""]
            for _ in 0..<Int.random(in: 0...8, using: &generator) {
                let word = ["", "a", "é b", "日本🎉", "\t"].randomElement(using: &generator) ?? ""
                var end = breaks.randomElement(using: &generator) ?? "\n"
                // A lone carriage return and a line feed after it would be one break.
                if text.unicodeScalars.last == "\r", (word + end).unicodeScalars.first == "\n" {
                    end = "\u{85}"
                }
                text += word + end
                expected[expected.count - 1] += word
                expected.append("")
            }
            let source = try SourceFile(path: "f", text: text)
            let found = (1...expected.count).map { source.line($0) }
            #expect(found == expected, "seed \(seed), round \(round)")
            #expect(source.line(expected.count + 1) == nil)
            #expect(source.line(0) == nil)
            #expect(source.line(-1) == nil)
            #expect(source.text == text)
        }
    }

    @Test(
        "bytes are UTF-8 for this reader if they are for the standard library",
        arguments: [UInt64](1...4))
    func encoding(seed: UInt64) {
        var generator = ScheduleFuzzTests.Generator(state: seed)
        let leads: [UInt8] = [0x41, 0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0x80, 0xBF]
        for _ in 0..<5_000 {
            let lead = leads.randomElement(using: &generator) ?? 0
            let bytes =
                [lead]
                + (0..<Int.random(in: 0...3, using: &generator)).map { _ in
                    UInt8.random(in: 0x78...0xC8, using: &generator)
                }
            let expected = String(validating: bytes, as: UTF8.self)?.unicodeScalars.first
            let found = bytes.withUnsafeBufferPointer { UTF8Scalar.decode($0, at: 0) }
            guard let found else {
                // The rest may be wrong where the first scalar is right, never the other way.
                #expect(expected == nil, "seed \(seed): \(bytes)")
                continue
            }
            let prefix = Array(bytes.prefix(found.length))
            #expect(
                String(validating: prefix, as: UTF8.self)?.unicodeScalars.map(\.value)
                    == [found.value], "seed \(seed): \(bytes)")
        }
    }

    @Test(
        "the first thing that is forbidden is told with its line and column",
        arguments: [
            ("a: 1\r\nb: \u{1}", "2:4"), ("é🎉\u{7}", "1:3"), ("\u{2028}\u{2028}x\u{1}", "3:2"),
            ("\r\r\n\u{1}", "3:1"), ("\u{FEFF}a\u{1}", "1:2"), ("\u{85}\u{1}\u{2}", "2:1"),
            ("\t\u{1}", "1:2"),
        ])
    func place(text: String, place: String) {
        #expect(yamlProblems(text).map { $0.prefix { $0 != " " } } == [place[...]])
    }

    @Test(
        "what is forbidden is told with what to do",
        arguments: [
            (
                "a\u{1B}",
                "1:2 the control character U+001B cannot stand in YAML "
                    + "(remove it, or write it in a double-quoted text as \"\\u001B\")"
            ),
            (
                "a\u{0}",
                "1:2 a NUL character cannot stand in YAML "
                    + "(remove it; the file may be damaged or not be text at all)"
            ),
            (
                "a\u{FEFF}",
                "1:2 a byte order mark (U+FEFF) can only stand at the start of a file "
                    + "(remove it; such a mark stays behind when files are joined)"
            ),
        ])
    func help(text: String, answer: String) {
        #expect(yamlAnswers(text) == [answer])
    }

    @Test("the line of an error is shown up to its end alone") func shownLine() throws {
        let error = #expect(throws: DiagnosticsError.self) {
            try SourceFile(path: "f", text: "one\ntwo \u{1} x\nthree\n")
        }
        #expect(
            error?.description == """
                f:2:5: error: the control character U+0001 cannot stand in YAML
                 2 | two \\u{1} x
                   |     ^~~~~
                  help: remove it, or write it in a double-quoted text as "\\u0001"

                """)
    }

    @Test("positions compare by line, then by column") func order() {
        let places = [(1, 9), (2, 1), (2, 3), (10, 2)].map {
            SourcePosition(line: $0.0, column: $0.1)
        }
        for (index, place) in places.enumerated() {
            for later in places[(index + 1)...] {
                #expect(place < later)
                #expect(!(later < place))
            }
            #expect(!(place < place))
        }
        #expect(SourcePosition.start == SourcePosition(line: 1, column: 1))
    }
}
