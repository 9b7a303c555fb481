import Testing

@testable import AlmanacCore

/// The root of a text that is valid.
func yaml(_ text: String, limits: YAMLLimits = .standard) throws -> YAMLNode {
    try #require(try YAMLParser.parse(text: text, path: "f.yaml", limits: limits))
}

/// What is wrong with a text, one line each: `line:column message`; empty for a valid text.
func yamlProblems(_ bytes: [UInt8], limits: YAMLLimits = .standard) -> [String] {
    do {
        _ = try YAMLParser.parse(
            SourceFile(path: "f.yaml", bytes: bytes, limits: limits), limits: limits)
        return []
    } catch let error as DiagnosticsError {
        return lines(error.diagnostics)
    } catch {
        return ["unexpected error: \(error)"]
    }
}

func yamlProblems(_ text: String, limits: YAMLLimits = .standard) -> [String] {
    yamlProblems(Array(text.utf8), limits: limits)
}

/// Diagnostics as `line:column message`, sorted.
func lines(_ diagnostics: [Diagnostic]) -> [String] {
    DiagnosticReport(diagnostics).diagnostics.map { diagnostic in
        (diagnostic.position.map { "\($0) " } ?? "") + diagnostic.message
    }
}

extension YAMLNode {
    /// The node as one line, to compare trees at a glance: strings quoted, other scalars as they
    /// are.
    var summary: String {
        switch content {
        case .scalar(let scalar):
            scalar.kind == .string
                ? "'\(scalar.text)'" : scalar.kind == .null ? "null" : scalar.text
        case .sequence(let nodes): "[" + nodes.map(\.summary).joined(separator: ", ") + "]"
        case .mapping(let pairs):
            "{" + pairs.map { "\($0.name): \($0.value.summary)" }.joined(separator: ", ") + "}"
        }
    }

    /// Every node of the tree, keys before their values.
    var all: [YAMLNode] {
        switch content {
        case .scalar: [self]
        case .sequence(let nodes): [self] + nodes.flatMap(\.all)
        case .mapping(let pairs): [self] + pairs.flatMap { $0.key.all + $0.value.all }
        }
    }
}
