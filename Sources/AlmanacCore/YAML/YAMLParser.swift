/// Reads a text as one YAML document.
///
/// The subset is what a schedule needs and no reader can misunderstand: one document, keys that are
/// texts and stand once, the tags of the core schema, anchors and aliases within bounds. Merge keys
/// (`<<`) are refused: they are no part of YAML 1.2, and where two mappings meet, which one wins is
/// not to be seen in the file.
package enum YAMLParser {
    /// The root of the document; `nil` for a text that holds nothing but comments.
    ///
    /// - Throws: ``DiagnosticsError`` with all problems up to the first that stops libyaml.
    package static func parse(_ source: SourceFile, limits: YAMLLimits = .standard) throws
        -> YAMLNode?
    {
        var builder = YAMLTreeBuilder(source: source, limits: limits)
        // libyaml would count a byte order mark as a column.
        source.content.withUnsafeBufferPointer { builder.read($0) }
        guard builder.diagnostics.isEmpty else { throw DiagnosticsError(builder.diagnostics) }
        return builder.root
    }

    /// The root of the document in a text.
    ///
    /// - Throws: ``DiagnosticsError``, also where the text is not UTF-8 or too large.
    package static func parse(
        text: String, path: String, limits: YAMLLimits = .standard
    ) throws -> YAMLNode? {
        try parse(SourceFile(path: path, text: text, limits: limits), limits: limits)
    }
}
