/// Parameters that are given for one run and count before those of its job.
package struct ParameterOverrides: Sendable, Hashable {
    /// What is wrong with one that was given.
    package struct Problem: Error, CustomStringConvertible {
        /// What it is and what to do, in one sentence.
        package let description: String
    }

    private let pairs: [YAMLPair]

    /// Takes texts such as `rows=500`, whose value is YAML as in a schedule file.
    ///
    /// - Throws: ``Problem``.
    package init(given texts: [String]) throws {
        var pairs: [YAMLPair] = []
        for text in texts {
            guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
                throw Problem(description: "'\(text)' is not name=value, such as rows=500")
            }
            let name = String(text[..<equals])
            guard pairs.value(of: name) == nil else {
                throw Problem(description: "'\(name)' is there twice")
            }
            pairs.append(try Self.pair(name, text[text.index(after: equals)...]))
        }
        self.pairs = pairs
    }

    /// Takes what ``json`` has made, as the database gives it back.
    ///
    /// - Throws: ``DiagnosticsError`` where it is no object.
    package init(json: String) throws {
        let node = try YAMLParser.parse(
            text: CanonicalJSON.readableAsYAML(json), path: "overrides")
        pairs = node?.mapping ?? []
    }

    private static func pair(_ name: String, _ value: Substring) throws -> YAMLPair {
        do {
            // The name is quoted as JSON, which is YAML.
            let text = "\(CanonicalJSON.text(name).rendered): \(value)"
            let node = try YAMLParser.parse(text: text, path: "--param \(name)")
            if let pair = node?.mapping?.first, node?.mapping?.count == 1 { return pair }
            throw Problem(description: "the value of '\(name)' is not one value")
        } catch let error as DiagnosticsError {
            let reason = error.diagnostics.first?.message ?? "it cannot be read"
            throw Problem(description: "the value of '\(name)' is no YAML: \(reason)")
        }
    }

    /// Whether there are none.
    package var isEmpty: Bool { pairs.isEmpty }

    /// As a JSON object, to be stored.
    package var json: String {
        CanonicalJSON.object(pairs.map { ($0.name, CanonicalJSON($0.value)) }).rendered
    }

    /// A job's parameters with these in the place of those of the same name, and added where there
    /// are none.
    package func applied(to parameters: YAMLNode) -> YAMLNode {
        guard !isEmpty else { return parameters }
        let kept = (parameters.mapping ?? []).filter { pairs.value(of: $0.name) == nil }
        return YAMLNode(
            content: .mapping(kept + pairs), range: parameters.range, source: parameters.source)
    }
}

extension YAMLNode {
    /// Parameters with those in their place that were given with a request.
    ///
    /// - Parameter json: what ``ParameterOverrides/json`` has made; nil for none.
    /// - Throws: ``DiagnosticsError`` when the text cannot be read.
    func overridden(by json: String?) throws -> YAMLNode {
        try json.map { try ParameterOverrides(json: $0).applied(to: self) } ?? self
    }
}
