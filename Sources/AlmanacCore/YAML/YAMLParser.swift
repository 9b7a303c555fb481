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
        try parse(source, limits: limits, handout: nil)
    }

    /// The root of the document without the pairs of one mapping, which are handed out one by one.
    ///
    /// - Parameter duplicates: takes the problems where all of them are keys that stand twice. Then
    ///   the first of each counts, so that what else is wrong with the file is found as well.
    /// - Throws: as ``parse(_:limits:)`` does; then what was handed out is void.
    static func parse(
        _ source: SourceFile, limits: YAMLLimits = .standard, handout: YAMLHandout?,
        duplicates: (([Diagnostic]) -> Void)? = nil
    ) throws -> YAMLNode? {
        var builder = YAMLTreeBuilder(source: source, limits: limits, handout: handout)
        // libyaml would count a byte order mark as a column.
        source.content.withUnsafeBufferPointer { builder.read($0) }
        let found = builder.diagnostics
        guard !found.isEmpty else { return builder.root }
        guard let duplicates, let root = builder.root,
            found.allSatisfy({ $0.category == .duplicate })
        else { throw DiagnosticsError(found) }
        duplicates(found)
        return root
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

/// The pairs of a mapping that stands under a key of the root, handed out as soon as each is
/// complete, so that a large file need not be in memory as a whole tree.
struct YAMLHandout {
    /// The key of the root.
    let key: String
    /// Takes a pair, and the pairs of the root that stand before.
    let take: (_ pair: YAMLPair, _ before: [YAMLPair]) -> Void
}
