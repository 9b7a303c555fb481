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
            level: event.level, message: event.message.description,
            fields: LogFields.merged(fields, event.error), time: LogTime.now)
        Console.write(line.rendered(colour: colour) + "\n", to: descriptor)
    }
}

/// One line as people see it: the end of a run in columns, anything else as a sentence.
struct LogLine {
    let level: Logger.Level
    let message: String
    let fields: Logger.Metadata
    let time: LogTime

    /// How wide the name of a job is before the columns shift.
    private static let jobWidth = 24
    /// As wide as the longest state.
    private static let stateWidth = 9

    func rendered(colour: Bool) -> String {
        let text = isRun ? run : sentence
        let line = "\(time.wallTime)  \(mark)  \(text)".printable()
        return Self.paint(line, shade, colour)
    }

    /// Lines that end a run have the instant that it was due.
    private var isRun: Bool { fields["due"] != nil && fields["job"] != nil }

    private var mark: String {
        switch (isRun, message, level) {
        case (true, "succeeded", _): "✓"
        case (true, "skipped", _): "–"
        case (true, "queued", _): "·"
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
        let gap = String(repeating: " ", count: max(0, Self.stateWidth - message.count))
        var parts = ["\(message)\(gap)  \(job)\(blanks)"]
        if let due = text("due") { parts.append("due \(shortened(due))") }
        if let count = text("count"), count != "1" { parts.append("\(count) occurrences") }
        if let milliseconds = text("durationMilliseconds") {
            parts.append("\(milliseconds) ms".leftPadded(to: 9))
        }
        if let rows = text("rows") {
            parts.append("\(rows) \(rows == "1" ? "row" : "rows")".leftPadded(to: 12))
        }
        if let attempt = text("attempt"), let attempts = text("attempts") {
            parts.append("attempt \(attempt)/\(attempts)")
        }
        if let next = text("nextAttempt") { parts.append("next \(shortened(next))") }
        if let obstacle = text("waitsFor") {
            parts.append("waits for \(ObstacleText.words(obstacle))")
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

    private func text(_ key: String) -> String? { fields[key].map { "\($0)" } }

    /// `2026-11-22T02:30:00Z` → `02:30:00Z`, unless the line is of another day.
    private func shortened(_ instant: String) -> String {
        let parts = instant.split(separator: "T", maxSplits: 1)
        guard parts.count == 2 else { return instant }
        return time.rfc3339.hasPrefix(parts[0]) ? String(parts[1]) : parts.joined(separator: " ")
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
