/// The text of a Swift file, with code and comments told apart.
///
/// Both views have the length and the line breaks of the text, so that a position means the same
/// in each: in `code` comments and the insides of string literals are blank (interpolations are
/// code), in `comments` everything but comments is.
struct SourceText {
    let bytes: [UInt8]
    let code: [UInt8]
    let comments: [UInt8]

    /// The position at which each line begins.
    let lineStarts: [Int]

    init(_ text: String) {
        let bytes = Array(text.utf8)
        self.bytes = bytes
        var scanner = SourceScanner(bytes)
        scanner.scanCode(until: nil)
        code = scanner.code
        comments = scanner.comments
        lineStarts = [0] + bytes.indices.filter { bytes[$0] == .newline }.map { $0 + 1 }
    }

    /// The lines of one of the views, without their ends.
    func lines(of view: [UInt8]) -> [String] {
        view.split(separator: .newline, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// The number of the line that holds a position, from 1.
    func line(at position: Int) -> Int {
        var (low, high) = (0, lineStarts.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= position { low = middle } else { high = middle }
        }
        return low + 1
    }

    /// The lines that hold something other than blanks and comments.
    var codeLineCount: Int {
        let isBlank = { (byte: UInt8) in byte == .space || byte == .tab || byte == .newline }
        return lineStarts.indices.count { line in
            let end = line + 1 < lineStarts.count ? lineStarts[line + 1] : bytes.count
            return (lineStarts[line]..<end).contains {
                !isBlank(bytes[$0]) && isBlank(comments[$0])
            }
        }
    }

    /// Where a token stands in the code, as whole words.
    func positions(of token: String) -> [Int] {
        code.positions(of: token)
    }
}

extension UInt8 {
    static let newline = UInt8(ascii: "\n")
    static let space = UInt8(ascii: " ")
    static let tab = UInt8(ascii: "\t")

    /// Whether a word may contain it; every byte of a character beyond ASCII counts.
    var isWord: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 128...255:
            true
        default: false
        }
    }
}

extension [UInt8] {
    /// Where the token stands. A word at its ends is not part of a longer word there.
    func positions(of token: String) -> [Int] {
        let wanted = Array(token.utf8)
        guard let first = wanted.first, let last = wanted.last, count >= wanted.count else {
            return []
        }
        return withUnsafeBufferPointer { bytes in
            var found: [Int] = []
            for start in 0...(bytes.count - wanted.count) where bytes[start] == first {
                let end = start + wanted.count
                guard bytes[start..<end].elementsEqual(wanted) else { continue }
                if first.isWord, start > 0, bytes[start - 1].isWord { continue }
                if last.isWord, end < bytes.count, bytes[end].isWord { continue }
                found.append(start)
            }
            return found
        }
    }

    /// The word that begins at a position, after blanks.
    func word(at position: Int) -> String {
        let start = self[position...].firstIndex { $0 != .space } ?? count
        return String(decoding: self[start...].prefix { $0.isWord }, as: UTF8.self)
    }
}
