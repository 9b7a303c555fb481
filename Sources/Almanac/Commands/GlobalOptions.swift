import ArgumentParser
import Foundation

/// The options that every command takes.
struct GlobalOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The configuration file. Default: Config/almanac.yaml if there is one.",
            valueName: "file"))
    var config: String?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            """
            Schedule files, or folders of them; takes all that follows, up to the next option. \
            Default: Schedules.
            """, valueName: "path"))
    var schedules: [String] = []

    @Option(
        help: ArgumentHelp(
            """
            The database, as libpq takes it: postgresql://user@host/name, or keywords. Default: a \
            private server under .almanac/, for as long as the command runs.
            """, valueName: "url"))
    var database: String?

    @Option(help: ArgumentHelp("How many runs go on at the same time. Default: 8.", valueName: "n"))
    var workers: Int?

    /// The settings of the command, with environment and file taken into account.
    func settings() throws -> Settings {
        try Settings(options: self, environment: ProcessInfo.processInfo.environment)
    }
}
