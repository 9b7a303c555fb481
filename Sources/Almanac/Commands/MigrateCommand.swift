import AlmanacCore
import ArgumentParser
import Foundation
import Logging

/// `migrate`: create or upgrade the schema.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Create the schema of the ledger, or bring it up to date.",
        usage: "\(ProgramName.text) migrate [--adopt] [options]",
        discussion: """
            `run` and `exec` do this by themselves. The command is for a role that may create \
            schemas, when the role that runs jobs may not. It says what it did; where there is \
            nothing to do, it does nothing.

            A ledger belongs to one database of one server, and to one environment if there is \
            one (`environment` in the schedule file or the settings). On a copy jobs do not run. \
            With --adopt the ledger belongs to this database and environment from now on.
            """)

    @OptionGroup var options: GlobalOptions

    @Flag(help: "Record that the ledger belongs to this database, and that jobs may run on it.")
    var adopt = false

    func run() async throws {
        let settings = try options.settings()
        let registry = try CommandContext.required().registry
        let environment = adopt ? try environment(settings, registry) : nil
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
                if adopt {
                    say(try await bookkeeper.adopt(environment: environment, by: Requester.name))
                }
                await bookkeeper.stop()
            } catch {
                await bookkeeper.stop()
                throw error
            }
        }
    }

    /// The environment of the settings, or of the schedule files where there are any.
    private func environment(_ settings: Settings, _ registry: TaskRegistry) throws -> String? {
        let hasFiles = settings.schedules.contains(where: FileManager.default.fileExists(atPath:))
        guard hasFiles else { return settings.environment }
        return try settings.environment(for: settings.loadSchedule(registry))
    }

    private func say(_ adoption: (before: KeptIdentity?, now: DatabaseIdentity)) {
        Console.print("the ledger belongs to \(adoption.now.inWords)")
        if let before = adoption.before, before.identity != adoption.now {
            Console.print(
                "before: \(before.identity.inWords), recorded by \(before.adoptedBy) at "
                    + before.adoptedAt.shortText)
        }
    }
}

extension DatabaseIdentity {
    fileprivate var inWords: String {
        let server = systemIdentifier ?? "unknown"
        return "database \(databaseName) on server \(server), environment \(environment ?? "none")"
    }
}
