/// A place in a text: line and column, both from 1. A column counts Unicode scalars, as libyaml
/// does, not bytes and not screen cells.
package struct SourcePosition: Sendable, Hashable, Comparable, CustomStringConvertible {
    // A tree has two positions for each of its nodes, so they are small; a file is bounded in size.
    private let narrowLine: UInt32
    private let narrowColumn: UInt32

    package var line: Int { Int(narrowLine) }
    package var column: Int { Int(narrowColumn) }

    package init(line: Int, column: Int) {
        narrowLine = UInt32(clamping: line)
        narrowColumn = UInt32(clamping: column)
    }

    /// The first character of a text.
    package static let start = SourcePosition(line: 1, column: 1)

    package static func < (left: SourcePosition, right: SourcePosition) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }

    package var description: String { "\(line):\(column)" }
}

extension SourcePosition: Encodable {
    private enum CodingKeys: String, CodingKey {
        case line, column
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(line, forKey: .line)
        try container.encode(column, forKey: .column)
    }
}

/// From a first position up to, and without, an end.
package struct SourceRange: Sendable, Hashable {
    package let start: SourcePosition
    package let end: SourcePosition

    package init(start: SourcePosition, end: SourcePosition) {
        self.start = start
        self.end = end
    }
}

/// A text with the path it came from, checked to be UTF-8 that YAML can hold.
///
/// Nodes and diagnostics keep a reference to it, so a diagnostic can always show its line.
package final class SourceFile: Sendable {
    /// The path as it was given, for messages.
    package let path: String

    let bytes: [UInt8]
    private let lineStarts: [UInt32]

    /// - Throws: ``DiagnosticsError`` where the bytes are not UTF-8, hold a character that YAML
    ///   forbids, or exceed the limit.
    package init(path: String, bytes: [UInt8], limits: YAMLLimits = .standard) throws {
        var scan = SourceScan(bytes: bytes)
        let problem = scan.run(limits: limits)
        self.path = path
        self.bytes = bytes
        self.lineStarts = scan.lineStarts
        if let problem {
            throw DiagnosticsError(problem.diagnostic(in: self))
        }
    }

    /// - Throws: what ``init(path:bytes:limits:)`` throws.
    package convenience init(
        path: String, text: String, limits: YAMLLimits = .standard
    ) throws {
        try self.init(path: path, bytes: Array(text.utf8), limits: limits)
    }

    /// The bytes after a byte order mark.
    var content: ArraySlice<UInt8> { bytes[Int(lineStarts[0])...] }

    /// The whole text.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The text of a line, without its line break; `nil` where there is no such line.
    package func line(_ number: Int) -> String? {
        guard number >= 1, number <= lineStarts.count else { return nil }
        let start = Int(lineStarts[number - 1])
        guard number < lineStarts.count else {
            // The scan may have stopped in this line, with others after it.
            let line = bytes[start...].prefix { $0 != 0x0A && $0 != 0x0D }
            return String(decoding: line, as: UTF8.self)
        }
        let end = Int(lineStarts[number])
        return String(
            decoding: bytes[start..<max(start, end - breakLength(endingAt: end))], as: UTF8.self)
    }

    /// The length in bytes of the line break whose last byte stands before `end`.
    private func breakLength(endingAt end: Int) -> Int {
        switch bytes[end - 1] {
        case 0x0A: end >= 2 && bytes[end - 2] == 0x0D ? 2 : 1
        case 0x0D: 1
        case 0x85: 2
        default: 3
        }
    }
}

/// The one pass over a file's bytes that finds the lines and the first thing that YAML forbids.
private struct SourceScan {
    struct Problem {
        /// `nil` for the file as a whole, whose text is not to be shown.
        var position: SourcePosition?
        var message: String
        var help: String

        func diagnostic(in source: SourceFile) -> Diagnostic {
            guard let position else {
                return Diagnostic(
                    category: .syntax, path: source.path, message: message, help: help)
            }
            return Diagnostic(
                category: .syntax, source: source, position: position, message: message,
                help: help)
        }
    }

    let bytes: [UInt8]
    var lineStarts: [UInt32] = []
    private var line = 1
    private var column = 1

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func run(limits: YAMLLimits) -> Problem? {
        lineStarts = [0]
        guard bytes.count <= limits.fileBytes else {
            return Problem(
                message: "the file has \(bytes.count) bytes; the limit is \(limits.fileBytes)",
                help: "split it into several files")
        }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            return Problem(
                message: "the file is in UTF-16, not UTF-8", help: "save it as UTF-8")
        }
        return bytes.withUnsafeBufferPointer { scan($0) }
    }

    private mutating func scan(_ buffer: UnsafeBufferPointer<UInt8>) -> Problem? {
        var index = buffer.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        lineStarts[0] = UInt32(index)
        while index < buffer.count {
            let byte = buffer[index]
            if byte >= 0x20, byte < 0x7F {
                index += 1
                column += 1
                continue
            }
            guard let (value, length) = UTF8Scalar.decode(buffer, at: index) else {
                return problem(
                    "the file is not UTF-8: byte 0x\(hex(UInt32(byte), 2)) cannot stand here",
                    "save the file as UTF-8")
            }
            if let problem = forbidden(value) { return problem }
            index += length
            if isBreak(value), !(value == 0x0D && index < buffer.count && buffer[index] == 0x0A) {
                line += 1
                column = 1
                lineStarts.append(UInt32(index))
            } else {
                column += 1
            }
        }
        return nil
    }

    /// The line breaks of libyaml, so that its line numbers and ours are the same.
    private func isBreak(_ value: UInt32) -> Bool {
        switch value {
        case 0x0A, 0x0D, 0x85, 0x2028, 0x2029: true
        default: false
        }
    }

    private func forbidden(_ value: UInt32) -> Problem? {
        switch value {
        case 0x00:
            return problem(
                "a NUL character cannot stand in YAML",
                "remove it; the file may be damaged or not be text at all")
        case 0x01...0x08, 0x0B, 0x0C, 0x0E...0x1F, 0x7F...0x84, 0x86...0x9F, 0xFFFE, 0xFFFF:
            return problem(
                "the control character U+\(hex(value, 4)) cannot stand in YAML",
                "remove it, or write it in a double-quoted text as \"\\u\(hex(value, 4))\"")
        case 0xFEFF:
            return problem(
                "a byte order mark (U+FEFF) can only stand at the start of a file",
                "remove it; such a mark stays behind when files are joined")
        default:
            return nil
        }
    }

    private func problem(_ message: String, _ help: String) -> Problem {
        Problem(
            position: SourcePosition(line: line, column: column), message: message, help: help)
    }

    private func hex(_ value: UInt32, _ digits: Int) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}

/// One Unicode scalar out of UTF-8 bytes.
enum UTF8Scalar {
    /// The scalar that starts at `index` and its length; `nil` for overlong forms, surrogates,
    /// values beyond U+10FFFF and sequences cut short (table 3-7 of the Unicode standard).
    static func decode(
        _ bytes: UnsafeBufferPointer<UInt8>, at index: Int
    ) -> (value: UInt32, length: Int)? {
        let first = bytes[index]
        let length: Int
        let minimum: UInt32
        var value: UInt32
        switch first {
        case 0x00...0x7F: return (UInt32(first), 1)
        case 0xC2...0xDF: (length, minimum, value) = (2, 0x80, UInt32(first & 0x1F))
        case 0xE0...0xEF: (length, minimum, value) = (3, 0x800, UInt32(first & 0x0F))
        case 0xF0...0xF4: (length, minimum, value) = (4, 0x10000, UInt32(first & 0x07))
        default: return nil
        }
        guard index + length <= bytes.count else { return nil }
        for next in bytes[(index + 1)..<(index + length)] {
            guard next & 0xC0 == 0x80 else { return nil }
            value = value << 6 | UInt32(next & 0x3F)
        }
        guard value >= minimum, Unicode.Scalar(value) != nil else { return nil }
        return (value, length)
    }
}
