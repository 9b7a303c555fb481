import AlmanacCore
import ArgumentParser
import Foundation
import Glibc

/// `check`: validate schedule files.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check schedule files: all errors at once, and what may not be meant.",
        usage: "\(ProgramName.text) check [<paths> ...] [--json] [options]",
        discussion: """
            Shows each error with file, line and column, and what to do about it. Needs no \
            database.

            Exit code 0 when there is no error, 2 otherwise. Warnings do not count.
            """)

    @OptionGroup var options: GlobalOptions

    @Argument(help: "Files and folders; default: those of --schedules.")
    var paths: [String] = []

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() throws {
        let registry = try CommandContext.required().registry
        let settings = try options.settings()
        let paths = paths.isEmpty ? settings.schedules : paths
        var diagnostics: [Diagnostic] = []
        var schedule: Schedule?
        do {
            let loaded = try ScheduleLoader(tasks: registry).load(paths: paths)
            schedule = loaded.schedule
            diagnostics = loaded.warnings
        } catch let error as DiagnosticsError {
            diagnostics = error.diagnostics
        }
        let report = DiagnosticReport(diagnostics)
        if json {
            try Console.printJSON(report)
        } else {
            show(report, schedule)
        }
        if schedule == nil { throw ExitCode(ExitStatus.usage.rawValue) }
    }

    private func show(_ report: DiagnosticReport, _ schedule: Schedule?) {
        let text = report.rendered(colour: Console.useColour(on: STDERR_FILENO))
        if !text.isEmpty { Console.errorVerbatim(text.trimmingCharacters(in: .newlines)) }
        let warnings = Self.count(report.warningCount, "warning")
        if let schedule {
            let files = Self.count(schedule.files.count, "file")
            let jobs = Self.count(schedule.jobs.count, "job")
            Console.print("ok: \(jobs) in \(files), \(warnings)")
        } else {
            Console.errorVerbatim("\(Self.count(report.errorCount, "error")), \(warnings)")
        }
    }

    private static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }
}
