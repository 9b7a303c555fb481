import AlmanacCore
import ArgumentParser
import Foundation
import Scheduling

/// `why`: the decision trace of one occurrence.
struct WhyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Say why an occurrence did or did not run.",
        usage: "\(ProgramName.text) why <job> --at <instant> [--json] [options]",
        discussion: """
            Goes from the schedule that was in force then to the row: was the job due, was it \
            accounted for, what became of each attempt. Needs no schedule file: the ledger keeps \
            every schedule that was in force.

            Exit code 0 when there is an answer, 1 for a job that the ledger does not know.
            """)

    @OptionGroup var options: GlobalOptions

    @Argument(help: "The name of the job.")
    var job: String

    @Option(help: ArgumentHelp("The nominal instant, as RFC 3339.", valueName: "instant"))
    var at: String

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() async throws {
        let settings = try options.settings()
        let instant = try InstantOption.instant(at, of: "--at")
        let (facts, known) = try await LedgerLook.at(settings) { ledger, connection in
            (
                try ledger.trace(of: job, at: instant.date, on: connection),
                try ledger.jobNames(on: connection)
            )
        }
        let trace = DecisionTrace(facts)
        if json { try Console.printJSON(trace) } else { show(trace) }
        guard trace.answer != .unknownJob else {
            let hint = Suggestion.question(for: job, among: known).map { "; \($0)" } ?? ""
            throw CommandFailure("the ledger has no job '\(job)'\(hint)")
        }
    }

    private func show(_ trace: DecisionTrace) {
        Console.print("\(trace.job) at \(trace.scheduledFor.shortText): \(trace.answer.rawValue)")
        for sentence in trace.trace { Console.print("  - \(sentence.printable())") }
    }
}
