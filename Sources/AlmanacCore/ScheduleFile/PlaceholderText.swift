/// A parameter's text, taken apart into what stands as it is and what a run fills in.
///
/// `${scheduledFor}` is the nominal instant, `${env:NAME}` a variable of the environment and
/// `${file:PATH}` the content of a file. In the parameters of a channel `${subject}` and the like
/// are what it is to tell, `${json:subject}` the same as a JSON string, and `${message}` the whole
/// as a JSON object. `$${` stands for `${` itself; any other `$` is a `$`.
package struct PlaceholderText: Sendable, Hashable {
    /// What a placeholder stands for.
    package enum Placeholder: Sendable, Hashable {
        case scheduledFor
        case windowStart
        case windowEnd
        case environment(name: String)
        case file(path: String)
        /// A part of what a channel is to tell.
        case message(MessagePart)
    }

    /// A part of the text.
    package enum Part: Sendable, Hashable {
        case literal(String)
        /// `offset` is where its `$` stands in the text, in Unicode scalars.
        case placeholder(Placeholder, offset: Int)
    }

    package let parts: [Part]

    /// - Throws: ``YAMLValueError`` with the offset of a placeholder that is unknown or not closed.
    package init(_ text: String) throws(YAMLValueError) {
        guard text.utf8.contains(UInt8(ascii: "$")) else {
            parts = text.isEmpty ? [] : [.literal(text)]
            return
        }
        var parser = PlaceholderParser(text)
        parts = try parser.parse()
    }

    /// The placeholders in their order.
    package var placeholders: [Placeholder] {
        parts.compactMap {
            if case .placeholder(let placeholder, _) = $0 { placeholder } else { nil }
        }
    }

    /// The text without placeholders; `nil` where it has some.
    package var literal: String? {
        switch parts.count {
        case 0: return ""
        case 1:
            guard case .literal(let text) = parts[0] else { return nil }
            return text
        default: return nil
        }
    }
}

extension PlaceholderText.Placeholder {
    /// Those that stand for an instant of the run.
    static let instants: [String: Self] = [
        "scheduledFor": .scheduledFor, "windowStart": .windowStart, "windowEnd": .windowEnd,
    ]

    /// Whether only a job with a `window` has a value for it.
    package var needsWindow: Bool { self == .windowStart || self == .windowEnd }

    /// What stands between `${` and `}`.
    package var name: String {
        switch self {
        case .scheduledFor: "scheduledFor"
        case .windowStart: "windowStart"
        case .windowEnd: "windowEnd"
        case .environment(let name): "env:\(name)"
        case .file(let path): "file:\(path)"
        case .message(let part): part.name
        }
    }

    /// What is wrong with it in parameters of that use, if there is nothing it can stand for.
    package func problem(in definition: TaskDefinition) -> InvalidParameter? {
        if needsWindow, !definition.hasWindow {
            return definition.isChannel
                ? InvalidParameter(
                    "'${\(name)}' has no value: a channel has no 'window'",
                    help: "use '${scheduledFor}', or a part of the message such as '${subject}'")
                : InvalidParameter(
                    "'${\(name)}' has no value: the job has no 'window'", help: WindowMode.help)
        }
        guard case .message = self, !definition.isChannel else { return nil }
        return InvalidParameter(
            "'${\(name)}' has no value: it is for the parameters of a channel",
            help: "a job has '${scheduledFor}', '${env:NAME}' and '${file:PATH}'")
    }
}

extension PlaceholderText: Decodable {
    /// - Throws: what ``init(_:)`` throws; a ``YAMLDecoder`` shows the place inside the text.
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        try self.init(text)
    }
}

private struct PlaceholderParser {
    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var literal = String.UnicodeScalarView()
    private var parts: [PlaceholderText.Part] = []

    init(_ text: String) {
        scalars = Array(text.unicodeScalars)
    }

    mutating func parse() throws(YAMLValueError) -> [PlaceholderText.Part] {
        while position < scalars.count {
            if scalars[position] == "$", follows("$${") {
                literal.append(contentsOf: "${".unicodeScalars)
                position += 3
            } else if scalars[position] == "$", follows("${") {
                try parsePlaceholder()
            } else {
                literal.append(scalars[position])
                position += 1
            }
        }
        endLiteral()
        return parts
    }

    private func follows(_ text: String) -> Bool {
        scalars[position...].starts(with: text.unicodeScalars)
    }

    private mutating func endLiteral() {
        guard !literal.isEmpty else { return }
        parts.append(.literal(String(literal)))
        literal = String.UnicodeScalarView()
    }

    private mutating func parsePlaceholder() throws(YAMLValueError) {
        let start = position
        let content = scalars[(start + 2)...].prefix { $0 != "}" && $0 != "\n" }
        guard content.endIndex < scalars.count, scalars[content.endIndex] == "}" else {
            throw YAMLValueError(
                offset: start, length: 2, message: "this '${' is not closed by a '}'",
                help: "add the '}', or write '$${' for a plain '${'")
        }
        let name = String(String.UnicodeScalarView(content))
        let placeholder = try placeholder(name, offset: start, length: content.count + 3)
        endLiteral()
        parts.append(.placeholder(placeholder, offset: start))
        position = content.endIndex + 1
    }

    private func placeholder(
        _ name: String, offset: Int, length: Int
    ) throws(YAMLValueError) -> PlaceholderText.Placeholder {
        func refusal(_ message: String, _ help: String) -> YAMLValueError {
            YAMLValueError(offset: offset, length: length, message: message, help: help)
        }
        if let instant = PlaceholderText.Placeholder.instants[name] { return instant }
        if let part = try messagePart(name, refusal) { return .message(part) }
        if name == "chunkFrom" || name == "chunkTo" {
            throw refusal(
                "'${\(name)}' stands in the SQL of the task 'sql' alone, and only with 'chunk'",
                "add 'chunk: {keys: SELECT …}' to its parameters")
        }
        if name.hasPrefix("env:") {
            let variable = String(name.dropFirst(4))
            guard Self.isVariableName(variable) else {
                throw refusal(
                    "'\(variable.shortened(to: 40))' is no name of an environment variable",
                    "use letters, digits and '_', as in ${env:REPORT_TARGET}")
            }
            return .environment(name: variable)
        }
        if name.hasPrefix("file:") {
            guard name.count > 5 else {
                throw refusal(
                    "'${file:}' names no file", "write a path, as in ${file:secrets/token}")
            }
            return .file(path: String(name.dropFirst(5)))
        }
        throw refusal(
            "there is no placeholder '${\(name.shortened(to: 40))}'", Self.help(for: name))
    }

    private func messagePart(
        _ name: String, _ refusal: (String, String) -> YAMLValueError
    ) throws(YAMLValueError) -> MessagePart? {
        if name == MessagePart.whole.name { return .whole }
        guard name.hasPrefix("json:") else { return MessageField(rawValue: name).map { .text($0) } }
        let inner = String(name.dropFirst(5))
        if let field = MessageField(rawValue: inner) { return .json(field) }
        if inner == MessagePart.whole.name {
            throw refusal("'${message}' is JSON already", "write '${message}'")
        }
        let fields = MessageField.allCases.map(\.rawValue)
        throw refusal(
            "there is no field '\(inner.shortened(to: 40))' of a message",
            Suggestion.question(for: inner, among: fields)
                ?? "there are \(Suggestion.list(fields, joinedBy: "and", limit: 100))")
    }

    private static func help(for name: String) -> String {
        if isVariableName(name), name == name.uppercased() {
            return
                "for an environment variable write '${env:\(name)}', for a plain '${' '$${'"
        }
        let near = Suggestion.question(
            for: name,
            among: ["scheduledFor", "windowStart", "windowEnd", "message"]
                + MessageField.allCases.map(\.rawValue))
        return near.map { $0.replacing(/'([a-zA-Z]+)'/) { "'${\($0.output.1)}'" } }
            ?? "there are ${scheduledFor}, ${windowStart}, ${windowEnd}, ${env:NAME}, "
            + "${file:PATH}; a plain '${' is '$${'"
    }

    private static func isVariableName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return name.utf8.allSatisfy {
            switch $0 {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: true
            default: false
            }
        }
    }
}
