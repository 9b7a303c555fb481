internal import Foundation

/// A JSON document as text, for a `json` or `jsonb` column.
public struct JSONText: Sendable, Hashable, Codable, ExpressibleByStringLiteral,
    CustomStringConvertible, PostgresEncodable, PostgresDecodable
{
    /// The document.
    public var text: String

    /// The document as it is; the server checks that it is JSON.
    public init(_ text: String) {
        self.text = text
    }

    /// The document as it is.
    public init(stringLiteral text: String) {
        self.text = text
    }

    /// The document that `value` encodes as.
    ///
    /// - Throws: what the value's own encoding throws.
    public init(encoding value: some Encodable) throws {
        text = String(decoding: try JSON.encoder().encode(value), as: UTF8.self)
    }

    /// The value the document decodes as.
    ///
    /// - Throws: `DecodingError`.
    public func decode<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
        try JSON.decoder().decode(type, from: Data(text.utf8))
    }

    /// The document.
    public var description: String { text }

    static let readable: TypeSet = [.json, .jsonb]

    /// Left to the server, so that it fits `json` and `jsonb` alike.
    public static var postgresType: PostgresType { .inferred }

    /// The document.
    public func postgresText() -> String? { text }

    /// The document in a `json` or `jsonb` column.
    public static func decode(_ cell: Cell) throws(PostgresError) -> JSONText {
        try cell.require(readable, for: JSONText.self)
        return JSONText(cell.text ?? "")
    }
}

/// The one setting of Foundation's JSON coders in this module: dates in ISO 8601, keys sorted so
/// that equal values give equal text.
enum JSON {
    static func encoder() -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }

    static func decoder() -> JSONDecoder {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return decoder
    }
}
