import Foundation
import Logging

/// Logs lines for people at a terminal.
struct TextLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel: Logger.Level
    private let descriptor: Int32
    private let colour: Bool

    init(descriptor: Int32, level: Logger.Level, colour: Bool, provider: Logger.MetadataProvider?) {
        self.descriptor = descriptor
        self.colour = colour
        logLevel = level
        metadataProvider = provider
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = LogFields.merged(self.metadata, metadataProvider, event.metadata)
        let line = LogLine(
            level: event.level, message: event.message.description, fields: fields,
            time: LogTime.now.wallTime)
        Console.write(line.rendered(colour: colour) + "\n", to: descriptor)
    }
}

/// One line as people see it: the end of a run in columns, anything else as a sentence.
struct LogLine {
    let level: Logger.Level
    let message: String
    let fields: Logger.Metadata
    let time: String

    /// How wide the name of a job is before the columns shift.
    private static let jobWidth = 24

    func rendered(colour: Bool) -> String {
        let text = isRun ? run : sentence
        let line = "\(time)  \(mark)  \(text)".map { Self.isControl($0) ? "�" : $0 }
        return Self.paint(String(line), shade, colour)
    }

    /// Lines that end a run have the instant that it was due.
    private var isRun: Bool { fields["due"] != nil && fields["job"] != nil }

    private var mark: String {
        switch (isRun, message, level) {
        case (true, "succeeded", _): "✓"
        case (true, "skipped", _): "–"
        case (true, _, _): "✗"
        case (false, _, .warning): "!"
        case (false, _, .error), (false, _, .critical): "✗"
        default: "·"
        }
    }

    private var shade: String? {
        switch (mark, level) {
        case ("✓", _): "32"
        case ("✗", _): "31"
        case ("!", _): "33"
        case (_, .debug), (_, .trace): "2"
        default: nil
        }
    }

    private var run: String {
        let job = text("job") ?? ""
        let blanks = String(repeating: " ", count: max(0, Self.jobWidth - job.count))
        let state = message.padding(toLength: 9, withPad: " ", startingAt: 0)
        var parts = ["\(state)  \(job)\(blanks)"]
        if let due = text("due") { parts.append("due \(Self.timeOfDay(due))") }
        if let count = text("count"), count != "1" { parts.append("\(count) occurrences") }
        if let milliseconds = text("durationMilliseconds") {
            parts.append("\(milliseconds) ms".leftPadded(to: 9))
        }
        if let rows = text("rows") {
            parts.append("\(rows) \(rows == "1" ? "row" : "rows")".leftPadded(to: 12))
        }
        for key in ["reason", "error", "detail", "hookError"] {
            if let more = text(key) { parts.append(more) }
        }
        return parts.joined(separator: "  ")
    }

    private var sentence: String {
        let details = fields.filter { $0.key != "node" }.sorted { $0.key < $1.key }
            .map { "\($0.key)=\($0.value)" }
        return ([message] + details).joined(separator: "  ")
    }

    private func text(_ key: String) -> String? {
        fields[key].map { "\($0)".replacing("\n", with: " ") }
    }

    /// `2026-11-22T02:30:00Z` → `02:30:00Z`, since the day is known to who is watching.
    private static func timeOfDay(_ instant: String) -> String {
        guard let mark = instant.firstIndex(of: "T") else { return instant }
        return String(instant[instant.index(after: mark)...])
    }

    /// What could play tricks with a terminal.
    private static func isControl(_ character: Character) -> Bool {
        character.unicodeScalars.contains {
            $0.properties.generalCategory == .control
        }
    }

    private static func paint(_ text: String, _ shade: String?, _ colour: Bool) -> String {
        guard colour, let shade else { return text }
        return "\u{1B}[\(shade)m\(text)\u{1B}[0m"
    }
}

extension String {
    fileprivate func leftPadded(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }
}
