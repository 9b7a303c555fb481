import Testing

@testable import AlmanacCore

@Suite("The text of a file")
struct SourceFileTests {
    /// Bytes after `a: x`, with the byte that is blamed.
    @Test(
        "bytes that are not UTF-8 are refused where they stand",
        arguments: [
            ([0x80], 0x80), ([0xBF], 0xBF), ([0xC0, 0x80], 0xC0), ([0xC1, 0xBF], 0xC1),
            ([0xC3], 0xC3), ([0xC3, 0x28], 0xC3), ([0xE0, 0x80, 0x80], 0xE0),
            ([0xE2, 0x82], 0xE2), ([0xE2, 0x28, 0xA1], 0xE2), ([0xED, 0xA0, 0x80], 0xED),
            ([0xED, 0xBF, 0xBF], 0xED), ([0xF0, 0x80, 0x80, 0x80], 0xF0),
            ([0xF0, 0x9F, 0x98], 0xF0), ([0xF4, 0x90, 0x80, 0x80], 0xF4),
            ([0xF5, 0x80, 0x80, 0x80], 0xF5), ([0xFF], 0xFF), ([0xFE], 0xFE),
        ] as [([UInt8], UInt8)])
    func invalid(bytes: [UInt8], blamed: UInt8) {
        let hex = String(blamed, radix: 16, uppercase: true)
        let message = "the file is not UTF-8: byte 0x\(hex) cannot stand here"
        #expect(yamlProblems(Array("a: x".utf8) + bytes) == ["1:5 \(message)"])
        #expect(yamlProblems(Array("a: x\nb: é".utf8) + bytes + [0x0A]) == ["2:5 \(message)"])
        #expect(yamlProblems(bytes + Array("a: x".utf8)) == ["1:1 \(message)"] || bytes.count < 2)
    }

    @Test(
        "valid UTF-8 passes at the bounds of its forms",
        arguments: [
            "\u{A0}", "\u{7FF}", "\u{800}", "\u{D7FF}", "\u{E000}", "\u{FFFD}", "\u{10000}",
            "\u{10FFFF}",
        ])
    func valid(text: String) throws {
        #expect(try yaml("a: x\(text)x")["a"]?.scalar?.text == "x\(text)x")
    }

    @Test(
        "a control character is refused where it stands",
        arguments: [
            (0x01, "0001"), (0x07, "0007"), (0x08, "0008"), (0x0B, "000B"), (0x0C, "000C"),
            (0x1B, "001B"),
            (0x1F, "001F"), (0x7F, "007F"), (0x80, "0080"), (0x9F, "009F"), (0xFFFE, "FFFE"),
            (0xFFFF, "FFFF"),
        ] as [(UInt32, String)])
    func control(value: UInt32, hex: String) throws {
        let character = try String(#require(Unicode.Scalar(value)))
        #expect(
            yamlProblems("a: b\nc: d\(character)e") == [
                "2:5 the control character U+\(hex) cannot stand in YAML"
            ])
    }

    @Test("NUL is refused where it stands") func nul() {
        #expect(yamlProblems("a: b\0c") == ["1:5 a NUL character cannot stand in YAML"])
        #expect(yamlProblems([0]) == ["1:1 a NUL character cannot stand in YAML"])
    }

    @Test("a byte order mark stands at the start or nowhere") func byteOrderMark() {
        #expect(yamlProblems("\u{FEFF}a: b") == [])
        #expect(
            yamlProblems("a: b\n\u{FEFF}c: d") == [
                "2:1 a byte order mark (U+FEFF) can only stand at the start of a file"
            ])
    }

    @Test(
        "UTF-16 is named as such",
        arguments: [[0xFF, 0xFE, 0x61, 0], [0xFE, 0xFF, 0, 0x61]] as [[UInt8]])
    func utf16(bytes: [UInt8]) {
        #expect(yamlProblems(bytes) == ["the file is in UTF-16, not UTF-8"])
    }

    @Test("lines are found by number, without their break") func lines() throws {
        let source = try SourceFile(path: "f", text: "a\n\nb\r\nc")
        #expect((0...5).map { source.line($0) } == [nil, "a", "", "b", "c", nil])
        #expect(try SourceFile(path: "f", text: "").line(1) == "")
        #expect(try SourceFile(path: "f", text: "a\n").line(2) == "")
        #expect(try SourceFile(path: "f", text: "\u{FEFF}a").line(1) == "a")
        #expect(source.text == "a\n\nb\r\nc")
    }

    @Test("positions are in the order of the text") func order() {
        let positions = [(1, 1), (1, 2), (2, 1), (10, 1)].map {
            SourcePosition(line: $0.0, column: $0.1)
        }
        #expect(positions.shuffled().sorted() == positions)
        #expect(positions[1].description == "1:2")
    }
}
