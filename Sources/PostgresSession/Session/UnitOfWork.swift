/// The records staged in a session, and what it knows of the rows it has read. Pure bookkeeping.
struct UnitOfWork {
    /// A row, by its record type and key.
    struct Identity: Hashable {
        let type: ObjectIdentifier
        let key: Parameter
    }

    /// What the session knows of a row.
    enum Knowledge {
        /// Its columns, as last read or written.
        case columns([String: Parameter])
        /// That it is there.
        case existence
    }

    private(set) var staged: [StagedRow] = []
    private var positions: [Identity: Int] = [:]
    private var rows: [Identity: Knowledge] = [:]
    /// Rows inserted and deleted since the transaction began.
    private var inserted: Set<Identity> = []
    private var deleted: Set<Identity> = []

    var isEmpty: Bool { staged.allSatisfy(\.isVoid) }

    func knowledge(of identity: Identity) -> Knowledge? { rows[identity] }

    // MARK: Staging

    /// Stages a record: an INSERT if its row is not known, otherwise an UPDATE.
    mutating func stage(_ row: StagedRow) {
        guard let identity = row.identity else {
            staged.append(row)
            return
        }
        var row = row
        if let position = positions[identity] {
            let before = staged[position]
            // The later values count; an insert not yet written stays one.
            if before.action == .insert { row.action = .insert }
            row.receivers = before.receivers + row.receivers
            staged[position].action = .none
        } else if rows[identity] == nil {
            row.action = .insert
        }
        positions[identity] = staged.count
        staged.append(row)
    }

    /// Stages a row's deletion; one that was only staged is forgotten.
    mutating func stageDeletion(_ row: StagedRow) {
        guard let identity = row.identity else { return }
        if let position = positions.removeValue(forKey: identity) {
            let before = staged[position].action
            staged[position].action = .none
            if before == .insert { return }
        }
        positions[identity] = staged.count
        staged.append(row)
    }

    /// Takes the staged work out, to be written.
    mutating func takeStaged() -> [StagedRow] {
        defer {
            staged = []
            positions = [:]
        }
        return staged.filter { !$0.isVoid }
    }

    // MARK: Knowing

    mutating func read(_ identity: Identity, _ columns: [String: Parameter]) {
        rows[identity] = .columns(columns)
    }

    mutating func didInsert(_ identity: Identity, _ columns: [String: Parameter]) {
        rows[identity] = .columns(columns)
        if deleted.remove(identity) == nil { inserted.insert(identity) }
    }

    mutating func didDelete(_ identity: Identity) {
        rows[identity] = nil
        if inserted.remove(identity) == nil { deleted.insert(identity) }
    }

    /// Rows of a type were written past the session's knowledge.
    mutating func forgetColumns(of type: ObjectIdentifier) {
        for identity in rows.keys where identity.type == type { rows[identity] = .existence }
    }

    /// The rows' columns may have changed; that they exist is still believed.
    mutating func forgetSnapshots() {
        for identity in rows.keys { rows[identity] = .existence }
    }

    mutating func committed() {
        inserted = []
        deleted = []
    }

    /// Back to what the database has: staged work and what was inserted is forgotten, what was
    /// deleted is there again, and of the rest only the existence is known.
    mutating func rolledBack() {
        _ = takeStaged()
        for identity in inserted { rows[identity] = nil }
        for identity in deleted { rows[identity] = .existence }
        forgetSnapshots()
        committed()
    }

    mutating func forgetAll() {
        self = UnitOfWork()
    }
}

/// A record that waits to be written.
struct StagedRow {
    enum Action {
        case insert, update, delete
        /// Nothing any more: a later staging took its place.
        case none
    }

    /// The record's type, and what it says about itself.
    let type: any Record.Type
    /// The row, nil if the database is to make its key.
    let identity: UnitOfWork.Identity?
    /// The columns, in order.
    let names: [String]
    let values: [String: Parameter]
    var action: Action
    /// Called with the row as it was written, and nil for one that was written as it is.
    var receivers: [(Row?) throws -> Void] = []

    var isVoid: Bool { action == .none }
}

/// A record that was added to a session, and what became of it.
public final class Staged<R: Record> {
    /// The record; after the flush as the database has it, with the key it made.
    public internal(set) var value: R
    /// True once it was written.
    public internal(set) var isFlushed = false

    init(_ value: R) {
        self.value = value
    }
}
