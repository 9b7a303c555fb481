/// The values of a statement laid out as libpq takes them: one buffer, and pointers into it.
struct WireParameters {
    private var bytes: [UInt8] = []
    private var offsets: [Int?] = []
    private var lengths: [Int32] = []
    private var formats: [Int32] = []

    init(_ parameters: [Parameter]) {
        offsets.reserveCapacity(parameters.count)
        lengths.reserveCapacity(parameters.count)
        formats.reserveCapacity(parameters.count)
        for parameter in parameters { append(parameter.value) }
    }

    private mutating func append(_ value: Parameter.Value) {
        let start = bytes.count
        switch value {
        case .null, .invalid: break
        case .text(let text): bytes += text.string.utf8
        case .binary(let value): bytes += value
        case .word(let word, let count):
            withUnsafeBytes(of: word.bigEndian) { bytes += $0.prefix(Int(count)) }
        }
        lengths.append(Int32(clamping: bytes.count - start))
        switch value {
        case .null, .invalid:
            offsets.append(nil)
            formats.append(0)
        case .text:
            offsets.append(start)
            formats.append(0)
            bytes.append(0)  // Ends a text; libpq does not look at it after binary.
        case .binary, .word:
            offsets.append(start)
            formats.append(1)
            bytes.append(0)  // For a place to point to where there are no bytes at all.
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
