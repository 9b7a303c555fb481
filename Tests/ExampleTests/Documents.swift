import Foundation
import Testing

/// The README and the pages of the documentation catalog.
enum Documents {
    static let paths: [String] = {
        let catalog = "Sources/Almanac/Almanac.docc"
        let folder = Repository.root.appending(path: catalog)
        let pages = FileManager.default.enumerator(atPath: folder.path)?.compactMap {
            $0 as? String
        }
        return ["README.md"]
            + (pages ?? []).filter { $0.hasSuffix(".md") }.sorted().map { "\(catalog)/\($0)" }
    }()

    /// All fenced blocks of a language; the empty one is that of a fence without.
    static func blocks(_ language: String) throws -> [DocumentBlock] {
        try paths.flatMap { try blocks(in: $0) }.filter { $0.language == language }
    }

    static func blocks(in path: String) throws -> [DocumentBlock] {
        var blocks: [DocumentBlock] = []
        var open: DocumentBlock?
        let lines = try Repository.text(of: path).split(
            separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            if line.hasPrefix("```") {
                if let block = open {
                    blocks.append(block)
                    open = nil
                } else {
                    open = DocumentBlock(
                        path: path, line: index + 2, language: "\(line.dropFirst(3))")
                }
            } else {
                open?.text += line + "\n"
            }
        }
        return blocks
    }

    /// What stands between backquotes in running text, with its place.
    static func quotations() throws -> [(place: String, text: String)] {
        try paths.flatMap { path in
            var isBlock = false
            let lines = try Repository.text(of: path).split(
                separator: "\n", omittingEmptySubsequences: false)
            return lines.enumerated().flatMap { index, line -> [(String, String)] in
                if line.hasPrefix("```") { isBlock.toggle() }
                guard !isBlock else { return [] }
                return line.split(separator: "`", omittingEmptySubsequences: false).enumerated()
                    .filter { $0.offset % 2 == 1 }
                    .map { ("\(path):\(index + 1)", String($0.element)) }
            }
        }
    }
}

/// A fenced block of a document.
struct DocumentBlock: Sendable, CustomTestStringConvertible {
    let path: String
    /// Where its first line stands, from 1.
    let line: Int
    let language: String
    var text = ""

    var lines: [Substring] { text.split(separator: "\n") }

    var testDescription: String { "\(path):\(line)" }
}
