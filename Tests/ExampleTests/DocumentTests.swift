import AlmanacCore
import AlmanacTasks
import Foundation
import Testing

@testable import Almanac

@Suite("The documents")
struct DocumentTests {
    @Test("are there")
    func paths() throws {
        #expect(Documents.paths.count > 5)
        #expect(try Documents.blocks("yaml").count >= 5)
        #expect(try Documents.blocks("swift").count >= 5)
    }

    @Test(
        "have schedule files without an error or a warning",
        arguments: try Documents.blocks("yaml").filter { $0.text.contains("jobs:") })
    func schedules(block: DocumentBlock) throws {
        let scratch = try Scratch()
        try Self.writeFiles(named: "file: ([^ ,}\n]+)", in: block, to: scratch)
        let source = try SourceFile(
            path: scratch.url.path + "/document.yaml", bytes: Array(block.text.utf8))
        let catalog = DocumentCatalog(
            registry: try TaskRegistry(BuiltInTasks.types + Nightly.tasks),
            others: try Self.matches(of: "task: ([a-z0-9-]+)", in: block.text))
        let (schedule, warnings) = try ScheduleLoader(tasks: catalog).load(sources: [source])
        #expect(!schedule.jobs.isEmpty)
        #expect(warnings.map(\.description) == [])
    }

    @Test("have commands that exist, with options that exist")
    func commands() throws {
        let inBlocks = try
            (Documents.blocks("sh") + Documents.blocks("console")
            + Documents.blocks("")).flatMap { block in
                block.lines.enumerated().map {
                    ("\(block.path):\(block.line + $0.offset)", String($0.element))
                }
            }
        let lines = try inBlocks + Documents.quotations().map { ($0.place, $0.text) }
        let names = RootCommand.configuration.subcommands.map { $0._commandName }
        var count = 0
        for (place, line) in lines {
            guard let arguments = CommandText.arguments(of: line) else { continue }
            count += 1
            // A name alone may only be spoken of.
            if arguments.count == 1, names.contains(arguments[0]) { continue }
            do {
                _ = try RootCommand.parseAsRoot(arguments)
            } catch {
                Issue.record("\(place): `\(line)`: \(RootCommand.message(for: error))")
            }
        }
        #expect(count >= 10)
    }

    @Test("name tests that exist")
    func tests() throws {
        let folder = Repository.root.appending(path: "Tests")
        let files = FileManager.default.enumerator(atPath: folder.path)?.compactMap {
            ($0 as? String).map { ($0 as NSString).lastPathComponent }
        }
        let names = Set(files ?? [])
        let quoted = try Documents.quotations().filter {
            $0.text.wholeMatch(of: /[A-Z][A-Za-z0-9]+Tests/) != nil
                && !["FaultTests", "TidyTests", "ExampleTests"].contains($0.text)
        }
        #expect(quoted.count >= 20)
        for (place, name) in quoted where !names.contains("\(name).swift") {
            Issue.record("\(place): there is no \(name)")
        }
    }

    @Test("have SQL that runs, after the jobs of the same page")
    func statements() async throws {
        for path in Documents.paths {
            let blocks = try Documents.blocks(in: path)
            let statements = blocks.filter { $0.language == "sql" && !$0.text.contains("…") }
            guard !statements.isEmpty else { continue }
            let library = try await Library()
            try library.runner.execute("DROP TABLE books")
            for block in blocks where block.language == "yaml" && block.text.contains("statement:")
            {
                try await Self.runJobs(of: block, in: library)
            }
            for block in statements {
                let row = try await library.runner.run(
                    "sql", parameters: "statement: |\n\(block.text.indented(by: 2))")
                #expect(
                    row.state == .succeeded,
                    "\(block.testDescription): \(row.errorMessage ?? "")")
            }
        }
    }

    /// A job of a page may need what only its reader has, so what fails here is no matter.
    private static func runJobs(of block: DocumentBlock, in library: Library) async throws {
        let source = try SourceFile(path: "document.yaml", bytes: Array(block.text.utf8))
        let registry = try TaskRegistry(BuiltInTasks.types + Nightly.tasks)
        let schedule = try ScheduleLoader(tasks: registry).load(sources: [source]).schedule
        for job in schedule.jobs {
            _ = try await library.runner.run(job, at: try Date("2026-11-21T12:00:00Z"))
        }
    }

    @Test("have Swift that is compiled here", arguments: try Documents.blocks("swift"))
    func swift(block: DocumentBlock) throws {
        // Manifests are no part of a module, and an ellipsis is none of the language.
        guard !block.text.contains("import PackageDescription"), !block.text.contains("…") else {
            return
        }
        let compiled = try Self.compiledText()
        let missing = block.lines.filter { !compiled.contains(Self.code(of: $0)) }
        #expect(missing == [], "add them to a file of Tests/ExampleTests")
    }

    /// All that is compiled here, in one line.
    private static func compiledText() throws -> String {
        let folder = "Tests/ExampleTests"
        let names = try FileManager.default.contentsOfDirectory(
            atPath: Repository.root.appending(path: folder).path)
        return try names.filter { $0.hasSuffix(".swift") && $0 != "DocumentTests.swift" }
            .flatMap { try Repository.text(of: "\(folder)/\($0)").split(separator: "\n") }
            .map(code).joined()
    }

    /// What of a line is code, without blanks, its comment and `@main`. Where lines break is a
    /// matter of their width.
    private static func code(of line: Substring) -> String {
        let comment = line.firstRange(of: "// ")?.lowerBound ?? line.endIndex
        let code = line[..<comment].filter { !$0.isWhitespace }
        return code.hasPrefix("@main") ? String(code.dropFirst(5)) : code
    }

    private static func matches(of pattern: String, in text: String) throws -> Set<String> {
        let regex = try Regex(pattern)
        return Set(text.matches(of: regex).compactMap { $0.output[1].substring.map(String.init) })
    }

    private static func writeFiles(
        named pattern: String, in block: DocumentBlock, to scratch: Scratch
    ) throws {
        for name in try matches(of: pattern, in: block.text) {
            let url = scratch.url.appending(path: name)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data("SELECT 1".utf8).write(to: url)
        }
    }
}

/// The tasks of the program, and names of tasks that a document makes up.
private struct DocumentCatalog: TaskCatalog {
    let registry: TaskRegistry
    let others: Set<String>

    var taskNames: [String] { Array(others.union(registry.taskNames)) }

    func check(
        task name: String, parameters: YAMLNode, definition: TaskDefinition
    ) -> [Diagnostic] {
        registry.check(task: name, parameters: parameters, definition: definition)
    }
}

/// A line of a document that may be a command.
enum CommandText {
    /// What follows `almanac`, or the program of the examples; nil for a line that is no command.
    static func arguments(of line: String) -> [String]? {
        let comment = line.firstRange(of: " # ")?.lowerBound ?? line.endIndex
        var words = words(of: line[..<comment])
        if words.first == "$" { words.removeFirst() }
        let programs = [["almanac"], [".build/debug/almanac"], ["swift", "run", "Nightly"]]
        guard let program = programs.first(where: { words.starts(with: $0) }) else { return nil }
        words.removeFirst(program.count)
        // A version, as in the output of `run`, or a text that says what an argument is.
        guard let name = words.first, name.allSatisfy({ $0.isLowercase || $0 == "-" }) else {
            return nil
        }
        return words
    }

    private static func words(of line: Substring) -> [String] {
        var words: [String] = []
        for (index, part) in line.split(separator: "\"", omittingEmptySubsequences: false)
            .enumerated()
        {
            if index % 2 == 1 {
                words.append(String(part))
            } else {
                words += part.split(separator: " ").map(String.init)
            }
        }
        return words
    }
}

extension String {
    /// The lines, each further in.
    func indented(by count: Int) -> String {
        split(separator: "\n", omittingEmptySubsequences: false)
            .map { String(repeating: " ", count: count) + $0 }.joined(separator: "\n")
    }
}
