import Almanac
import AlmanacCore
import PostgresSession
import Scheduling

extension BenchEntry {
    /// How long after its instant a job's task begins.
    static let lateness = BenchEntry(name: "lateness") { server, extent in
        try await Lateness(server: server, extent: extent).measure()
    }
}

/// One measurement of `lateness` after the other.
private struct Lateness {
    let server: BenchServer
    let extent: BenchExtent
    private let workers = 8

    func measure() async throws -> LatenessResult {
        let seconds = extent.seconds ?? (extent.isQuick ? 2 : 10)
        var cells: [LatenessResult.Cell] = []
        for jobs in extent.isQuick ? [10, 100] : [10, 100, 1_000] {
            var rounds: [LatenessResult.Cell] = []
            for _ in 1...extent.rounds {
                rounds.append(try await measure(jobs: jobs, seconds: seconds))
            }
            cells += rounds.min { $0.p50Milliseconds < $1.p50Milliseconds }.map { [$0] } ?? []
        }
        return LatenessResult(
            workers: workers, secondsPerCell: seconds, rounds: extent.rounds, cells: cells)
    }

    private func measure(jobs: Int, seconds: Int) async throws -> LatenessResult.Cell {
        let clock = try SystemClock()
        let node = try BenchNode(
            on: server, tasks: [NoteStart.self], jobs: schedule(of: jobs), workers: workers,
            clock: clock)
        _ = StartBook.take()
        let first = try await node.run {
            // For the workers to connect and to prepare their statements.
            await node.tally.wait(
                for: min(4 * workers, 2 * jobs), atMost: .seconds(30), by: clock)
            let first = clock.instant.advanced(bySeconds: 1)
            try await clock.sleep(for: .seconds(seconds + 1))
            return first
        }
        if let problem = node.tally.problem { throw BenchFailure(problem) }
        let window = first..<first.advanced(bySeconds: Int64(seconds))
        let starts = StartBook.take().filter { window.contains($0.scheduledFor) }
        guard !starts.isEmpty else { throw BenchFailure("nothing ran in \(seconds) seconds") }
        return LatenessResult.Cell(jobs: jobs, due: jobs * seconds, starts)
    }

    private func schedule(of jobs: Int) -> String {
        (1...jobs).reduce(
            into: "version: 1\ndefaults: {activeDeadlineSeconds: 60}\njobs:\n"
        ) { text, number in
            text += "  note-\(number): {every: 1s, task: \(NoteStart.name)}\n"
        }
    }
}

/// What `lateness` has found.
struct LatenessResult: BenchResult {
    /// One number of jobs.
    struct Cell: Encodable, Sendable {
        let jobs: Int
        /// How many occurrences were due.
        let due: Int
        /// How many of them ran; the others were skipped when the next one was due.
        let ran: Int
        /// The first and the last of an instant: the median over all instants.
        let firstMilliseconds: Double
        let lastMilliseconds: Double
        /// Of all runs.
        let p50Milliseconds: Double
        let p99Milliseconds: Double
        let worstMilliseconds: Double

        init(jobs: Int, due: Int, _ starts: [StartBook.Start]) {
            let instants = Dictionary(grouping: starts, by: \.scheduledFor).values.map {
                $0.map(\.latenessMilliseconds)
            }
            let all = starts.map(\.latenessMilliseconds)
            self.jobs = jobs
            self.due = due
            ran = starts.count
            firstMilliseconds = instants.compactMap { $0.min() }.quantile(0.5)
            lastMilliseconds = instants.compactMap { $0.max() }.quantile(0.5)
            p50Milliseconds = all.quantile(0.5)
            p99Milliseconds = all.quantile(0.99)
            worstMilliseconds = all.max() ?? 0
        }
    }

    let workers: Int
    let secondsPerCell: Int
    /// How often each was measured; the one with the least median counts.
    let rounds: Int
    let cells: [Cell]

    var lines: [String] {
        [
            "lateness: milliseconds from the nominal instant to the first line of the task, "
                + "\(secondsPerCell) s for each row"
                + (rounds > 1 ? ", of \(rounds) the one with the best P50" : ""),
            """
              All jobs are due at the same instant of each second (every: 1s), \(workers) workers,
              the machine's clock. In it: the timer, planner, board, worker and a durable claim; the
              last waits for all the others. FIRST and LAST are of an instant (median of all of
              them), P50 and P99 of all runs. What has not begun when its job is due again is
              skipped.
            """,
        ] + table.lines
    }

    private var table: TextTable {
        var table = TextTable(
            ["JOBS", "DUE", "RAN", "FIRST", "P50", "P99", "LAST", "WORST"].map { ($0, .right) })
        for cell in cells {
            table.add(
                ["\(cell.jobs)", "\(cell.due)", "\(cell.ran)"]
                    + [
                        cell.firstMilliseconds, cell.p50Milliseconds, cell.p99Milliseconds,
                        cell.lastMilliseconds, cell.worstMilliseconds,
                    ].map { $0.text(decimals: 1) })
        }
        return table
    }
}
