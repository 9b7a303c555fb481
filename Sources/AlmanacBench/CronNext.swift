import Almanac
import Glibc
import Scheduling

extension BenchEntry {
    /// How many occurrences of a cron expression are computed in a second.
    static let cronNext = BenchEntry(name: "cron-next") { _, extent in
        try await CronNext(extent: extent).measure()
    }
}

/// An expression in a zone.
struct CronChain: Codable, Sendable {
    let expression: String
    let zone: String

    /// What everybody computes.
    static let all = [
        CronChain(expression: "*/5 * * * *", zone: "UTC"),
        CronChain(expression: "0 0 29 2 *", zone: "UTC"),
        CronChain(expression: "30 2 * * 1-5", zone: "America/New_York"),
        CronChain(expression: "0 9 * * MON#2", zone: "America/New_York"),
    ]

    /// Where each chain begins, and where it is begun anew.
    static let start = Instant(secondsSinceEpoch: 1_767_225_600)
    static let end = Instant(secondsSinceEpoch: 6_942_672_000)
}

/// Measures this library and those of Python, one after the other.
private struct CronNext {
    let extent: BenchExtent

    func measure() async throws -> CronNextResult {
        let seconds = extent.isQuick ? 0.2 : Double(extent.seconds ?? 2)
        let python = PythonCron(secondsPerCell: seconds, rounds: extent.rounds)
        let others = try await python.measure()
        var rows: [CronNextResult.Row] = []
        for (chain, other) in zip(CronChain.all, others.chains) {
            let expression = try CronExpression(chain.expression)
            let zone = try Zone(chain.zone)
            let first = instants(5, of: expression, in: zone).map(\.secondsSinceEpoch)
            guard first == other.croniter.first, first == other.cronsim.first else {
                throw BenchFailure("the libraries disagree about \(chain.expression)")
            }
            var best = 0.0
            for _ in 1...extent.rounds {
                best = max(best, rate(of: expression, in: zone, seconds: seconds))
            }
            rows.append(
                CronNextResult.Row(
                    expression: chain.expression, zone: chain.zone, almanacPerSecond: best,
                    cronsimPerSecond: other.cronsim.rate, croniterPerSecond: other.croniter.rate))
        }
        return CronNextResult(
            secondsPerCell: seconds, rounds: extent.rounds, python: others.python,
            croniter: PythonCron.croniter, cronsim: PythonCron.cronsim, rows: rows)
    }

    private func instants(
        _ count: Int, of expression: CronExpression, in zone: Zone
    ) -> [Instant] {
        var instants: [Instant] = []
        while instants.count < count,
            let next = expression.next(after: instants.last ?? CronChain.start, in: zone)
        {
            instants.append(next)
        }
        return instants
    }

    /// Occurrences for each second of processor time of this thread, each computed from the one
    /// before.
    private func rate(
        of expression: CronExpression, in zone: Zone, seconds: Double
    ) -> Double {
        let start = threadSeconds()
        var instant = CronChain.start
        var count = 0
        while true {
            for _ in 0..<10_000 {
                if let next = expression.next(after: instant, in: zone), next < CronChain.end {
                    instant = next
                } else {
                    instant = CronChain.start
                }
            }
            count += 10_000
            let spent = threadSeconds() - start
            if spent >= seconds { return Double(count) / spent }
        }
    }
}

/// How much processor time this thread has had.
private func threadSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// What `cron-next` has found.
struct CronNextResult: BenchResult {
    /// One expression, in occurrences for each second of processor time.
    struct Row: Encodable, Sendable {
        let expression: String
        let zone: String
        let almanacPerSecond: Double
        let cronsimPerSecond: Double
        let croniterPerSecond: Double
    }

    let secondsPerCell: Double
    let rounds: Int
    /// The versions of what was measured beside.
    let python: String
    let croniter: String
    let cronsim: String
    let rows: [Row]

    var lines: [String] {
        [
            "cron-next: occurrences computed in a second of processor time of one thread, each "
                + "from the one before"
                + (rounds > 1 ? ", the best of \(rounds) rounds" : ""),
            """
              \(secondsPerCell.text(decimals: 1)) s for each cell; Python \(python), \
            croniter \(croniter), cronsim \(cronsim). All three agree on the first five of each.
            """,
        ] + table.lines
    }

    private var table: TextTable {
        var table = TextTable(
            [("EXPRESSION", .left), ("ZONE", .left)]
                + ["ALMANAC", "CRONSIM", "CRONITER", "TIMES CRONITER"].map { ($0, .right) })
        for row in rows {
            let numbers = [
                row.almanacPerSecond, row.cronsimPerSecond, row.croniterPerSecond,
                row.almanacPerSecond / row.croniterPerSecond,
            ]
            table.add([row.expression, row.zone] + numbers.map { $0.text(decimals: 0) })
        }
        return table
    }
}
