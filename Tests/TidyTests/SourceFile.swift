import Foundation

/// What a rule found, where.
struct Offence: CustomStringConvertible, Equatable {
    var path: String
    var line: Int
    var message: String

    var description: String { "\(path):\(line): \(message)" }
}

/// One Swift file of the house.
struct SourceFile {
    /// The path from the root, such as `Sources/Scheduling/CronExpression.swift`.
    let path: String
    let text: SourceText
    let functions: [Function]

    init(path: String, _ text: String) {
        self.path = path
        self.text = SourceText(text)
        functions = Function.all(in: self.text)
    }

    private var parts: [Substring] { path.split(separator: "/") }

    var name: String { parts.last.map(String.init) ?? path }
    var isSource: Bool { parts.first == "Sources" }
    var isTest: Bool { parts.first == "Tests" }

    /// The target that it belongs to.
    var module: String { parts.count > 2 ? String(parts[1]) : "" }

    /// One offence for each place where a token stands in the code.
    func offences(at token: String, _ message: String) -> [Offence] {
        text.positions(of: token).map { offence(at: $0, message) }
    }

    func offence(at position: Int, _ message: String) -> Offence {
        Offence(path: path, line: text.line(at: position), message: message)
    }
}

/// All Swift files of the house, read once.
struct SourceTree {
    var files: [SourceFile]

    static let house = SourceTree(
        root: URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent())

    init(files: [SourceFile]) {
        self.files = files
    }

    init(root: URL) {
        files = ["Sources", "Tests"].flatMap { folder in
            let paths = FileManager.default.enumerator(atPath: root.path + "/" + folder)
            return (paths?.compactMap { $0 as? String } ?? [])
                .filter { $0.hasSuffix(".swift") }.sorted()
                .compactMap { path in
                    let path = folder + "/" + path
                    let text = try? String(contentsOf: root.appending(path: path), encoding: .utf8)
                    return text.map { SourceFile(path: path, $0) }
                }
        }
    }

    func offences(_ rule: (SourceFile) -> [Offence]) -> [Offence] {
        files.flatMap(rule)
    }
}
