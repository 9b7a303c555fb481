import AlmanacCore
import PostgresSession

/// A task that does what SQL says, statement by statement.
struct ScriptTask: BatchTask {
    static let name = "script"
    var statements: [String]
    /// What fails after the outcome.
    var failingHook: Bool?

    func run(_ context: TaskContext) async throws {
        for statement in statements {
            if statement == "COMMIT" {
                try context.session.commit()
            } else {
                try context.session.execute(SQL(raw: statement))
            }
        }
    }

    func afterReturn(_ context: TaskContext, outcome: TaskOutcome) async throws {
        if failingHook == true { throw ProbeError(description: "the hook fails") }
    }
}
