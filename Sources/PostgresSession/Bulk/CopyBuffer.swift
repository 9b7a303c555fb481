/// Lines of COPY's text format on their way out.
///
/// Memory of its own, since an array looks at its capacity and its owners for each byte.
struct CopyBuffer: ~Copyable {
    private var start: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        self.capacity = capacity
        start = .allocate(capacity: capacity)
    }

    deinit {
        start.deallocate()
    }

    /// The bytes, good until the buffer is written to.
    var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: start, count: count) }

    /// Drops what was appended behind a position.
    mutating func cut(to count: Int) {
        self.count = min(count, self.count)
    }

    private mutating func reserve(_ more: Int) {
        guard count + more > capacity else { return }
        let larger = max(2 * capacity, count + more)
        let next = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        next.update(from: start, count: count)
        start.deallocate()
        (start, capacity) = (next, larger)
    }

    mutating func append(_ byte: UInt8) {
        reserve(1)
        start[count] = byte
        count += 1
    }

    mutating func appendNull() {
        append(UInt8(ascii: "\\"))
        append(UInt8(ascii: "N"))
    }

    /// Decimal digits.
    mutating func append(_ number: Int64) {
        reserve(20)
        var rest = number.magnitude
        if number < 0 {
            start[count] = UInt8(ascii: "-")
            count += 1
        }
        let first = count
        repeat {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            start[count] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
            count += 1
            rest = quotient
        } while rest > 0
        var (left, right) = (first, count - 1)
        while left < right {
            (start[left], start[right]) = (start[right], start[left])
            (left, right) = (left + 1, right - 1)
        }
    }

    /// A text with its escapes; false if it holds NUL.
    mutating func append(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { append($0) }
    }

    private mutating func append(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        reserve(2 * text.count)
        for byte in text {
            // Whatever needs a backslash is one, or lies below the space.
            guard byte < 0x20 || byte == UInt8(ascii: "\\") else {
                start[count] = byte
                count += 1
                continue
            }
            guard byte != 0 else { return false }
            if let letter = CopyBuffer.letter(for: byte) {
                start[count] = UInt8(ascii: "\\")
                start[count + 1] = letter
                count += 2
            } else {
                start[count] = byte
                count += 1
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
}
