/// The text format of COPY (PostgreSQL manual, COPY, "Text Format").
enum CopyText {
    /// Escapes what was appended to `bytes` from `start` on; false if it holds NUL.
    static func escape(_ bytes: inout [UInt8], from start: Int) -> Bool {
        var index = start
        let end = bytes.count
        while index < end {
            // Whatever needs a backslash is one, or lies below the space.
            let byte = bytes[index]
            if byte < 0x20 || byte == UInt8(ascii: "\\") { break }
            index += 1
        }
        guard index < end else { return true }
        let rest = Array(bytes[index...])
        bytes.removeSubrange(index...)
        for byte in rest {
            guard byte != 0 else { return false }
            if let letter = letter(for: byte) {
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(letter)
            } else {
                bytes.append(byte)
            }
        }
        return true
    }

    private static func letter(for byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "\\"): UInt8(ascii: "\\")
        case UInt8(ascii: "\n"): UInt8(ascii: "n")
        case UInt8(ascii: "\r"): UInt8(ascii: "r")
        case UInt8(ascii: "\t"): UInt8(ascii: "t")
        default: nil
        }
    }

    /// The fields of a line, without its end; nil is NULL.
    static func fields(_ line: UnsafeRawBufferPointer) -> [String?] {
        var fields: [String?] = []
        var bytes: [UInt8] = []
        var isNull = false
        var index = 0
        while index < line.count, line[index] != UInt8(ascii: "\n") {
            let byte = line[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\t"):
                fields.append(isNull ? nil : String(decoding: bytes, as: UTF8.self))
                (bytes, isNull) = ([], false)
            case UInt8(ascii: "\\") where index < line.count:
                if line[index] == UInt8(ascii: "N") {
                    isNull = true
                } else {
                    bytes.append(unescaped(line[index]))
                }
                index += 1
            default:
                bytes.append(byte)
            }
        }
        fields.append(isNull ? nil : String(decoding: bytes, as: UTF8.self))
        return fields
    }

    /// What a letter after a backslash stands for; COPY TO writes these and no others.
    private static func unescaped(_ letter: UInt8) -> UInt8 {
        switch letter {
        case UInt8(ascii: "b"): 8
        case UInt8(ascii: "t"): 9
        case UInt8(ascii: "n"): 10
        case UInt8(ascii: "v"): 11
        case UInt8(ascii: "f"): 12
        case UInt8(ascii: "r"): 13
        default: letter
        }
    }
}
