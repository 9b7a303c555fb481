internal import Foundation

/// Which statements a connection has prepared, by their text and parameter types.
///
/// A statement is prepared when it is sent for the second time: most are sent once. The least
/// recently used one gives way when there are too many.
struct StatementCache {
    /// How to send a statement.
    enum Use: Equatable {
        case unprepared
        case prepare(name: String)
        case prepared(name: String)
    }

    /// What is known of a statement.
    private final class Entry {
        /// Nil while it was only seen.
        var name: String?
        var lastUse = 0
        let isLong: Bool

        init(isLong: Bool, lastUse: Int) {
            self.isLong = isLong
            self.lastUse = lastUse
        }
    }

    private let limit: Int
    private var entries: [StatementKey: Entry] = [:]
    private var longCount = 0
    private var clock = 0
    private var names = 0

    /// Longer texts are not kept. An INSERT of a thousand rows of a few columns is, since to parse
    /// and plan one costs the server a third of what it costs in all.
    private static let longestText = 65_536
    /// Of texts longer than this only a few are kept: the plan of one takes megabytes.
    private static let longText = 8192
    private static let longLimit = 8

    init(limit: Int) {
        self.limit = max(limit, 1)
    }

    /// The statement that has to give way, to be called after `use`.
    mutating func evict() -> String? {
        let isLong = longCount > Self.longLimit
        guard isLong || entries.count > limit,
            let oldest = entries.filter({ $0.value.isLong || !isLong })
                .min(by: { $0.value.lastUse < $1.value.lastUse })
        else { return nil }
        remove(oldest.key)
        return oldest.value.name
    }

    private mutating func remove(_ key: StatementKey) {
        if entries.removeValue(forKey: key)?.isLong == true { longCount -= 1 }
    }

    /// How to send the statement now; counts as a use.
    mutating func use(_ text: String, _ types: [PostgresType]) -> Use {
        guard text.utf8.count <= Self.longestText else { return .unprepared }
        let key = StatementKey(text, types)
        clock += 1
        guard let entry = entries[key] else {
            guard Self.isPlanned(text) else { return .unprepared }
            let isLong = text.utf8.count > Self.longText
            entries[key] = Entry(isLong: isLong, lastUse: clock)
            if isLong { longCount += 1 }
            return .unprepared
        }
        entry.lastUse = clock
        if let name = entry.name { return .prepared(name: name) }
        names += 1
        let name = "session_\(names)"
        entry.name = name
        return .prepare(name: name)
    }

    /// Forgets one statement, which the server turned out not to have.
    mutating func forget(_ name: String) {
        guard let key = entries.first(where: { $0.value.name == name })?.key else { return }
        remove(key)
    }

    /// Forgets all: DEALLOCATE ALL or DISCARD ALL has been run.
    mutating func forgetAll() {
        entries = [:]
        longCount = 0
    }

    /// The number of prepared statements.
    var preparedCount: Int {
        entries.values.count { $0.name != nil }
    }

    /// Only what the planner sees gains from being prepared.
    private static func isPlanned(_ text: String) -> Bool {
        let word = text.utf8.drop { $0 <= 0x20 }.prefix(6)
        return ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "VALUES", "MERGE"].contains {
            word.prefix($0.utf8.count).elementsEqual($0.utf8) { $0 & 0xDF == $1 }
        }
    }
}

/// The identity of a statement.
///
/// Hashed by a sample of its text: every use looks it up, and to hash all of a long statement
/// costs more than to compare it once. Compared by bytes, since texts that are equal as `String`
/// may differ in how an accent is composed.
struct StatementKey: Hashable {
    private let text: String
    private let types: [PostgresType]
    private let sample: UInt64

    init(_ text: String, _ types: [PostgresType]) {
        var text = text
        text.makeContiguousUTF8()
        self.text = text
        self.types = types
        sample = text.utf8.withContiguousStorageIfAvailable(StatementKey.sample) ?? 0
    }

    /// The length, and four bytes from each of a few places spread over the text.
    private static func sample(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
        let raw = UnsafeRawBufferPointer(bytes)
        var sample = UInt64(raw.count)
        let last = raw.count - 4
        guard last >= 0 else { return raw.reduce(sample) { $0 << 8 | UInt64($1) } }
        for part in 0...7 {
            let word = raw.loadUnaligned(fromByteOffset: last * part / 7, as: UInt32.self)
            sample = (sample ^ UInt64(word)) &* 0x9E37_79B9_7F4A_7C15
        }
        return sample
    }

    static func == (left: StatementKey, right: StatementKey) -> Bool {
        left.sample == right.sample && left.types == right.types
            && left.text.hasSameBytes(as: right.text)
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(sample)
    }
}

extension String {
    /// True if both are the same UTF-8, not only the same characters.
    func hasSameBytes(as other: String) -> Bool {
        utf8.withContiguousStorageIfAvailable { mine in
            other.utf8.withContiguousStorageIfAvailable { theirs in
                guard mine.count == theirs.count else { return false }
                guard let left = mine.baseAddress, let right = theirs.baseAddress else {
                    return true
                }
                return memcmp(left, right, mine.count) == 0
            }
        }.flatMap(\.self) ?? utf8.elementsEqual(other.utf8)
    }
}
