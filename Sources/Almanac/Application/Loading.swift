import AlmanacCore
import Foundation
import Glibc

extension Settings {
    /// Loads the schedule files.
    ///
    /// - Throws: `CommandFailure` with all errors of all files.
    func loadSchedule(_ registry: TaskRegistry) throws -> Schedule {
        do {
            return try ScheduleLoader(tasks: registry).load(paths: schedules).schedule
        } catch let error as DiagnosticsError {
            let report = DiagnosticReport(error.diagnostics)
            Console.errorVerbatim(
                report.rendered(colour: Console.useColour(on: STDERR_FILENO)).trimmingCharacters(
                    in: .newlines))
            let count = report.errorCount
            throw CommandFailure(
                "the schedule has \(count) \(count == 1 ? "error" : "errors"); nothing was done",
                status: .usage)
        }
    }
}

extension Schedule {
    /// A job by its name.
    ///
    /// - Throws: `CommandFailure` that names what is near.
    func required(_ name: String) throws -> JobDefinition {
        if let job = job(named: name) { return job }
        let hint = Suggestion.question(for: name, among: jobs.map(\.name)).map { "; \($0)" } ?? ""
        throw CommandFailure("the schedule has no job '\(name)'\(hint)", status: .usage)
    }
}
