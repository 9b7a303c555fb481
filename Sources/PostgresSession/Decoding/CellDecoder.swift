internal import Foundation

/// Reads a `Decodable` value from one column: a single value, or the value in a JSON document.
struct CellDecoder: Decoder {
    let cell: Cell
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    func singleValueContainer() -> any SingleValueDecodingContainer {
        CellValueContainer(cell: cell)
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        try document().container(keyedBy: type)
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try document().unkeyedContainer()
    }

    /// Foundation's decoder of the column's JSON.
    private func document() throws -> any Decoder {
        try cell.require(JSONText.readable, for: Any.self)
        let data = Data((cell.text ?? "").utf8)
        return try JSON.decoder().decode(Captured.self, from: data).decoder
    }

    /// Takes the decoder out of a coder that only hands it to a value's initializer.
    private struct Captured: Decodable {
        let decoder: any Decoder

        init(from decoder: any Decoder) {
            self.decoder = decoder
        }
    }
}

/// One column as a single value.
struct CellValueContainer: SingleValueDecodingContainer {
    let cell: Cell
    let codingPath: [any CodingKey] = []

    func decodeNil() -> Bool { cell.isNull }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        guard type is any PostgresDecodable.Type else {
            throw cell.mismatch(type, "has no such Swift type")
        }
        return try RowDecoder.decode(type, from: cell)
    }
}
