import Testing

@testable import AlmanacTesting

@Suite("What the cutting proxy reads")
struct CommitWatchTests {
    /// A message as a client sends it.
    private static func message(_ type: Character, _ body: String) -> [UInt8] {
        let bytes = Array(body.utf8)
        return [type.asciiValue ?? 0] + [0, 0, 0, UInt8(bytes.count + 4)] + bytes
    }

    private static let startup: [UInt8] = [0, 0, 0, 9, 0, 3, 0, 0, 0]

    /// The places of messages that follow the startup, in pieces of a length.
    private func places(_ messages: [[UInt8]], piece: Int) -> [CommitWatch.Place] {
        var stream = FrontendStream()
        var watch = CommitWatch()
        watch.mark = "marked"
        var places: [CommitWatch.Place] = []
        let bytes = Self.startup + messages.flatMap(\.self)
        for start in stride(from: 0, to: bytes.count, by: piece) {
            stream.append(bytes[start..<min(start + piece, bytes.count)])
            while let next = stream.next() { places.append(watch.place(of: next)) }
        }
        return Array(places.dropFirst())
    }

    @Test("a COMMIT counts after a marked statement, in pieces of any length", arguments: 1...40)
    func pieces(length: Int) {
        let messages = [
            Self.message("P", "\0COMMIT\0"), Self.message("S", ""),
            Self.message("P", "\0INSERT INTO marked\0"), Self.message("S", ""),
            Self.message("P", "\0COMMIT\0"), Self.message("B", "\0\0"), Self.message("E", "\0"),
            Self.message("S", ""), Self.message("P", "\0COMMIT\0"), Self.message("S", ""),
        ]
        let expected: [CommitWatch.Place] = [
            .elsewhere, .elsewhere, .elsewhere, .elsewhere, .commit, .elsewhere, .elsewhere, .end,
            .elsewhere, .elsewhere,
        ]
        #expect(places(messages, piece: length) == expected)
    }

    @Test("prepared statements are known by their names")
    func prepared() {
        let messages = [
            Self.message("P", "a\0SELECT marked\0"), Self.message("P", "c\0COMMIT\0"),
            Self.message("S", ""), Self.message("B", "\0a\0"), Self.message("B", "\0c\0"),
            Self.message("S", ""),
        ]
        // The COMMIT that is prepared there belongs to the round trip in which it is.
        let places = places(messages, piece: 7)
        #expect(places.first == .elsewhere && places.contains(.commit) && places.contains(.end))
    }

    @Test("a question for encryption comes before the startup, and is no message proper")
    func encryption() {
        var stream = FrontendStream()
        stream.append([0, 0, 0, 8, 4, 210, 22, 47] + Self.startup + Self.message("Q", "COMMIT\0"))
        #expect(stream.next()?.kind == .opening)
        #expect(stream.next()?.kind == .opening)
        #expect(stream.next()?.kind == .statement(name: nil, text: "COMMIT"))
        #expect(stream.next() == nil)
    }
}
