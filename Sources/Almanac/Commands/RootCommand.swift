import ArgumentParser
import Foundation

/// The command that all others belong to.
struct RootCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: (CommandLine.arguments.first as NSString?)?.lastPathComponent ?? "almanac",
            abstract: "Runs the jobs of a schedule file on Postgres, and accounts for every one.",
            discussion: """
                A schedule file names jobs: when each is due and which task does it. `run` starts \
                what comes due; every occurrence gets its row in the table almanac.runs, and a \
                run's row commits together with what the run wrote.

                Start with:
                  almanac check      is the schedule file right?
                  almanac next       what comes due when?
                  almanac run        run it, until Ctrl-C
                  almanac history    what ran, and how it ended

                Without --database a private Postgres is started under .almanac/ from the \
                installed server binaries, for as long as the command runs.
                """,
            version: AlmanacVersion.text,
            subcommands: [
                RunCommand.self, CheckCommand.self, NextCommand.self, ExecCommand.self,
                HistoryCommand.self, ShowCommand.self, MigrateCommand.self,
            ])
    }
}

/// The version of this program.
enum AlmanacVersion {
    static let text = "0.1.0"
}

/// Commands that people will look for and that are not there yet.
enum UpcomingCommands {
    static let names: Set<String> = [
        "plan", "simulate", "trigger", "backfill", "pause", "resume", "cancel", "status", "why",
        "verify", "prune", "doctor", "import", "export", "explain",
    ]
}
