package import Foundation
package import Logging
package import PostgresSession

/// What the parts of a node share.
package struct NodeServices: Sendable {
    package let engine: Engine
    package let ledger: Ledger
    package let registry: TaskRegistry
    package let clock: any WallClock
    package let logger: Logger
    /// The database, for programs that tasks start.
    package let connectionString: String
    /// The environment that the process is for, if it was told.
    package var environment: String?
    /// How long the steps of stopping a run may take.
    package var patience = StopPatience.usual
    /// Makes the key of a run's row.
    package var makeRunID: @Sendable () -> UUID = { UUID() }
    /// Told of each chunk that a run of this process has committed, on the thread of the run.
    package var onProgress: (@Sendable (ClaimedRun, RunProgress) -> Void)?

    package init(
        engine: Engine, ledger: Ledger, registry: TaskRegistry, clock: any WallClock,
        logger: Logger, connectionString: String
    ) {
        self.engine = engine
        self.ledger = ledger
        self.registry = registry
        self.clock = clock
        self.logger = logger
        self.connectionString = connectionString
    }
}
