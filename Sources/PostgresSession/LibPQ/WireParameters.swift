/// The values of a statement laid out as libpq takes them: one buffer, and pointers into it.
struct WireParameters {
    private var bytes: [UInt8] = []
    private var offsets: [Int?] = []
    private var lengths: [Int32] = []
    private var formats: [Int32] = []

    init(_ parameters: [Parameter]) {
        offsets.reserveCapacity(parameters.count)
        for parameter in parameters {
            switch parameter.value {
            case .null, .invalid: append(nil, isBinary: false)
            case .text(let text): append(text, isBinary: false)
            case .binary(let value): append(value, isBinary: true)
            }
        }
    }

    private mutating func append(_ value: [UInt8]?, isBinary: Bool) {
        offsets.append(value == nil ? nil : bytes.count)
        lengths.append(Int32(clamping: value?.count ?? 0))
        formats.append(isBinary ? 1 : 0)
        if let value {
            bytes += value
            bytes.append(0)  // Ends a text; libpq does not look at it after binary.
        }
    }

    /// Calls `body` with count, values, lengths and formats; the pointers are good until it
    /// returns.
    func lend<Value>(
        _ body: (
            Int32, [UnsafePointer<CChar>?], [Int32], [Int32]
        ) -> Value
    ) -> Value {
        bytes.withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { characters in
                let values = offsets.map { offset in
                    offset.flatMap { position in characters.baseAddress.map { $0 + position } }
                }
                return body(Int32(offsets.count), values, lengths, formats)
            }
        }
    }
}
