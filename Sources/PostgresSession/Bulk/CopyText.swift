/// The text format of COPY (PostgreSQL manual, COPY, "Text Format").
enum CopyText {
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
