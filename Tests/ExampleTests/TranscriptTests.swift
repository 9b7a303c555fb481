import AlmanacTesting
import Foundation
import Testing

/// What the pages show of a terminal, typed anew: each command of a page in its order, beside a
/// node that runs the page's schedule.
@Suite("Terminals in the documents")
struct TranscriptTests {
    static let pages = ["Sources/Almanac/Almanac.docc/Operating.md"]

    @Test("show what the commands print", arguments: pages)
    func page(path: String) async throws {
        let blocks = try Documents.blocks(in: path)
        let schedule = try #require(blocks.first { $0.language == "yaml" })
        let place = try await NodeOnPage(schedule.text)
        defer { place.stop() }
        try await place.waitForStart()
        var words = Bindings()
        var count = 0
        for block in blocks where block.language == "console" {
            for (command, expected) in block.typed {
                count += 1
                let problem = try await place.compare(command, expected, &words)
                #expect(problem == nil, "\(block.testDescription): \(command)")
            }
        }
        #expect(count >= 5)
    }

    @Test("what a channel is told is what the page shows")
    func message() async throws {
        let blocks = try Documents.blocks(in: Self.pages[0])
        let start = try #require(blocks.firstIndex { $0.text.contains("channels:\n") })
        let message = try #require(blocks[start...].first { $0.language == "text" })
        let place = try await NodeOnPage(blocks[start].text)
        defer { place.stop() }
        try await place.waitForStart()
        var words = Bindings()
        let lines = try await place.told(after: ["trigger", "import-prices", "--wait"])
        #expect(lines.count == message.lines.count, "\(lines)")
        for (expected, line) in zip(message.lines, lines) {
            let isSame = words.match(String(expected), line)
            #expect(isSame, "\(line)")
        }
    }

    @Test(
        "are compared word by word, where a time is as good as another and an id stays the same",
        arguments: [
            ("run 0b9e8a77 took 3 ms", "run 11111111  took 28 ms", true),
            ("run 0b9e8a77 of 0b9e8a77", "run 11111111 of 22222222", false),
            ("at 2026-11-23 00:40:11Z", "at 2031-01-01 10:00:00Z", true),
            ("at 2026-11-23 00:40:11Z", "at noon", false),
            ("by ada@desk", "by root@vm", true), ("by db7:4711:x1yz2a,", "by vm:1:a,", true),
            ("3 rows", "4 rows", false), ("a b", "a", false), ("a", "a b", false),
        ])
    func words(expected: String, actual: String, isSame: Bool) {
        var words = Bindings()
        #expect(words.match(expected, actual) == isSame)
    }
}

extension DocumentBlock {
    /// The commands in it, each with the lines that follow it.
    fileprivate var typed: [(command: String, output: [String])] {
        var typed: [(command: String, output: [String])] = []
        for line in lines {
            if line.hasPrefix("$ ") {
                typed.append((String(line.dropFirst(2)), []))
            } else if !typed.isEmpty {
                typed[typed.count - 1].output.append(String(line))
            }
        }
        return typed
    }
}

/// What stands for what: the ids of a page for those of this time.
private struct Bindings {
    private var ids: [Substring: Substring] = [:]

    /// A command of the page with the ids of this time.
    func filled(_ command: String) -> String {
        ids.reduce(command) { $0.replacing($1.key, with: $1.value) }
    }

    mutating func match(_ expected: String, _ actual: String) -> Bool {
        let left = expected.split(separator: " ")
        let right = actual.split(separator: " ")
        guard left.count == right.count else { return false }
        return zip(left, right).enumerated().allSatisfy { index, pair in
            let isMeasured =
                index + 1 < left.count && ["ms", "ms:", "ms;", "s"].contains(left[index + 1])
            return isMeasured && Double(pair.0) != nil && Double(pair.1) != nil
                || isSame(pair.0, pair.1)
        }
    }

    private mutating func isSame(_ left: Substring, _ right: Substring) -> Bool {
        if left == right { return true }
        if left.wholeMatch(of: /[(]?[0-9a-f]{8}(-[0-9a-f]{4}){0,3}(-[0-9a-f]{12})?[,`]?/) != nil {
            let (one, other) = (left.filter(\.isIDSign), right.filter(\.isIDSign))
            guard one.count == other.count else { return false }
            return bind(Substring(one.prefix(8)), Substring(other.prefix(8)))
        }
        for kind in [
            /\d{4}-\d\d-\d\d/, /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ[,;]?/,
            /\d\d:\d\d:\d\dZ[.:;,)]{0,2}/, /\(?[^ @]+@[^ @]+[,)]?/,
            /[^ :]+:\d+:[a-z0-9]+[,;]?/,
        ] as [Regex<Substring>] where left.wholeMatch(of: kind) != nil {
            return right.wholeMatch(of: kind) != nil && left.mark == right.mark
        }
        return false
    }

    private mutating func bind(_ one: Substring, _ other: Substring) -> Bool {
        if let known = ids[one] { return known == other }
        ids[one] = other
        return true
    }
}

extension Substring {
    /// The punctuation at its end.
    fileprivate var mark: String { String(reversed().prefix { ",:;.)".contains($0) }) }
}

extension Character {
    fileprivate var isIDSign: Bool { isHexDigit || self == "-" }
}

/// A node that runs a schedule on a database of its own.
private final class NodeOnPage: Sendable {
    private let database: TestDatabase
    private let scratch: Scratch
    private let node: Process

    init(_ schedule: String) async throws {
        database = try await TestDatabase.make()
        scratch = try Scratch()
        let folder = scratch.url.appending(path: "Schedules")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(schedule.utf8).write(to: folder.appending(path: "page.yaml"))
        node = Program.process(["run"], in: scratch.url, database.connectionString)
        node.standardOutput = FileHandle.nullDevice
        node.standardError = FileHandle.nullDevice
        try node.run()
    }

    func stop() {
        node.terminate()
        node.waitUntilExit()
    }

    func waitForStart() async throws {
        for _ in 1...200 {
            if try await Program.run(["status"], in: scratch.url, database.connectionString)
                .output.hasPrefix("scheduler ")
            {
                return
            }
        }
        Issue.record("the node did not start")
    }

    /// Types a command; one that only looks is typed again while the node is still at work.
    ///
    /// - Returns: what it printed, if it is not what the page shows.
    func compare(
        _ command: String, _ expected: [String], _ words: inout Bindings
    ) async throws -> String? {
        let arguments = try #require(CommandText.arguments(of: words.filled(command)))
        let isLook = ["status", "why", "show", "history", "verify"].contains(arguments[0])
        var output = ""
        for _ in 1...(isLook ? 100 : 1) {
            output = try await Program.run(
                arguments, in: scratch.url, database.connectionString
            ).output
            var attempt = words
            let lines = output.split(separator: "\n").map(String.init)
            let isSame =
                lines.count == expected.count
                && zip(expected, lines).allSatisfy { attempt.match($0, $1) }
            if isSame {
                words = attempt
                return nil
            }
        }
        return output
    }

    /// What is in `told.txt` some time after a command.
    func told(after command: [String]) async throws -> [String] {
        _ = try await Program.run(command, in: scratch.url, database.connectionString)
        let file = scratch.url.appending(path: "Schedules/told.txt")
        for _ in 1...200 {
            let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
            if !text.isEmpty { return text.split(separator: "\n").map(String.init) }
            _ = try await Program.run(["status"], in: scratch.url, database.connectionString)
        }
        return []
    }
}
