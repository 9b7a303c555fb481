import AlmanacCore
import Foundation
import UnixSignals

extension Node {
    /// Rehearses one occurrence, reports it, and says how it would have ended.
    func rehearse(
        _ job: JobDefinition, at instant: Date?, signals: UnixSignalsSequence, json: Bool
    ) async throws -> ExitStatus {
        let rehearsal = Rehearsal(services: services)
        let watch = Task(executorPreference: WorkerThread.errands) {
            for await _ in signals { rehearsal.stop() }
        }
        defer { watch.cancel() }
        let report: RehearsalReport
        do {
            report = try await rehearsal.run(job, at: instant ?? services.clock.now)
        } catch let refusal as RehearsalRefused {
            throw CommandFailure(refusal.description)
        }
        if json { try Console.printJSON(report) } else { report.print() }
        return report.state == .succeeded || report.state == .skipped ? .done : .failed
    }
}

extension RehearsalReport {
    fileprivate func print() {
        Console.print("rehearsed \(job) for \(scheduledFor.shortText)")
        if let windowStart, let windowEnd {
            Console.print("window: \(windowStart.shortText) to \(windowEnd.shortText)")
        }
        printStatements()
        Console.print("")
        Console.print(summary)
        if let problem {
            let kind = problem.type ?? "reason"
            let state = problem.sqlstate.map { " (\($0))" } ?? ""
            let text = problem.message.printable(lineBreaks: .kept)
            // A text of the database begins with them.
            Console.print(text.hasPrefix(kind) ? text : "\(kind)\(state): \(text)")
        }
        printLocks()
        Console.print("")
        Console.print("everything was rolled back; but:")
        for caveat in caveats { Console.print("- \(caveat)") }
    }

    private var summary: String {
        let rows = rowsAffected.map { "\($0) \($0 == 1 ? "row" : "rows") changed" } ?? "no session"
        return "\(rows), \(Int(milliseconds.rounded())) ms; the run would \(ending)"
    }

    private var ending: String {
        switch state {
        case .succeeded: "succeed"
        case .skipped: "find nothing to do"
        case .timedOut: "come to its deadline"
        case .cancelled: "be cancelled, as this rehearsal was"
        default: "fail"
        }
    }

    private func printStatements() {
        guard !statements.isEmpty else { return }
        Console.print("")
        var table = TextTable([
            ("TIMES", .right), ("ROWS", .right), ("TOOK", .right), ("STATEMENT", .left),
        ])
        for statement in statements {
            let text = statement.text
            table.add([
                String(statement.times), String(statement.rowsAffected),
                "\(Int(statement.milliseconds.rounded())) ms",
                text.count > 100 ? text.prefix(99) + "…" : text,
            ])
        }
        for line in table.lines { Console.print(line) }
        if otherStatements > 0 { Console.print("and \(otherStatements) others") }
    }

    private func printLocks() {
        guard let locks, !locks.isEmpty else { return }
        Console.print("")
        var table = TextTable([("LOCKED", .left), ("MODES", .left)])
        for lock in locks { table.add([lock.name, lock.modes.joined(separator: ", ")]) }
        for line in table.lines { Console.print(line) }
    }
}
