import AlmanacCore
import ArgumentParser
import Logging

/// `migrate`: create or upgrade the schema.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Create the schema of the ledger, or bring it up to date.",
        usage: "\(ProgramName.text) migrate [options]",
        discussion: """
            `run` and `exec` do this by themselves. The command is for a role that may create \
            schemas, when the role that runs jobs may not. It says what it did; where there is \
            nothing to do, it does nothing.
            """)

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let settings = try options.settings()
        let registry = try CommandContext.required().registry
        try await DatabaseAccess.use(settings) { database in
            let node = try Node(
                settings: settings, database: database, registry: registry,
                logger: Logger(label: "almanac"))
            defer { node.close() }
            let bookkeeper = Bookkeeper(services: node.services)
            do {
                let steps = try await bookkeeper.migrate()
                for step in steps {
                    Console.print("version \(step.version): \(step.summary)")
                }
                if steps.isEmpty {
                    Console.print(
                        "the schema \"\(settings.schema)\" has the current version "
                            + "\(LedgerSchema.currentVersion)")
                }
                await bookkeeper.stop()
            } catch {
                await bookkeeper.stop()
                throw error
            }
        }
    }
}
