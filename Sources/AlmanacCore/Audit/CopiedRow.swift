import Foundation
import Scheduling

/// A row in the binary form of COPY (PostgreSQL manual, COPY, "Binary Format"), field by field.
struct CopiedRow {
    private var rest: UnsafeRawBufferPointer
    /// How many fields it has; negative at the end of the rows.
    let fieldCount: Int

    private static let signature: [UInt8] = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00]

    /// - Parameter bytes: those of a row, with the file's header before the first one.
    init(_ bytes: UnsafeRawBufferPointer) {
        rest = bytes
        if bytes.count > 19, bytes.prefix(11).elementsEqual(Self.signature) {
            rest = Self.dropping(19, of: bytes)
            rest = Self.dropping(Int(Self.integer(bytes, at: 15, as: Int32.self)), of: rest)
        }
        fieldCount = rest.count >= 2 ? Int(Self.integer(rest, at: 0, as: Int16.self)) : -1
        rest = Self.dropping(2, of: rest)
    }

    /// The bytes of the next field; nil for NULL.
    mutating func next() -> UnsafeRawBufferPointer? {
        guard rest.count >= 4 else { return nil }
        let count = Int(Self.integer(rest, at: 0, as: Int32.self))
        rest = Self.dropping(4, of: rest)
        guard count >= 0, count <= rest.count else { return nil }
        defer { rest = Self.dropping(count, of: rest) }
        return UnsafeRawBufferPointer(rebasing: rest.prefix(count))
    }

    /// The next field as a number.
    mutating func next<Value: FixedWidthInteger>(as type: Value.Type) -> Value? {
        guard let field = next(), field.count == MemoryLayout<Value>.size else { return nil }
        return Self.integer(field, at: 0, as: type)
    }

    /// The next field, a `timestamptz`, in whole seconds, rounded down.
    mutating func nextInstant() -> Instant? { nextMoment()?.second }

    /// The next field, a `timestamptz`: its second, and how many microseconds it is later.
    mutating func nextMoment() -> (second: Instant, microsecond: Int64)? {
        guard let microseconds = next(as: Int64.self) else { return nil }
        let (seconds, fraction) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        // The server counts from 2000.
        let second = Instant(
            secondsSinceEpoch: seconds - (fraction < 0 ? 1 : 0) + 946_684_800)
        return (second, fraction < 0 ? fraction + 1_000_000 : fraction)
    }

    private static func dropping(
        _ count: Int, of bytes: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes.dropFirst(max(0, count)))
    }

    private static func integer<Value: FixedWidthInteger>(
        _ bytes: UnsafeRawBufferPointer, at offset: Int, as type: Value.Type
    ) -> Value {
        Value(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
    }
}
