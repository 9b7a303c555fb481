/// A problem in a file: what, where, and what to do about it.
package struct Diagnostic: Sendable {
    package enum Severity: String, Sendable, Hashable, Encodable {
        case error, warning
    }

    /// What a diagnostic is about, for callers that choose among warnings and for JSON.
    package struct Category: RawRepresentable, Sendable, Hashable, Encodable {
        package let rawValue: String

        package init(rawValue: String) {
            self.rawValue = rawValue
        }
    }

    /// Another place that belongs to the problem.
    package struct Note: Sendable, Hashable, Encodable {
        package let file: String
        package let position: SourcePosition
        package let message: String

        package init(file: String, position: SourcePosition, message: String) {
            self.file = file
            self.position = position
            self.message = message
        }
    }

    package let severity: Severity
    package let category: Category
    /// The path of the file or folder, as it was given.
    package let file: String
    /// `nil` where the problem is the file as a whole.
    package let position: SourcePosition?
    /// How many Unicode scalars of the line the problem covers, at least 1.
    package let length: Int
    package let message: String
    /// What to do, as one clause without a full stop.
    package let help: String?
    package let notes: [Note]
    /// The text of the file, to show the line.
    package let source: SourceFile?

    /// A problem at a place in a text.
    package init(
        severity: Severity = .error, category: Category, source: SourceFile,
        position: SourcePosition, length: Int = 1, message: String, help: String? = nil,
        notes: [Note] = []
    ) {
        self.severity = severity
        self.category = category
        self.file = source.path
        self.position = position
        self.length = max(1, length)
        self.message = message
        self.help = help
        self.notes = notes
        self.source = source
    }

    /// A problem of a file or folder as a whole.
    package init(
        severity: Severity = .error, category: Category = .file, path: String, message: String,
        help: String? = nil
    ) {
        self.severity = severity
        self.category = category
        self.file = path
        self.position = nil
        self.length = 1
        self.message = message
        self.help = help
        self.notes = []
        self.source = nil
    }

    /// A problem of a node: all of a scalar, or the beginning of a collection.
    package init(
        severity: Severity = .error, category: Category, at node: YAMLNode, message: String,
        help: String? = nil, notes: [Note] = []
    ) {
        let place = node.highlight
        self.init(
            severity: severity, category: category, source: node.source, position: place.start,
            length: place.length, message: message, help: help, notes: notes)
    }

    /// A problem inside a scalar, at an offset in Unicode scalars of its text.
    package init(
        severity: Severity = .error, category: Category, inside node: YAMLNode, offset: Int,
        length: Int = 1, message: String, help: String? = nil
    ) {
        guard let position = node.position(atOffset: offset) else {
            self.init(
                severity: severity, category: category, at: node, message: message, help: help)
            return
        }
        self.init(
            severity: severity, category: category, source: node.source, position: position,
            length: length, message: message, help: help)
    }
}

extension Diagnostic.Category {
    /// The text is not the YAML that Almanac reads.
    package static let syntax = Self(rawValue: "syntax")
    /// A bound is exceeded.
    package static let limit = Self(rawValue: "limit")
    /// A file or folder cannot be read.
    package static let file = Self(rawValue: "file")
    /// A key that does not exist here.
    package static let unknownKey = Self(rawValue: "unknown-key")
    /// A key or a value that must be there.
    package static let missing = Self(rawValue: "missing")
    /// The same key or job twice.
    package static let duplicate = Self(rawValue: "duplicate")
    /// A value of the wrong type or outside its range.
    package static let value = Self(rawValue: "value")
    /// A cron expression or an interval.
    package static let schedule = Self(rawValue: "schedule")
    /// A time zone.
    package static let timeZone = Self(rawValue: "time-zone")
    /// A task or its parameters.
    package static let task = Self(rawValue: "task")
    /// Warning: a legal cron expression that may not mean what it seems to.
    package static let cronStyle = Self(rawValue: "cron-style")
    /// Warning: a job that may run without limit.
    package static let noDeadline = Self(rawValue: "no-deadline")
    /// Warning: pauses between attempts of a job that has one attempt.
    package static let noRetries = Self(rawValue: "no-retries")
    /// Warning: a job that wants to be told of slow runs and does not say what is slow.
    package static let noWarnAfter = Self(rawValue: "no-warn-after")
    /// Warning: a job at fixed times whose zone nobody chose.
    package static let defaultTimeZone = Self(rawValue: "default-time-zone")
    /// Warning: a change of the clocks skips or repeats times of jobs.
    package static let clockChange = Self(rawValue: "clock-change")
    /// Warning: a job that is never due, or not any more.
    package static let neverDue = Self(rawValue: "never-due")
    /// Warning: many jobs at one instant.
    package static let crowd = Self(rawValue: "crowd")
}

extension Diagnostic: Hashable {
    package static func == (left: Diagnostic, right: Diagnostic) -> Bool {
        left.file == right.file && left.position == right.position
            && left.message == right.message && left.severity == right.severity
            && left.category == right.category && left.length == right.length
            && left.help == right.help && left.notes == right.notes
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(file)
        hasher.combine(position)
        hasher.combine(message)
    }
}

extension Diagnostic: CustomStringConvertible {
    /// One line: `file:line:column: error: message`.
    package var description: String {
        let place = position.map { "\(file):\($0)" } ?? file
        return "\(place): \(severity.rawValue): \(message)"
    }
}

/// Problems that keep a text from being used. At least one of them is an error.
package struct DiagnosticsError: Error, Sendable, CustomStringConvertible {
    package let diagnostics: [Diagnostic]

    package init(_ diagnostics: [Diagnostic]) {
        self.diagnostics = diagnostics
    }

    package init(_ diagnostic: Diagnostic) {
        self.diagnostics = [diagnostic]
    }

    /// The report as text, without colour.
    package var description: String {
        DiagnosticReport(diagnostics).rendered()
    }
}
