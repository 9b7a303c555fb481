/// Which statements a connection has prepared, by their text and parameter types.
///
/// A statement is prepared when it is sent for the second time: most are sent once. The least
/// recently used one gives way when there are too many.
struct StatementCache {
    /// The identity of a statement. Bytes, since texts that are equal as `String` may differ in
    /// how an accent is composed.
    struct Key: Hashable {
        let text: [UInt8]
        let types: [PostgresType]
    }

    /// How to send a statement.
    enum Use: Equatable {
        case unprepared
        case prepare(name: String)
        case prepared(name: String)
    }

    private enum Entry {
        case seen
        case prepared(name: String)
    }

    private let limit: Int
    private var entries: [Key: (entry: Entry, lastUse: Int)] = [:]
    private var clock = 0
    private var names = 0

    /// Longer texts, such as an INSERT of a thousand rows, are not kept.
    private static let longestText = 8192

    init(limit: Int) {
        self.limit = max(limit, 1)
    }

    /// The statement that has to give way, to be called after `use`.
    mutating func evict() -> String? {
        guard entries.count > limit,
            let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse })
        else { return nil }
        entries[oldest.key] = nil
        if case .prepared(let name) = oldest.value.entry { return name }
        return nil
    }

    /// How to send the statement now; counts as a use.
    mutating func use(_ text: String, _ types: [PostgresType]) -> Use {
        guard text.utf8.count <= Self.longestText, Self.isPlanned(text) else { return .unprepared }
        let key = Key(text: Array(text.utf8), types: types)
        clock += 1
        switch entries[key]?.entry {
        case .prepared(let name):
            entries[key] = (.prepared(name: name), clock)
            return .prepared(name: name)
        case .seen:
            names += 1
            let name = "session_\(names)"
            entries[key] = (.prepared(name: name), clock)
            return .prepare(name: name)
        case nil:
            entries[key] = (.seen, clock)
            return .unprepared
        }
    }

    /// Forgets one statement, which the server turned out not to have.
    mutating func forget(_ name: String) {
        guard
            let key = entries.first(where: {
                if case .prepared(name) = $0.value.entry { true } else { false }
            })?.key
        else { return }
        entries[key] = nil
    }

    /// Forgets all: DEALLOCATE ALL or DISCARD ALL has been run.
    mutating func forgetAll() {
        entries = [:]
    }

    /// The number of prepared statements.
    var preparedCount: Int {
        entries.values.count { if case .prepared = $0.entry { true } else { false } }
    }

    /// Only what the planner sees gains from being prepared.
    private static func isPlanned(_ text: String) -> Bool {
        let word = text.utf8.drop { $0 <= 0x20 }.prefix(6)
        return ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "VALUES", "MERGE"].contains {
            word.prefix($0.utf8.count).elementsEqual($0.utf8) { $0 & 0xDF == $1 }
        }
    }
}
