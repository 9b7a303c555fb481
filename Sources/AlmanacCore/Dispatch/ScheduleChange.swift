import Logging

/// How a schedule differs from another, for the log.
package struct ScheduleChange: Sendable, Equatable {
    /// How many names of each kind the log gets.
    static let named = 20

    let added: [String]
    let removed: [String]
    /// Jobs of the same name with another definition.
    let changed: [String]

    package init(added: [String], removed: [String], changed: [String]) {
        self.added = added
        self.removed = removed
        self.changed = changed
    }

    init(from old: [String: JobDefinition], to new: [String: JobDefinition]) {
        added = new.keys.filter { old[$0] == nil }.sorted()
        removed = old.keys.filter { new[$0] == nil }.sorted()
        changed = new.values.filter { job in
            old[job.name].map { $0.canonicalText != job.canonicalText } ?? false
        }.map(\.name).sorted()
    }

    /// The way back.
    var inverted: ScheduleChange {
        ScheduleChange(added: removed, removed: added, changed: changed)
    }

    var isEmpty: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty }

    var metadata: Logger.Metadata {
        let kinds = [("added", added), ("removed", removed), ("changed", changed)]
        return Dictionary(
            kinds.filter { !$0.1.isEmpty }.map { ($0.0, .string(Self.list($0.1))) },
            uniquingKeysWith: { first, _ in first })
    }

    private static func list(_ names: [String]) -> String {
        let rest = names.count - named
        return names.prefix(named).joined(separator: ", ") + (rest > 0 ? ", … \(rest) more" : "")
    }
}
