/// What a YAML file may cost. Everything has a bound, so that a damaged or hostile file ends in a
/// message and not in a full memory or an overflown stack.
package struct YAMLLimits: Sendable {
    /// Bytes of a file. 64 MiB hold 100,000 jobs at more than 600 bytes each.
    package var fileBytes = 64 << 20

    /// How deep collections may nest, aliases followed.
    package var depth = 64

    /// Nodes of a document, those behind aliases counted each time.
    package var nodes = 4_000_000

    /// Nodes that come from aliases alone.
    package var aliasedNodes = 1_000_000

    /// Bytes of a single scalar.
    package var scalarBytes = 1 << 20

    /// Problems collected before a parse or a decode stops looking for more.
    package var diagnostics = 1_000

    package init() {}

    /// The limits of every file that Almanac reads.
    package static let standard = YAMLLimits()
}
