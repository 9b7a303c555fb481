/// JSON with sorted keys and without blanks: one text for one value.
enum CanonicalJSON: Sendable {
    case text(String)
    /// A number or a word that is valid JSON as it is.
    case raw(String)
    case list([CanonicalJSON])
    case object([(key: String, value: CanonicalJSON)])

    /// The value of a node, without places and styles.
    init(_ node: YAMLNode) {
        switch node.content {
        case .scalar(let scalar): self.init(scalar)
        case .sequence(let nodes): self = .list(nodes.map { CanonicalJSON($0) })
        case .mapping(let pairs): self = .object(pairs.map { ($0.name, CanonicalJSON($0.value)) })
        }
    }

    private init(_ scalar: YAMLScalar) {
        switch scalar.kind {
        case .null: self = .raw("null")
        case .boolean: self = .raw(scalar.text.lowercased())
        case .integer, .float:
            // JSON knows no other notation; as a text the number keeps the one it has.
            self = Self.isNumber(scalar.text) ? .raw(scalar.text) : .text(scalar.text)
        case .string: self = .text(scalar.text)
        }
    }

    var rendered: String {
        var output = ""
        write(to: &output)
        return output
    }

    /// Nodes nest no deeper than ``YAMLLimits/depth``, so recursion is safe.
    private func write(to output: inout String) {
        switch self {
        case .text(let text): Self.write(text, to: &output)
        case .raw(let text): output += text
        case .list(let values):
            output += "["
            for (index, value) in values.enumerated() {
                if index > 0 { output += "," }
                value.write(to: &output)
            }
            output += "]"
        case .object(let members):
            let sorted = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            output += "{"
            for (index, member) in sorted.enumerated() {
                if index > 0 { output += "," }
                Self.write(member.key, to: &output)
                output += ":"
                member.value.write(to: &output)
            }
            output += "}"
        }
    }

    private static func write(_ text: String, to output: inout String) {
        output += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": output += "\\\""
            case "\\": output += "\\\\"
            case "\n": output += "\\n"
            case "\t": output += "\\t"
            case "\r": output += "\\r"
            case "\u{0}"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: output.unicodeScalars.append(scalar)
            }
        }
        output += "\""
    }

    /// The grammar of a JSON number (RFC 8259, section 6), given one of the core schema.
    private static func isNumber(_ text: String) -> Bool {
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        let whole = digits.prefix { $0.isNumber }
        guard !whole.isEmpty, whole == "0" || !whole.hasPrefix("0") else { return false }
        let rest = digits.dropFirst(whole.count)
        guard rest.hasPrefix(".") else {
            return rest.isEmpty || rest.hasPrefix("e") || rest.hasPrefix("E")
        }
        return rest.dropFirst().first?.isNumber == true
    }
}
