/// The messages that a client of Postgres sends, taken out of the bytes as they come
/// (PostgreSQL manual, 55.7).
struct FrontendStream {
    /// One message, with what of it matters here.
    struct Message: Equatable {
        enum Kind: Equatable {
            /// What comes before the first message proper: encryption asked for, or the startup.
            case opening
            /// Parse, or a simple query, which has the name nil.
            case statement(name: String?, text: String)
            /// Bind of a prepared statement.
            case bind(statement: String)
            case sync
            case other
        }

        var kind: Kind
        var bytes: [UInt8]
    }

    private var buffer: [UInt8] = []
    private var isStarted = false

    mutating func append(_ bytes: some Sequence<UInt8>) { buffer += bytes }

    /// The next whole message, if there is one.
    mutating func next() -> Message? {
        let head = isStarted ? 1 : 0
        guard buffer.count >= head + 4 else { return nil }
        let length = buffer[head..<head + 4].reduce(0) { $0 << 8 | Int($1) }
        let count = head + max(length, 4)
        guard buffer.count >= count else { return nil }
        let bytes = Array(buffer[..<count])
        buffer.removeFirst(count)
        guard isStarted else {
            // Version 3 of the protocol; the codes of the others are no versions.
            isStarted = count >= 8 && bytes[4] == 0 && bytes[5] == 3
            return Message(kind: .opening, bytes: bytes)
        }
        return Message(kind: Self.kind(of: bytes), bytes: bytes)
    }

    private static func kind(of bytes: [UInt8]) -> Message.Kind {
        let texts = bytes[5...].split(separator: 0, omittingEmptySubsequences: false)
        func text(_ index: Int) -> String {
            index < texts.count ? String(decoding: texts[index], as: UTF8.self) : ""
        }
        return switch bytes[0] {
        case UInt8(ascii: "Q"): .statement(name: nil, text: text(0))
        case UInt8(ascii: "P"): .statement(name: text(0), text: text(1))
        case UInt8(ascii: "B"): .bind(statement: text(1))
        case UInt8(ascii: "S"): .sync
        default: .other
        }
    }
}

/// Follows what a client sends up to the COMMIT of a transaction that is to be cut.
struct CommitWatch {
    /// Where in the client's traffic something is.
    enum Place: Equatable {
        /// Before the COMMIT, or in a transaction of no interest.
        case elsewhere
        /// The first message of the COMMIT.
        case commit
        /// The last message of its round trip.
        case end
    }

    /// What a statement of the transaction has in its text; nil is nothing that is to be cut.
    var mark: String?
    private var texts: [String: String] = [:]
    private var isMarked = false
    private var isInCommit = false

    mutating func place(of message: FrontendStream.Message) -> Place {
        let text: String
        switch message.kind {
        case .statement(let name, let statement):
            if let name { texts[name] = statement }
            text = statement
        case .bind(let statement): text = texts[statement] ?? ""
        case .sync:
            defer { isInCommit = false }
            return isInCommit ? .end : .elsewhere
        case .opening, .other: return .elsewhere
        }
        if let mark, text.contains(mark) { isMarked = true }
        guard text == "COMMIT", isMarked, !isInCommit else { return .elsewhere }
        isMarked = false
        isInCommit = true
        return .commit
    }
}
