/// The values of a statement laid out as libpq takes them: pointers into one buffer.
enum WireParameters {
    /// Calls `body` with count, values, lengths and formats; the pointers are good until it
    /// returns. Of a statement of few values nothing of it is on the heap.
    static func lend<Value>(
        _ parameters: [Parameter],
        _ body: (
            Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?,
            UnsafePointer<Int32>?
        ) -> Value
    ) -> Value {
        let count = parameters.count
        let size = parameters.reduce(0) { $0 + $1.value.wireSize }
        typealias Pointer = UnsafePointer<CChar>?
        return withUnsafeTemporaryAllocation(of: Pointer.self, capacity: max(count, 1)) { values in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: max(2 * count, 1)) { numbers in
                withUnsafeTemporaryAllocation(of: CChar.self, capacity: max(size, 1)) { bytes in
                    var room = UnsafeMutableRawBufferPointer(bytes)
                    for (index, parameter) in parameters.enumerated() {
                        let length = parameter.value.write(to: room)
                        let isAbsent = length == nil
                        let start = room.baseAddress?.assumingMemoryBound(to: CChar.self)
                        values.initializeElement(
                            at: index, to: isAbsent ? nil : start.map { UnsafePointer($0) })
                        numbers.initializeElement(at: index, to: Int32(clamping: length ?? 0))
                        numbers.initializeElement(
                            at: count + index, to: parameter.value.isBinary ? 1 : 0)
                        room = .init(rebasing: room.dropFirst(parameter.value.wireSize))
                    }
                    let lengths = numbers.baseAddress.map { UnsafePointer($0) }
                    return body(
                        Int32(count), values.baseAddress.map { UnsafePointer($0) }, lengths,
                        lengths.map { $0 + count })
                }
            }
        }
    }
}

extension Parameter.Value {
    /// The bytes it takes, with one behind it: that ends a text, and is a place to point to where
    /// there are no bytes at all.
    fileprivate var wireSize: Int {
        switch self {
        case .null, .invalid: 0
        case .text(let text): text.string.utf8.count + 1
        case .binary(let bytes): bytes.count + 1
        case .word(_, let count): Int(count) + 1
        }
    }

    fileprivate var isBinary: Bool {
        switch self {
        case .binary, .word: true
        case .null, .invalid, .text: false
        }
    }

    /// Writes the bytes and the one behind them.
    ///
    /// - Returns: their number; nil for what is sent as NULL.
    fileprivate func write(to room: UnsafeMutableRawBufferPointer) -> Int? {
        let count = wireSize - 1
        switch self {
        case .null, .invalid: return nil
        case .text(let text):
            var string = text.string
            string.withUTF8 { room.copyMemory(from: UnsafeRawBufferPointer($0)) }
        case .binary(let bytes): room.copyBytes(from: bytes)
        case .word(let word, let count):
            withUnsafeBytes(of: word.bigEndian) { room.copyBytes(from: $0.prefix(Int(count))) }
        }
        room[count] = 0
        return count
    }
}
