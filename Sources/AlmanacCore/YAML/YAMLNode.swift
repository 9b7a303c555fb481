/// A node of a YAML document: a value, and where it stands.
///
/// Two nodes are equal when their content is; the place does not count. An alias is replaced by
/// what it stands for, whose position is that of the anchor. Depth is bounded by
/// ``YAMLLimits/depth``, so recursion over a tree is safe.
package struct YAMLNode: Sendable {
    /// What a node holds.
    package enum Content: Sendable, Hashable {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        case mapping([YAMLPair])
    }

    package let content: Content
    package let range: SourceRange
    package let source: SourceFile

    package init(content: Content, range: SourceRange, source: SourceFile) {
        self.content = content
        self.range = range
        self.source = source
    }

    /// A mapping without keys that stands at the start of another node; what an absent mapping
    /// means.
    package static func emptyMapping(at node: YAMLNode) -> YAMLNode {
        YAMLNode(
            content: .mapping([]),
            range: SourceRange(start: node.range.start, end: node.range.start), source: node.source)
    }

    package var position: SourcePosition { range.start }

    package var scalar: YAMLScalar? {
        if case .scalar(let scalar) = content { scalar } else { nil }
    }

    package var sequence: [YAMLNode]? {
        if case .sequence(let nodes) = content { nodes } else { nil }
    }

    package var mapping: [YAMLPair]? {
        if case .mapping(let pairs) = content { pairs } else { nil }
    }

    package var isNull: Bool { scalar?.kind == .null }

    /// The value under a key of a mapping.
    package subscript(key: String) -> YAMLNode? {
        mapping?.value(of: key)
    }

    /// What the node is, for messages: `a list`, `the number 5`.
    package var kindInWords: String {
        switch content {
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .scalar(let scalar): scalar.kindInWords
        }
    }
}

extension YAMLNode: Hashable {
    package static func == (left: YAMLNode, right: YAMLNode) -> Bool {
        left.content == right.content
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(content)
    }
}

/// A key of a mapping with its value.
package struct YAMLPair: Sendable, Hashable {
    package let key: YAMLNode
    package let value: YAMLNode

    package init(key: YAMLNode, value: YAMLNode) {
        self.key = key
        self.value = value
    }

    /// The text of the key.
    package var name: String { key.scalar?.text ?? "" }
}

extension [YAMLPair] {
    /// The place of a key. Copies no pair: that costs more than the search.
    package func index(of name: String) -> Int? {
        for place in indices {
            if case .scalar(let scalar) = self[place].key.content, scalar.text == name {
                return place
            }
        }
        return nil
    }

    /// The value under a key.
    package func value(of name: String) -> YAMLNode? { index(of: name).map { self[$0].value } }
}

/// A scalar: its text, how it was written, and what the core schema takes it for.
package struct YAMLScalar: Sendable, Hashable {
    /// How a scalar was written.
    package enum Style: Sendable, Hashable {
        case plain, singleQuoted, doubleQuoted, literal, folded
    }

    /// The type of a scalar in the core schema of YAML 1.2 (section 10.3 of the specification).
    package enum Kind: Sendable, Hashable {
        case null, boolean, integer, float, string
    }

    package let text: String
    package let style: Style
    package let kind: Kind

    /// A scalar without an explicit tag: anything but plain style is text.
    package init(text: String, style: Style = .plain) {
        self.init(
            text: text, style: style, kind: style == .plain ? CoreSchema.kind(of: text) : .string)
    }

    init(text: String, style: Style, kind: Kind) {
        self.text = text
        self.style = style
        self.kind = kind
    }

    /// What the scalar is, for messages.
    package var kindInWords: String {
        switch kind {
        case .null: text.isEmpty ? "an empty value" : "null"
        case .boolean: "\(text) (true or false)"
        case .integer, .float: "the number \(text.shortened(to: 40))"
        case .string: text.isEmpty ? "an empty text" : "the text '\(text.shortened(to: 40))'"
        }
    }
}

extension String {
    /// The text, or as much of its beginning as fits, with `…` for the rest.
    package func shortened(to count: Int) -> String {
        guard let end = index(startIndex, offsetBy: count, limitedBy: endIndex), end != endIndex
        else { return self }
        return self[..<end] + "…"
    }
}
