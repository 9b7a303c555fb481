import Almanac
import AlmanacCore
import AlmanacTesting
import PostgresSession
import Scheduling

extension BenchEntry {
    /// How fast a queue of due runs becomes shorter, beside what Postgres itself can do.
    static let drain = BenchEntry(name: "drain") { server, extent in
        try await Drain(server: server, extent: extent).measure()
    }
}

/// One measurement of `drain` after the other.
private struct Drain {
    let server: BenchServer
    let extent: BenchExtent

    func measure() async throws -> DrainResult {
        let seconds = extent.seconds ?? (extent.isQuick ? 1 : 4)
        var cells: [DrainResult.Cell] = []
        for workers in extent.isQuick ? [1, 8] : [1, 4, 8, 16] {
            var cell = DrainResult.Cell(workers: workers)
            for _ in 1...extent.rounds {
                try await drain(into: &cell, seconds: seconds)
                let bench = PgBench(server: server, clients: workers, seconds: seconds)
                cell.pgbenchRunsPerSecond.append(try await bench.measure())
            }
            cells.append(cell)
        }
        return DrainResult(secondsPerCell: seconds, rounds: extent.rounds, cells: cells)
    }

    /// Lets 10,000 jobs come due at one instant and watches them for some seconds.
    private func drain(into cell: inout DrainResult.Cell, seconds: Int) async throws {
        try server.withConnection(BookStore.fill)
        let queue = DrainQueue(start: try SystemClock().instant, workers: cell.workers)
        let clock = ManualClock(at: queue.warmUp)
        let node = try BenchNode(
            on: server, tasks: [RestockBook.self], jobs: queue.jobs, workers: cell.workers,
            clock: clock)
        let (runs, span, processor) = try await node.run {
            try await watch(node.tally, queue, clock, seconds: seconds)
        }
        // What still sleeps by this clock may go.
        clock.advance(bySeconds: 1e6)
        try check(node.tally, runs: runs)
        cell.runsPerSecond.append(Double(runs) / span)
        cell.processorMicrosecondsPerRun.append(processor / Double(max(runs, 1)) * 1e6)
    }

    /// How many runs ended in how many seconds with how much processor time, once each worker is
    /// connected and has its statements prepared.
    private func watch(
        _ tally: RunTally, _ queue: DrainQueue, _ clock: ManualClock, seconds: Int
    ) async throws -> (runs: Int, span: Double, processor: Double) {
        let watch = try SystemClock()
        await tally.wait(for: queue.warmUpCount, atMost: .seconds(30), by: watch)
        guard tally.count == queue.warmUpCount else {
            throw BenchFailure("the first runs did not end: \(tally.problem ?? "no reason known")")
        }
        let start = watch.uptime
        let processor = processorSeconds()
        clock.advance(bySeconds: Double(queue.due.seconds(since: queue.warmUp)))
        await tally.wait(
            for: queue.warmUpCount + BookStore.bookCount, atMost: .seconds(seconds), by: watch)
        let runs = tally.count - queue.warmUpCount
        return (runs, (watch.uptime - start) / .seconds(1), processorSeconds() - processor)
    }

    /// Every run that was counted has its row and its effect, and no run has ended otherwise.
    private func check(_ tally: RunTally, runs: Int) throws {
        let (copies, succeeded, others) = try server.withConnection { connection in
            let row = try connection.query(
                """
                SELECT count(*) FILTER (WHERE state = 'succeeded')::int AS succeeded, \
                count(*) FILTER (WHERE state <> 'succeeded')::int AS others FROM almanac.runs
                """
            ).first
            return (
                try BookStore.copies(on: connection), try row?.get("succeeded", as: Int.self),
                try row?.get("others", as: Int.self)
            )
        }
        guard runs > 0, copies == tally.count, succeeded == copies, others == 0 else {
            throw BenchFailure(
                "\(tally.count) runs were counted, \(succeeded ?? 0) have succeeded, "
                    + "\(others ?? 0) have not, \(copies) books were restocked: "
                    + (tally.problem ?? "no reason known"))
        }
    }
}

/// A schedule of as many jobs as there are books, all due at the same instant, and some that are
/// due before, for the workers to warm up with.
private struct DrainQueue {
    let warmUp: Instant
    let due: Instant
    let warmUpCount: Int

    /// - Parameter start: before it nothing is accounted for, so it all lies after.
    init(start: Instant, workers: Int) {
        warmUp = start.advanced(bySeconds: 7_200 - start.secondsSinceEpoch % 3_600)
        due = warmUp.advanced(bySeconds: 3_600)
        warmUpCount = 8 * workers
    }

    var jobs: String {
        var text = "version: 1\ndefaults: {activeDeadlineSeconds: 60}\njobs:\n"
        for number in 1...warmUpCount {
            text += job("warm-up-\(number)", book: number, at: warmUp)
        }
        for number in 1...BookStore.bookCount {
            text += job("restock-\(number)", book: number, at: due)
        }
        return text
    }

    private func job(_ name: String, book: Int, at instant: Instant) -> String {
        let time = Zone.utc.civilTime(at: instant)
        let schedule = "\(time.minute) \(time.hour) \(time.day) \(time.month) *"
        return """
              \(name):
                schedule: "\(schedule)"
                task: \(RestockBook.name)
                parameters: {title: \(BookStore.title(book))}

            """
    }
}

/// What `drain` has found.
struct DrainResult: BenchResult {
    /// One number of workers.
    struct Cell: Encodable, Sendable {
        let workers: Int
        /// One number for each round.
        var runsPerSecond: [Double] = []
        var pgbenchRunsPerSecond: [Double] = []
        var processorMicrosecondsPerRun: [Double] = []

        init(workers: Int) { self.workers = workers }

        var best: Double { runsPerSecond.max() ?? 0 }
        var pgbenchBest: Double { pgbenchRunsPerSecond.max() ?? 0 }
    }

    let secondsPerCell: Int
    let rounds: Int
    let cells: [Cell]

    var lines: [String] {
        let spread = rounds > 1 ? ", the best of \(rounds); SPREAD is from it to the worst" : ""
        return [
            "drain: runs per second of \(BookStore.bookCount) jobs that come due at one instant, "
                + "\(secondsPerCell) s for each number\(spread)",
            """
              In it: planner, board, worker, claim, task (SELECT and UPDATE of a book), audit row
              and COMMIT, reset of the connection, the run's log line. Not in it: loading the
              schedule, connecting, each worker's first runs, writing the log. The instant comes
              by a clock set by hand. CPU is what this process needs for a run.
              pgbench -M prepared: the same rows by the same statements in the same two durable
              commits (claim; SELECT, UPDATE of the book, UPDATE of the run) over the same socket.
            """,
        ] + table.lines
    }

    private var table: TextTable {
        let columns = ["WORKERS", "RUNS/S", "SPREAD", "PGBENCH/S", "SPREAD", "RATIO", "CPU µs/RUN"]
        let shown = columns.indices.filter { rounds > 1 || columns[$0] != "SPREAD" }
        var table = TextTable(shown.map { (columns[$0], .right) })
        for cell in cells {
            let texts = [
                "\(cell.workers)", cell.best.text(decimals: 0), percent(cell.runsPerSecond.spread),
                cell.pgbenchBest.text(decimals: 0), percent(cell.pgbenchRunsPerSecond.spread),
                (cell.best / max(cell.pgbenchBest, 1)).text(decimals: 2),
                (cell.processorMicrosecondsPerRun.min() ?? 0).text(decimals: 0),
            ]
            table.add(shown.map { texts[$0] })
        }
        return table
    }

    private func percent(_ share: Double) -> String { (share * 100).text(decimals: 0) + " %" }
}
