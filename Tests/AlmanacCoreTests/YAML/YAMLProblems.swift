import Testing

@testable import AlmanacCore

/// Diagnostics as `line:column message (help)`, sorted.
func told(_ diagnostics: [Diagnostic]) -> [String] {
    DiagnosticReport(diagnostics).diagnostics.map { diagnostic in
        (diagnostic.position.map { "\($0) " } ?? "") + diagnostic.message
            + (diagnostic.help.map { " (\($0))" } ?? "")
    }
}

/// The value of a type in a text.
func decoded<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
    try YAMLDecoder().decode(type, from: yaml(text))
}

/// What is wrong with a text as a value of the type; empty where it is one.
func decodingProblems<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> [String] {
    let node = try yaml(text)
    do {
        _ = try YAMLDecoder().decode(type, from: node)
        return []
    } catch {
        return told(error.diagnostics)
    }
}

/// What is wrong with a text as YAML, with the help; empty for a valid text.
func yamlAnswers(_ text: String, limits: YAMLLimits = .standard) -> [String] {
    do {
        _ = try YAMLParser.parse(text: text, path: "f.yaml", limits: limits)
        return []
    } catch let error as DiagnosticsError {
        return told(error.diagnostics)
    } catch {
        return ["unexpected error: \(error)"]
    }
}
