package import Foundation

/// What the placeholders of parameters stand for in one run of a job, or for one message of a
/// channel.
package struct PlaceholderValues: Sendable {
    /// The nominal instant of the run.
    package let scheduledFor: Date
    /// The data that the run is for, if its job has windows.
    package let window: Range<Date>?
    /// What a channel is to tell; nil for a job.
    package var message: NotificationMessage?
    /// The folder that `${file:…}` starts from.
    package let baseDirectory: String
    /// The environment that `${env:…}` looks into; nil for that of the process.
    private let environment: [String: String]?

    package init(
        scheduledFor: Date, window: Range<Date>? = nil, message: NotificationMessage? = nil,
        baseDirectory: String,
        environment: [String: String]? = nil
    ) {
        self.scheduledFor = scheduledFor
        self.window = window
        self.message = message
        self.baseDirectory = baseDirectory
        self.environment = environment
    }

    /// The instant that a placeholder stands for; nil for one that stands for something else.
    ///
    /// - Throws: `UnresolvedPlaceholder` for the window of a job that has none.
    package func instant(of placeholder: PlaceholderText.Placeholder) throws -> Date? {
        switch placeholder {
        case .scheduledFor: return scheduledFor
        case .windowStart, .windowEnd:
            guard let window else { throw UnresolvedPlaceholder(windowless: placeholder) }
            return placeholder == .windowStart ? window.lowerBound : window.upperBound
        case .environment, .file, .message: return nil
        }
    }

    /// What one placeholder stands for.
    ///
    /// - Throws: `UnresolvedPlaceholder`.
    package func value(of placeholder: PlaceholderText.Placeholder) throws -> String {
        switch placeholder {
        case .scheduledFor, .windowStart, .windowEnd:
            return try instant(of: placeholder).map(Self.rfc3339) ?? ""
        case .environment(let name):
            // Looked at only here: a copy of all variables for every run costs more than the rest.
            let environment = environment ?? ProcessInfo.processInfo.environment
            guard let value = environment[name] else {
                throw UnresolvedPlaceholder(
                    placeholder: "${env:\(name)}",
                    message: "the environment has no variable \(name); set it for the scheduler")
            }
            RunSecrets.current?.note(value)
            return value
        case .file(let path):
            let text = try contents(of: path)
            RunSecrets.current?.note(text)
            return text
        case .message(let part):
            guard let message else { throw UnresolvedPlaceholder(messageless: part) }
            return message.text(of: part)
        }
    }

    /// A tree of parameters with every placeholder in its texts replaced.
    ///
    /// - Throws: `UnresolvedPlaceholder`.
    package func expand(_ node: YAMLNode) throws -> YAMLNode {
        switch node.content {
        case .scalar(let scalar):
            guard scalar.text.contains("${") else { return node }
            let text = try render(PlaceholderText(scalar.text))
            return replacing(
                node, .scalar(YAMLScalar(text: text, style: scalar.style, kind: .string)))
        case .sequence(let nodes):
            return replacing(node, .sequence(try nodes.map(expand)))
        case .mapping(let pairs):
            return replacing(
                node, .mapping(try pairs.map { YAMLPair(key: $0.key, value: try expand($0.value)) })
            )
        }
    }

    private func replacing(_ node: YAMLNode, _ content: YAMLNode.Content) -> YAMLNode {
        YAMLNode(content: content, range: node.range, source: node.source)
    }

    /// A text with its placeholders filled in.
    ///
    /// - Parameter written: how a part of a message is written there.
    /// - Throws: `UnresolvedPlaceholder`.
    package func render(
        _ text: PlaceholderText, message written: (String) -> String = { $0 }
    ) throws -> String {
        try text.parts.map { part in
            switch part {
            case .literal(let literal): literal
            case .placeholder(let placeholder, _):
                if case .message = placeholder {
                    written(try value(of: placeholder))
                } else {
                    try value(of: placeholder)
                }
            }
        }.joined()
    }

    /// A file's text without the line end at its end, as secrets are mounted into containers.
    private func contents(of path: String) throws -> String {
        let full = RelativePath.resolve(path, in: baseDirectory)
        do {
            let text = try String(contentsOfFile: full, encoding: .utf8)
            return text.hasSuffix("\n") ? String(text.dropLast()) : text
        } catch {
            throw UnresolvedPlaceholder(
                placeholder: "${file:\(path)}",
                message: "the file \(full) cannot be read as UTF-8 text")
        }
    }

    /// An instant as RFC 3339 in UTC, with a fraction only where there is one.
    static func rfc3339(_ date: Date) -> String {
        let hasFraction = date.timeIntervalSince1970 != date.timeIntervalSince1970.rounded()
        return date.formatted(
            Date.ISO8601FormatStyle(includingFractionalSeconds: hasFraction, timeZone: .gmt))
    }
}

/// A placeholder of a job's parameters has no value in this run.
public struct UnresolvedPlaceholder: Error, CustomStringConvertible {
    /// The placeholder as it stands in the file.
    public let placeholder: String
    /// Why there is none, and what to do.
    public let message: String

    /// The placeholder with the reason, for people.
    public var description: String { "\(placeholder): \(message)" }
}

extension UnresolvedPlaceholder {
    /// A window of a job that has none.
    init(windowless placeholder: PlaceholderText.Placeholder) {
        self.init(
            placeholder: placeholder == .windowStart ? "${windowStart}" : "${windowEnd}",
            message: "the job has no window; \(WindowMode.help)")
    }

    /// A part of a message in the parameters of a job.
    init(messageless part: MessagePart) {
        self.init(
            placeholder: "${\(part.name)}",
            message: "a job has no message; only the parameters of a channel may have it")
    }
}

extension PlaceholderText.Placeholder {
    /// The placeholder that stands between `${` and `}`.
    ///
    /// - Throws: an error that says which there are.
    package init(name: String) throws {
        if let instant = Self.instants[name] {
            self = instant
            return
        }
        guard let placeholder = try PlaceholderText("${\(name)}").placeholders.first else {
            throw UnresolvedPlaceholder(placeholder: name, message: "is not a placeholder")
        }
        self = placeholder
    }
}
