import AlmanacCore
import Foundation
import Scheduling

/// What must hold after each step of a night.
struct NightPromises {
    /// An attempt at an occurrence, or at what somebody has triggered.
    private struct Key: Hashable {
        let job: String
        let instant: Instant
        let attempt: Int

        init(_ row: SimulatedRow) {
            job = row.job
            instant = row.instant
            attempt = row.attempt
        }

        init(_ run: RunIdentity) {
            job = run.job
            instant = Instant(run.scheduledFor)
            attempt = run.attempt
        }
    }

    private(set) var account = NightAccount()
    private(set) var violation: String?
    private var starts: [Key: Int] = [:]
    private var effects: [Key: Int] = [:]
    private var succeeded: [Key: Int] = [:]
    /// The ranges of skipped instants of each job.
    private var ranges: [String: [ClosedRange<Instant>]] = [:]
    private var watermark: Instant?
    /// By how much any clock was wrong, at the most.
    private(set) var slackSeconds: Int64 = 1
    private(set) var writeCount = 0

    mutating func violate(_ text: String) {
        if violation == nil { violation = text }
    }

    /// A clock is wrong by so much.
    mutating func sawClock(wrongBy error: SimulatedTime) {
        slackSeconds = max(slackSeconds, abs(error) / 1_000_000 + 2)
    }

    // MARK: Runs

    /// A task begins.
    mutating func sawStart(of order: RunOrder, others: [(node: String, job: String)]) {
        let run = order.identity
        starts[Key(run), default: 0] += 1
        if starts[Key(run), default: 0] > 1 {
            violate("P1: attempt \(run.attempt) of \(run.job) \(run.scheduledFor) began twice")
        }
        if order.job.dispatch.concurrency != .allow, let other = others.first {
            violate("P1: \(run.job) began on \(run.node) while it goes on on \(other.node)")
        }
    }

    /// A run commits what it did.
    mutating func sawEffect(of order: RunOrder) { effects[Key(order.identity), default: 0] += 1 }

    // MARK: Rows

    mutating func saw(_ write: SimulatedWrite, isAlive: (Int?) -> Bool) {
        writeCount += 1
        if write.isLoss { return sawLoss(write) }
        guard let row = write.after else { return }
        if let before = write.before, before.state.isTerminal, before.state != row.state {
            violate("P2: \(row.job) \(row.instant) was \(before.state) and is \(row.state)")
        }
        if row.state == .succeeded { succeeded[Key(row), default: 0] += 1 }
        if row.state == .orphaned, isAlive(row.backend) {
            violate("P4: \(row.job) \(row.instant) is orphaned, and its backend lives")
        }
        if let last = row.skippedUntil {
            ranges[row.job, default: []].append(row.instant...last)
        }
        if effects[Key(row)] != succeeded[Key(row)] {
            violate(
                """
                P3: \(row.job) \(row.instant) has \(effects[Key(row)] ?? 0) effects and \
                \(succeeded[Key(row)] ?? 0) rows that succeeded
                """)
        }
    }

    /// A crash has undone a claim, and with it all that the run did.
    private mutating func sawLoss(_ write: SimulatedWrite) {
        if let lost = write.before { starts[Key(lost)] = nil }
    }

    // MARK: The watermark

    mutating func sawWatermark(in ledger: SimulatedLedger) {
        guard let mark = ledger.watermark, mark != watermark else { return }
        defer { watermark = mark }
        guard let before = watermark else { return }
        let isNew = account.take(in: ledger.versions)
        guard mark > before else {
            // Where the account of a job begins before it.
            let moment = ledger.versions.last.map { Instant($0.activatedAt.date) }
            if isNew, mark == moment { return }
            return violate("the watermark went back to \(mark)")
        }
        requireRows(after: before, through: mark, in: ledger)
    }

    /// P2: each instant that was due has its row or lies in one range of skipped ones.
    private mutating func requireRows(
        after first: Instant, through end: Instant, in ledger: SimulatedLedger
    ) {
        for job in account.stretches.keys.sorted() {
            let due = account.due(
                job, after: first, through: end, slackSeconds: slackSeconds)
            for instant in due { requireRow(job, instant, in: ledger) }
        }
    }

    private mutating func requireRow(
        _ job: String, _ instant: Instant, in ledger: SimulatedLedger
    ) {
        let row = ledger.row(job, instant, 1)
        let covering = (ranges[job] ?? []).filter { range in
            range.contains(instant) && !(row != nil && range.lowerBound == instant)
        }
        let count = covering.count + (row == nil ? 0 : 1)
        if count == 0 { violate("P2: \(job) \(instant) was due and has no row") }
        if count > 1 { violate("P2: \(job) \(instant) is accounted for \(count) times") }
    }

    // MARK: The end

    /// All that was due has ended, and nothing has a row that was not due.
    mutating func requireAll(from start: Instant, in ledger: SimulatedLedger) {
        account.take(in: ledger.versions)
        guard let mark = ledger.watermark else { return violate("there is no watermark") }
        requireRows(after: start, through: mark, in: ledger)
        for row in ledger.allRows {
            let isOwn = row.trigger == .schedule || row.trigger == .catchUp
            if isOwn, !account.isDue(row.job, at: row.instant, slackSeconds: slackSeconds) {
                violate("\(row.job) \(row.instant) has a row and was not due")
            }
        }
        if effects != succeeded { violate("P3: effects and rows that succeeded differ") }
    }
}
