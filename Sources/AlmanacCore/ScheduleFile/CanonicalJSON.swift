/// JSON with sorted keys and without blanks: one text for one value.
enum CanonicalJSON: Sendable {
    typealias Member = (key: String, value: CanonicalJSON)

    case text(String)
    /// A number or a word that is valid JSON as it is.
    case raw(String)
    case list([CanonicalJSON])
    case object([Member])
    /// The value of a node, without places and styles.
    case node(YAMLNode)

    init(_ node: YAMLNode) { self = .node(node) }

    var rendered: String {
        var output: [UInt8] = []
        write(to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    /// Nodes nest no deeper than ``YAMLLimits/depth``, so recursion is safe.
    ///
    /// - Parameter output: takes UTF-8, which is several times as fast as a `String` would be.
    func write(to output: inout [UInt8]) {
        switch self {
        case .text(let text): Self.write(text, to: &output)
        case .raw(let text): output += text.utf8
        case .list(let values):
            Self.writeList(values, to: &output) { $0.write(to: &$1) }
        case .object(let members):
            Self.writeObject(members, key: \.key, to: &output) { $0.value.write(to: &$1) }
        case .node(let node): Self.write(node, to: &output)
        }
    }

    private static func write(_ node: YAMLNode, to output: inout [UInt8]) {
        switch node.content {
        case .scalar(let scalar): write(scalar, to: &output)
        case .sequence(let nodes): writeList(nodes, to: &output, write)
        case .mapping(let pairs):
            writeObject(pairs, key: \.name, to: &output) { write($0.value, to: &$1) }
        }
    }

    private static func write(_ scalar: YAMLScalar, to output: inout [UInt8]) {
        let isJSON =
            switch scalar.kind {
            case .null: true
            // A parameter that is a text gets the word as it is written, so `True` is not `true`.
            case .boolean: scalar.text == "true" || scalar.text == "false"
            // JSON knows no other notation; as a text the number keeps the one it has.
            case .integer, .float: isNumber(scalar.text)
            case .string: false
            }
        guard isJSON else { return write(scalar.text, to: &output) }
        output += (scalar.kind == .null ? "null" : scalar.text).utf8
    }

    private static func writeList<Item>(
        _ items: [Item], to output: inout [UInt8], _ write: (Item, inout [UInt8]) -> Void
    ) {
        output.append(UInt8(ascii: "["))
        for (index, item) in items.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            write(item, &output)
        }
        output.append(UInt8(ascii: "]"))
    }

    private static func writeObject<Member>(
        _ members: [Member], key: (Member) -> String, to output: inout [UInt8],
        _ write: (Member, inout [UInt8]) -> Void
    ) {
        let named = members.map { (key: key($0), member: $0) }
            .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        output.append(UInt8(ascii: "{"))
        for (index, (key, member)) in named.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            Self.write(key, to: &output)
            output.append(UInt8(ascii: ":"))
            write(member, &output)
        }
        output.append(UInt8(ascii: "}"))
    }

    private static func write(_ text: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        var text = text
        let isWritten = text.withUTF8 { bytes in
            guard bytes.allSatisfy(isPlain) else { return false }
            output.append(contentsOf: bytes)
            return true
        }
        if !isWritten {
            for scalar in text.unicodeScalars { output += escaped(scalar).utf8 }
        }
        output.append(UInt8(ascii: "\""))
    }

    /// Whether a byte stands for itself in a JSON text.
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\"": "\\\""
        case "\\": "\\\\"
        case "\n": "\\n"
        case "\t": "\\t"
        case "\r": "\\r"
        case "\u{0}"..."\u{1F}": escape(scalar)
        case _ where isForeignToYAML(scalar): escape(scalar)
        default: String(scalar)
        }
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
