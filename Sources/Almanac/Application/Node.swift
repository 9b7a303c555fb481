import AlmanacCore
import Foundation
import Glibc
import Logging
import PostgresSession

/// What a process needs to run jobs, made from its settings.
struct Node: Sendable {
    let services: NodeServices
    let options: SchedulerOptions
    private let engine: Engine

    /// Nothing is connected yet.
    ///
    /// - Parameter environment: the one that it is for, see `Settings.environment(for:)`.
    init(
        settings: Settings, database: DatabaseAccess, registry: TaskRegistry, logger: Logger,
        environment: String? = nil
    ) throws {
        engine = database.engine()
        var services = NodeServices(
            engine: engine, ledger: Ledger(schema: settings.schema, node: Self.makeName()),
            registry: registry, clock: try SystemClock(), logger: logger,
            connectionString: EngineConfiguration(database.connectionString)
                .connectionStringWithoutPassword ?? "")
        services.environment = environment
        self.services = services
        var options = SchedulerOptions()
        options.workers = settings.workers
        options.gracePeriodSeconds = settings.gracePeriodSeconds
        options.backlogLimit = settings.backlogLimit
        options.suspectAfterSeconds = settings.suspectAfterSeconds
        self.options = options
    }

    /// Gives up what is left.
    func close() { engine.close() }

    /// A name that no other process has or ever had: host, process and a part that is drawn.
    private static func makeName() -> String {
        let drawn = String(UInt32.random(in: .min ... .max), radix: 36)
        return "\(ProcessInfo.processInfo.hostName):\(getpid()):\(drawn)"
    }
}
