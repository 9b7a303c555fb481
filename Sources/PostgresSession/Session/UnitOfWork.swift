/// The records staged in a session, and what it knows of the rows it has read. Pure bookkeeping.
struct UnitOfWork {
    /// A row, by its record type and key.
    struct Identity: Hashable {
        let type: ObjectIdentifier
        let key: Parameter
    }

    /// What the session knows of a row.
    enum Knowledge {
        /// What it holds, as last read or written. Its columns are only looked at when it is
        /// written again, which of most rows never happens.
        case record(any Record)
        /// That it is there.
        case existence
    }

    private(set) var staged: [StagedRow] = []
    private var positions: [Identity: Int] = [:]
    private var rows: [Identity: Knowledge] = [:]
    /// Rows inserted and deleted since the transaction began.
    private var inserted: Set<Identity> = []
    private var deleted: Set<Identity> = []
    /// Versions of rows that the session itself has made others of.
    private var superseded: [Identity: Set<Parameter>] = [:]

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
            row.handles = before.handles + row.handles
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

    mutating func read(_ identity: Identity, _ record: any Record) {
        rows[identity] = .record(record)
    }

    /// A row's version was made another one by a write of the session.
    mutating func supersede(_ version: Parameter, of identity: Identity) {
        superseded[identity, default: []].insert(version)
    }

    /// The version that a row must have to be written: that of the staged record, unless it is the
    /// session itself that has changed it since.
    func expectedVersion(of row: StagedRow) -> Parameter? {
        guard let identity = row.identity, let version = row.version else { return nil }
        guard superseded[identity]?.contains(version) == true,
            case .record(let record)? = rows[identity],
            let latest = (try? EncodedRecord(record))?.version
        else { return version }
        return latest
    }

    mutating func didInsert(_ identity: Identity, _ record: any Record) {
        rows[identity] = .record(record)
        if deleted.remove(identity) == nil { inserted.insert(identity) }
    }

    mutating func didDelete(_ identity: Identity) {
        rows[identity] = nil
        if inserted.remove(identity) == nil { deleted.insert(identity) }
    }

    /// Forgets the rows that were read since, to bound what is kept of many.
    mutating func forgetRows(unknownTo before: UnitOfWork) {
        rows = rows.filter { before.rows[$0.key] != nil }
        superseded = superseded.filter { before.rows[$0.key] != nil }
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
        superseded = [:]
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
    let record: any Record
    let columns: EncodedRecord
    /// The row, nil if the database is to make its key.
    let identity: UnitOfWork.Identity?
    var action: Action
    /// Who wants to know of the row as it was written.
    var handles: [any StagedHandle] = []

    init<R: Record>(_ record: R, _ action: Action, _ handle: Staged<R>?) throws {
        type = R.self
        self.record = record
        columns = try EncodedRecord(record)
        identity = columns.key.map { .init(type: ObjectIdentifier(R.self), key: $0) }
        self.action = identity == nil ? .insert : action
        if let handle { handles = [handle] }
    }

    var isVoid: Bool { action == .none }

    /// The record's version, nil if its type has none.
    var version: Parameter? { columns.version }

    /// Which of the columns are written by an INSERT: all, but a key that the database makes.
    var insertedColumns: [Int] {
        let all = columns.values.indices
        return identity == nil ? all.filter { $0 != columns.layout.keyIndex } : Array(all)
    }
}

/// Where a record that was written goes.
protocol StagedHandle: AnyObject {
    /// Takes the record as the database has it; nil if it was written as it is.
    func receive(_ record: (any Record)?)
}

/// A record that was added to a session, and what became of it.
public final class Staged<R: Record>: StagedHandle {
    /// The record; after the flush as the database has it, with the key it made.
    public internal(set) var value: R
    /// True once it was written.
    public internal(set) var isFlushed = false

    init(_ value: R) {
        self.value = value
    }

    func receive(_ record: (any Record)?) {
        if let record = record as? R { value = record }
        isFlushed = true
    }
}
