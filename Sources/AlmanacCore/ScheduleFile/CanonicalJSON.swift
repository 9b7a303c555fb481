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
        case .boolean:
            // A parameter that is a text gets the word as it is written, so `True` is not `true`.
            let isJSON = scalar.text == "true" || scalar.text == "false"
            self = isJSON ? .raw(scalar.text) : .text(scalar.text)
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
            case "\u{0}"..."\u{1F}": output += escape(scalar)
            case _ where isForeignToYAML(scalar): output += escape(scalar)
            default: output.unicodeScalars.append(scalar)
            }
        }
        output += "\""
    }

    /// JSON as it may come back from Postgres, in a form that the reader of YAML takes: `jsonb`
    /// keeps no escape of a character that JSON takes as it is.
    static func readableAsYAML(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isForeignToYAML) else { return text }
        return text.unicodeScalars.map { isForeignToYAML($0) ? escape($0) : String($0) }.joined()
    }

    /// Characters above those of ASCII's control codes that YAML forbids or takes for line breaks.
    private static func isForeignToYAML(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x7F...0x9F, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF: true
        default: false
        }
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }

    /// The grammar of a JSON number (RFC 8259, section 6), given one of the core schema.
    ///
    /// Longer numbers and greater exponents are beyond the `numeric` of Postgres, in which its
    /// `jsonb` keeps every number; one of them would keep the whole schedule from being stored.
    private static func isNumber(_ text: String) -> Bool {
        let exponent = text.drop { $0 != "e" && $0 != "E" }.filter(\.isNumber)
        guard text.utf8.count <= 1_000, exponent.count <= 4 else { return false }
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
