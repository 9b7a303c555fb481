import AlmanacCore
package import Foundation
package import Scheduling

/// The tables of the ledger in memory, and what the statements of ``Ledger`` do to them.
///
/// Each call is one statement, or one transaction that locks out others: it happens as a whole, at
/// ``now`` by the database's clock. That it does what the SQL does is shown by tests that give both
/// the same calls. Not simulated are pools, needs, backfills, windows and progress.
package struct SimulatedLedger: Sendable {
    /// What the database's clock shows.
    package var now: SimulatedTime
    package private(set) var rows: [SimulatedRow] = []
    package var versions: [SimulatedVersion] = []
    package var accounts: [String: SimulatedAccount] = [:]
    package internal(set) var watermark: Instant?
    package var pauses: Set<String> = []
    /// The server processes that live.
    package var backends: Set<Int> = []
    /// The rows that were written since the last ``takeWrites()``: each before and after.
    private var writes: [SimulatedWrite] = []

    private struct Key: Hashable {
        let job: String
        let instant: Instant
        let attempt: Int
    }

    private var places: [UUID: Int] = [:]
    private var keys: [Key: Int] = [:]
    private var placesOfJob: [String: [Int]] = [:]
    /// The ranges of skipped instants of each job.
    private(set) var ranges: [String: [ClosedRange<Instant>]] = [:]
    /// The places of the rows that are queued or running, in the order in which they came.
    private var open: [Int] = []
    /// What a crash would lose: the rows as they were before claims that wait for no disk.
    private var unflushed: [(moment: SimulatedTime, place: Int, before: SimulatedRow?)] = []
    private var random: SimulatedRandom

    package init(now: SimulatedTime, random: SimulatedRandom) {
        self.now = now
        self.random = random
    }

    /// What was written since the last call.
    package mutating func takeWrites() -> [SimulatedWrite] {
        guard !writes.isEmpty else { return [] }
        defer { writes.removeAll(keepingCapacity: true) }
        return writes
    }

    // MARK: Rows

    package func row(_ runID: UUID) -> SimulatedRow? { places[runID].map { rows[$0] } }

    /// The row of an attempt that nobody has triggered by hand.
    package func row(_ job: String, _ instant: Instant, _ attempt: Int) -> SimulatedRow? {
        keys[Key(job: job, instant: instant, attempt: attempt)].map { rows[$0] }
    }

    /// All rows, in the order in which they were written.
    package var allRows: [SimulatedRow] { rows.filter { places[$0.runID] != nil } }

    /// All rows of a job, in the order in which they were written.
    package func rows(of job: String) -> [SimulatedRow] {
        (placesOfJob[job] ?? []).map { rows[$0] }
    }

    /// The rows that are queued or running, in the order in which they were written.
    package var openRows: [SimulatedRow] { open.map { rows[$0] } }

    func openRows(of job: String) -> [SimulatedRow] { openRows { $0.job == job } }

    func openRows(where isWanted: (SimulatedRow) -> Bool) -> [SimulatedRow] {
        open.filter { isWanted(rows[$0]) }.map { rows[$0] }
    }

    mutating func makeID() -> UUID { random.uuid() }

    func isAlive(_ backend: Int?) -> Bool { backend.map(backends.contains) ?? false }

    /// Whether a unique index is in the way of a row.
    private func conflicts(_ row: SimulatedRow, at place: Int? = nil) -> Bool {
        if row.trigger != .manual, place == nil,
            keys[Key(job: row.job, instant: row.instant, attempt: row.attempt)] != nil
        {
            return true
        }
        return row.excludesOthers
            && open.contains {
                $0 != place && rows[$0].job == row.job && rows[$0].excludesOthers
            }
    }

    /// `INSERT … ON CONFLICT DO NOTHING`.
    ///
    /// - Parameter isLight: whether a crash may lose it.
    /// - Returns: whether the row was written.
    @discardableResult
    mutating func insert(_ row: SimulatedRow, isLight: Bool = false) -> Bool {
        guard !conflicts(row) else { return false }
        let place = rows.count
        rows.append(row)
        places[row.runID] = place
        placesOfJob[row.job, default: []].append(place)
        if row.trigger != .manual {
            keys[Key(job: row.job, instant: row.instant, attempt: row.attempt)] = place
        }
        if let last = row.skippedUntil { ranges[row.job, default: []].append(row.instant...last) }
        if !row.state.isTerminal { open.append(place) }
        note(place, before: nil, isLight: isLight)
        writes.append(SimulatedWrite(before: nil, after: row))
        return true
    }

    /// `UPDATE` of one row.
    ///
    /// - Returns: false when a unique index is in the way, which is an error of the statement.
    @discardableResult
    mutating func update(
        _ runID: UUID, isLight: Bool = false, _ change: (inout SimulatedRow) -> Void
    ) -> Bool {
        guard let place = places[runID] else { return true }
        let before = rows[place]
        var after = before
        change(&after)
        guard !conflicts(after, at: place) else { return false }
        rows[place] = after
        if after.state.isTerminal, !before.state.isTerminal { open.removeAll { $0 == place } }
        note(place, before: before, isLight: isLight)
        writes.append(SimulatedWrite(before: before, after: after))
        return true
    }

    // MARK: The disk

    /// What commits in the ordinary way brings all before it to the disk as well.
    private mutating func note(_ place: Int, before: SimulatedRow?, isLight: Bool) {
        if isLight { unflushed.append((now, place, before)) } else { unflushed.removeAll() }
    }

    /// What an ordinary commit does.
    mutating func flush() { unflushed.removeAll() }

    /// After how long the server's writer has brought everything to the disk: three times the
    /// usual `wal_writer_delay`.
    private static let flushDelay = SimulatedTime.milliseconds(600)

    /// The server crashes: all backends are gone, and with them what was not on the disk.
    package mutating func crash() {
        backends = []
        let lost = unflushed.filter { $0.moment > now - Self.flushDelay }
        for (_, place, before) in lost.reversed() {
            let row = rows[place]
            if let before {
                rows[place] = before
            } else {
                forget(row, at: place)
            }
            writes.append(SimulatedWrite(before: row, after: before, isLoss: true))
        }
        unflushed.removeAll()
    }

    private mutating func forget(_ row: SimulatedRow, at place: Int) {
        places[row.runID] = nil
        keys[Key(job: row.job, instant: row.instant, attempt: row.attempt)] = nil
        placesOfJob[row.job]?.removeAll { $0 == place }
        open.removeAll { $0 == place }
    }
}

/// A row that was written.
package struct SimulatedWrite: Sendable {
    /// Nil for a new row.
    package let before: SimulatedRow?
    /// Nil for a row that a crash has lost.
    package let after: SimulatedRow?
    /// Whether it is a crash that has undone what was not on the disk.
    package var isLoss = false
}
