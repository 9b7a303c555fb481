/// Diagnostics in the order of their files and places, each once, the first of them shown.
package struct DiagnosticReport: Sendable {
    /// Sorted, without repetitions.
    package let diagnostics: [Diagnostic]
    /// How many are shown; of the others only the number.
    package let limit: Int

    package init(_ diagnostics: [Diagnostic], limit: Int = 100) {
        var seen: Set<Diagnostic> = []
        self.diagnostics = diagnostics.filter { seen.insert($0).inserted }.sorted(by: Self.precedes)
        self.limit = limit
    }

    package var errorCount: Int { diagnostics.count { $0.severity == .error } }
    package var warningCount: Int { diagnostics.count { $0.severity == .warning } }

    /// The diagnostics within the limit. Errors go before warnings when not all fit.
    package var shown: [Diagnostic] {
        guard diagnostics.count > limit else { return diagnostics }
        let errors = diagnostics.filter { $0.severity == .error }.prefix(limit)
        let warnings = diagnostics.filter { $0.severity == .warning }.prefix(limit - errors.count)
        return (errors + warnings).sorted(by: Self.precedes)
    }

    /// The number of diagnostics beyond the limit.
    package var hiddenCount: Int { max(0, diagnostics.count - limit) }

    /// The report for people; empty without diagnostics, otherwise with a line break at its end.
    package func rendered(colour: Bool = false) -> String {
        let renderer = DiagnosticRenderer(colour: colour)
        var text = shown.map { renderer.render($0) }.joined(separator: "\n")
        if hiddenCount > 0 { text += "\nand \(hiddenCount) more\n" }
        return text
    }

    private static func precedes(_ left: Diagnostic, _ right: Diagnostic) -> Bool {
        let start = SourcePosition(line: 0, column: 0)
        return (left.file, left.position ?? start, left.message)
            < (right.file, right.position ?? start, right.message)
    }
}

extension DiagnosticReport: Encodable {
    private enum CodingKeys: String, CodingKey {
        case errors, warnings, hidden, diagnostics
    }

    /// `{"errors":1,"warnings":0,"hidden":0,"diagnostics":[…]}`.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(errorCount, forKey: .errors)
        try container.encode(warningCount, forKey: .warnings)
        try container.encode(hiddenCount, forKey: .hidden)
        try container.encode(shown, forKey: .diagnostics)
    }
}

extension Diagnostic: Encodable {
    private enum CodingKeys: String, CodingKey {
        case severity, category, file, line, column, length, message, help, notes
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(severity, forKey: .severity)
        try container.encode(category.rawValue, forKey: .category)
        try container.encode(file, forKey: .file)
        if let position {
            try container.encode(position.line, forKey: .line)
            try container.encode(position.column, forKey: .column)
            try container.encode(length, forKey: .length)
        }
        try container.encode(message, forKey: .message)
        try container.encodeIfPresent(help, forKey: .help)
        if !notes.isEmpty { try container.encode(notes, forKey: .notes) }
    }
}
