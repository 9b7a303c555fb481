extension Array: PostgresEncodable where Element: PostgresEncodable {
    /// The array type of the element's type.
    public static var postgresType: PostgresType { Element.postgresType.array }

    /// The elements in braces, each quoted: `{"1",NULL}`.
    public func postgresText() -> String? {
        var text = "{"
        for (index, element) in enumerated() {
            if index > 0 { text += "," }
            text += element.postgresText().map(ArrayText.quoted) ?? "NULL"
        }
        return text + "}"
    }

    /// One array parameter; invalid if an element is.
    public func postgresParameter() -> Parameter {
        for element in self {
            if case .invalid(let reason) = element.postgresParameter().value {
                return .invalid(Self.postgresType, reason)
            }
        }
        return .text(postgresText() ?? "{}", Self.postgresType)
    }
}

extension Array: PostgresDecodable where Element: PostgresDecodable {
    /// The elements of a one-dimensional array column.
    public static func decode(_ cell: Cell) throws(PostgresError) -> [Element] {
        try cell.requireValue(for: [Element].self)
        let text = cell.text ?? ""
        guard let elements = ArrayText.elements(text) else {
            throw cell.mismatch([Element].self, "is not a one-dimensional array")
        }
        let column = ResultSet.Column(
            name: cell.name, type: cell.type.element ?? PostgresType(oid: 16_384))
        let result = ResultSet(column: column, values: elements, statement: cell.result.statement)
        var values: [Element] = []
        values.reserveCapacity(elements.count)
        for row in elements.indices {
            values.append(try Element.decode(Cell(result: result, row: row, index: 0)))
        }
        return values
    }
}

/// The text form of arrays (PostgreSQL manual, 8.15.6).
enum ArrayText {
    static func quoted(_ element: String) -> String {
        var quoted = "\"".unicodeScalars
        for scalar in element.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { quoted.append("\\") }
            quoted.append(scalar)
        }
        quoted.append("\"")
        return String(quoted)
    }

    /// The elements of `{…}`, nil for NULL; nil if the array is malformed or has more dimensions.
    static func elements(_ text: String) -> [String?]? {
        var bytes = text[...].utf8
        if bytes.first == UInt8(ascii: "[") {  // Bounds other than 1: [0:2]={…}
            guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            bytes = bytes[bytes.index(after: equals)...]
        }
        guard bytes.popFirst() == UInt8(ascii: "{"), bytes.popLast() == UInt8(ascii: "}") else {
            return nil
        }
        var elements: [String?] = []
        while !bytes.isEmpty {
            guard let element = element(&bytes) else { return nil }
            elements.append(element)
            guard let separator = bytes.popFirst() else { return elements }
            guard separator == UInt8(ascii: ","), !bytes.isEmpty else { return nil }
        }
        return elements
    }

    /// One element taken from the front; nil if it is malformed, nil inside for NULL.
    private static func element(_ bytes: inout Substring.UTF8View) -> String?? {
        var value: [UInt8] = []
        guard bytes.first == UInt8(ascii: "\"") else {
            while let byte = bytes.first, byte != UInt8(ascii: ",") {
                guard byte != UInt8(ascii: "{"), byte != UInt8(ascii: "}") else { return nil }
                value.append(byte)
                bytes.removeFirst()
            }
            let text = String(decoding: value, as: UTF8.self)
            return .some(text == "NULL" ? nil : text)
        }
        bytes.removeFirst()
        while let byte = bytes.popFirst() {
            if byte == UInt8(ascii: "\"") { return String(decoding: value, as: UTF8.self) }
            if byte == UInt8(ascii: "\\") {
                guard let escaped = bytes.popFirst() else { return nil }
                value.append(escaped)
            } else {
                value.append(byte)
            }
        }
        return nil
    }
}
