/// A digest that is the same on every machine and in every version: FNV-1a with 128 bits.
///
/// It tells changes apart; it does not protect against somebody who wants two texts to collide.
enum Digest {
    /// 32 hexadecimal digits for a list of texts. Where one text ends and the next begins counts.
    static func hex(_ texts: some Sequence<String>) -> String {
        // The offset basis and the prime are those of the FNV specification.
        var hash: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
        let prime: UInt128 = 0x0000_0000_0100_0000_0000_0000_0000_013b
        for text in texts {
            for byte in text.utf8 {
                hash = (hash ^ UInt128(byte)) &* prime
            }
            // No byte of UTF-8 is 0xFF.
            hash = (hash ^ 0xFF) &* prime
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 32 - digits.count) + digits
    }
}
