extension YAMLNode {
    /// A mapping of parameters with those in the place of its own that were given with a request.
    ///
    /// A member of the object counts as a whole; what is below it is not merged.
    ///
    /// - Parameter json: an object as JSON, or nil for none.
    /// - Throws: `DiagnosticsError` when the text cannot be read.
    func overridden(by json: String?) throws -> YAMLNode {
        guard let json,
            let given = try YAMLParser.parse(
                text: CanonicalJSON.readableAsYAML(json), path: "overrides"
            )?.mapping, !given.isEmpty
        else { return self }
        let names = Set(given.map(\.name))
        let kept = (mapping ?? []).filter { !names.contains($0.name) }
        return YAMLNode(content: .mapping(kept + given), range: range, source: source)
    }
}
