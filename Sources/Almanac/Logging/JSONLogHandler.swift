import Foundation
import Logging

/// Logs one JSON object on each line, for machines.
///
/// `time` (RFC 3339, UTC, milliseconds), `level`, `logger`, `message`, then the labels, among them
/// `run`, `job` and `node`. Numbers are numbers.
struct JSONLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel: Logger.Level
    private let descriptor: Int32
    private let label: String

    init(descriptor: Int32, label: String, level: Logger.Level, provider: Logger.MetadataProvider?)
    {
        self.descriptor = descriptor
        self.label = label
        logLevel = level
        metadataProvider = provider
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = LogFields.merged(self.metadata, metadataProvider, event.metadata)
        let line = JSONLogLine(
            level: event.level, logger: label, message: event.message.description,
            fields: LogFields.merged(fields, event.error), time: LogTime.now)
        Console.write(line.rendered + "\n", to: descriptor)
    }
}

/// One line as machines read it.
struct JSONLogLine {
    let level: Logger.Level
    let logger: String
    let message: String
    let fields: Logger.Metadata
    let time: LogTime

    /// The members that every line has. A label of such a name gets a `_` at its end: of two
    /// members with one name most readers see only one.
    private static let members: Set<String> = ["time", "level", "logger", "message"]

    /// The object, in one line.
    var rendered: String {
        var line = "{\"time\":\(JSONText.quote(time.rfc3339)),"
        line += "\"level\":\"\(level.rawValue)\",\"logger\":\(JSONText.quote(logger)),"
        line += "\"message\":\(JSONText.quote(message))"
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
            let name = Self.members.contains(key) ? key + "_" : key
            line += ",\(JSONText.quote(name)):\(JSONText.render(value))"
        }
        return line + "}"
    }
}

/// What a line says beside its message.
enum LogFields {
    /// The labels of the logger, of the running task and of the line; the later ones win.
    static func merged(
        _ logger: Logger.Metadata, _ provider: Logger.MetadataProvider?, _ line: Logger.Metadata?
    ) -> Logger.Metadata {
        var fields = provider?.get() ?? [:]
        fields.merge(logger) { $1 }
        if let line { fields.merge(line) { $1 } }
        return fields
    }

    /// The labels with the error that the line was given, unless it says one itself.
    static func merged(_ fields: Logger.Metadata, _ error: (any Error)?) -> Logger.Metadata {
        guard let error, fields["error"] == nil else { return fields }
        return fields.merging(["error": "\(error)"]) { $1 }
    }
}

/// JSON as log lines need it.
enum JSONText {
    /// A text in quotes.
    static func quote(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// A value of a label: numbers and truth values as they are, all else as text.
    static func render(_ value: Logger.MetadataValue) -> String {
        switch value {
        case .string(let text): return quote(text)
        case .stringConvertible(let value):
            switch value {
            case is any BinaryInteger, is Bool: return value.description
            // JSON has no infinity.
            case let number as Double where number.isFinite: return number.description
            default: return quote(value.description)
            }
        case .array(let values):
            return "[" + values.map(render).joined(separator: ",") + "]"
        case .dictionary(let fields):
            let members = fields.sorted { $0.key < $1.key }.map {
                "\(quote($0.key)):\(render($0.value))"
            }
            return "{" + members.joined(separator: ",") + "}"
        }
    }
}
