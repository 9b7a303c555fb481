import AlmanacCore
import Foundation
import Glibc
import PostgresSession

/// The text of an `sql` task and where it is from.
struct SQLSource {
    private let text: String
    /// The file as the parameter has it; nil for a `statement`.
    private let file: String?

    /// No script of a nightly job is longer; a device or a dump by mistake is.
    private static let limitBytes = 64 << 20

    /// - Throws: `InvalidParameter`.
    init(_ task: SQLTask, resolve: (String) -> String) throws {
        switch (task.statement, task.file) {
        case (nil, nil):
            throw InvalidParameter(
                "'sql' needs 'statement' or 'file'",
                help: "add 'statement: …', or 'file: …' with the path of an SQL file")
        case (_?, _?):
            throw InvalidParameter(
                "file", "'sql' takes 'statement' or 'file', not both", help: "remove one of them")
        case (let text?, nil): (self.text, file) = (text, nil)
        case (nil, let file?): (text, self.file) = (try Self.read(resolve(file)), file)
        }
    }

    /// The statements, at least one.
    ///
    /// - Throws: `InvalidParameter`.
    func script() throws -> SQLScript {
        let script: SQLScript
        do {
            script = try SQLScript(text)
        } catch {
            let offset = max(0, (error.position ?? 1) - 1)
            let line = 1 + text.utf8.prefix(offset).count { $0 == UInt8(ascii: "\n") }
            let prefix = "line \(line): "
            let isPlaced = error.message.hasPrefix(prefix)
            throw problem(
                isPlaced ? String(error.message.dropFirst(prefix.count)) : error.message,
                help: error.hint, line: line, offset: offset)
        }
        guard !script.statements.isEmpty else {
            throw InvalidParameter(
                parameter, "\(file.map { "\($0) has" } ?? "there is") no SQL statement",
                help: "write one, or remove the job")
        }
        return script
    }

    /// The placeholder of that name.
    ///
    /// - Throws: `InvalidParameter` that says which there are.
    func placeholder(
        _ name: String, in statement: SQLScript.Statement
    ) throws -> PlaceholderText.Placeholder {
        do {
            return try PlaceholderText.Placeholder(name: name)
        } catch let error as YAMLValueError {
            throw problem(error.message, help: error.help, at: name, in: statement)
        }
    }

    /// Refuses a placeholder that the job has no value for.
    ///
    /// - Throws: `InvalidParameter`.
    func check(
        _ name: String, in statement: SQLScript.Statement, _ definition: TaskDefinition
    ) throws {
        let found = try placeholder(name, in: statement).problem(in: definition)
        if let found { throw problem(found.message, help: found.help, at: name, in: statement) }
    }

    private func problem(
        _ message: String, help: String?, at name: String, in statement: SQLScript.Statement
    ) -> InvalidParameter {
        let before = statement.text.utf8.firstRange(of: "${\(name)}".utf8).map {
            statement.text.utf8[..<$0.lowerBound]
        }
        return problem(
            message, help: help,
            line: statement.line + (before?.count { $0 == UInt8(ascii: "\n") } ?? 0),
            offset: statement.offset + (before?.count ?? 0))
    }

    /// The statement with its placeholders' values as parameters.
    ///
    /// - Parameter own: values that only this task has.
    /// - Throws: `UnresolvedPlaceholder`.
    func bind(
        _ statement: SQLScript.Statement, _ values: PlaceholderValues,
        own: (String) -> Parameter? = { _ in nil }
    ) throws -> SQL {
        try statement.bound { name in
            if let parameter = own(name) { return parameter }
            return try values.parameter(of: try placeholder(name, in: statement))
        }
    }

    private var parameter: String { file == nil ? "statement" : "file" }

    /// A problem at a place of the text. In a `statement` the schedule file itself shows the place.
    func problem(
        _ message: String, help: String?, line: Int, offset: Int
    ) -> InvalidParameter {
        let clause = help.map { $0.prefix(1).lowercased() + $0.dropFirst() }
        guard let file else {
            var problem = InvalidParameter("statement", message, help: clause)
            problem.offset =
                String(decoding: text.utf8.prefix(offset), as: UTF8.self)
                .unicodeScalars.count
            return problem
        }
        return InvalidParameter("file", "\(file), line \(line): \(message)", help: clause)
    }

    // MARK: Files

    private static func read(_ path: String) throws -> String {
        var status = stat()
        guard stat(path, &status) == 0 else { throw absence(of: path, code: errno) }
        // A pipe could keep the reading waiting for ever.
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw InvalidParameter(
                "file", "\(path) is not a regular file", help: "name an SQL file")
        }
        guard status.st_size <= limitBytes else {
            throw InvalidParameter(
                "file", "\(path) has more than \(limitBytes >> 20) MiB",
                help: "load data with COPY in a task of your own, or with psql in 'command'")
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw InvalidParameter(
                "file", "\(path) cannot be read", help: "make it readable for this user")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw InvalidParameter(
                "file", "\(path) is not UTF-8", help: "save it as UTF-8 in your editor")
        }
        // What some editors begin a file with, and the server takes for a part of the first word.
        return text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text
    }

    private static func absence(of path: String, code: Int32) -> InvalidParameter {
        guard code == ENOENT else {
            return InvalidParameter(
                "file", "\(path) cannot be reached: \(String(cString: strerror(code)))",
                help: "check the path and its permissions")
        }
        let url = URL(fileURLWithPath: path)
        let folder = url.deletingLastPathComponent().path
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return InvalidParameter(
            "file", "there is no file \(path)",
            help: Suggestion.question(for: url.lastPathComponent, among: names)
                ?? "the path starts at the folder of the schedule file")
    }
}
