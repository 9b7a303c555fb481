import ArgumentParser
import Foundation

/// The command that all others belong to.
struct RootCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: ProgramName.text,
            abstract: "Runs the jobs of a schedule file on Postgres, and accounts for every one.",
            usage: "\(ProgramName.text) <command> [options]",
            discussion: """
                A schedule file names jobs: when each is due and which task does it. `run` starts \
                what comes due; every occurrence gets its row in the table almanac.runs, and a \
                run's row commits together with what the run wrote.

                Start with:
                  \(ProgramName.text) check      is the schedule file right?
                  \(ProgramName.text) next       what comes due when?
                  \(ProgramName.text) run        run it, until Ctrl-C
                  \(ProgramName.text) history    what ran, and how it ended

                Without --database a private Postgres is started under .almanac/ from the \
                installed server binaries, for as long as the command runs.

                Every command takes --config, --schedules, --database and --workers, after its \
                name. Each setting also has a variable: ALMANAC_DATABASE_URL, ALMANAC_SCHEDULES, \
                ALMANAC_WORKERS, ALMANAC_LOG_FORMAT and so on; Config/almanac.yaml lists all \
                settings. An option wins over a variable, a variable over the file.

                Exit code: 0 done, 1 something failed or the answer is no, 2 wrong usage or an \
                invalid file.
                """,
            version: AlmanacVersion.text,
            subcommands: [
                RunCommand.self, CheckCommand.self, NextCommand.self, ExplainCommand.self,
                PlanCommand.self, SimulateCommand.self, ExecCommand.self, HistoryCommand.self,
                ShowCommand.self, StatusCommand.self, WhyCommand.self, TriggerCommand.self,
                BackfillCommand.self,
                PauseCommand.self, ResumeCommand.self, CancelCommand.self, VerifyCommand.self,
                PruneCommand.self, MigrateCommand.self, DoctorCommand.self,
            ])
    }
}

/// The name that this program was started by: another one where its tasks are.
enum ProgramName {
    static let text = (CommandLine.arguments.first as NSString?)?.lastPathComponent ?? "almanac"
}

/// The version of this program.
enum AlmanacVersion {
    static let text = "0.1.0"
}

/// Commands that people will look for and that are not there yet.
enum UpcomingCommands {
    static let names: Set<String> = [
        "import", "export",
    ]
}
