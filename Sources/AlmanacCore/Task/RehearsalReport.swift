package import Foundation

/// What a rehearsal has shown.
package struct RehearsalReport: Sendable, Encodable {
    /// A statement, as often as it was executed.
    package struct Statement: Sendable, Encodable, Hashable {
        /// In one line, with `$n` in place of values.
        package var text: String
        package var times = 0
        package var rowsAffected = 0
        package var milliseconds = 0.0

        enum CodingKeys: String, CodingKey {
            case text, times, milliseconds
            case rowsAffected = "rows_affected"
        }
    }

    /// What was locked, and how.
    package struct Lock: Sendable, Encodable, Hashable {
        /// The name of a table or index, or what else it is.
        package let name: String
        /// As `pg_locks` calls them.
        package let modes: [String]
    }

    /// Why the run would have failed.
    package struct Problem: Sendable, Encodable, Hashable {
        package let type: String?
        package let sqlstate: String?
        package let message: String
    }

    package let job: String
    package let scheduledFor: Date
    package let windowStart: Date?
    package let windowEnd: Date?
    /// The state that the run would have: `succeeded`, `failed`, `timed_out`, `cancelled` or
    /// `skipped`.
    package var state: RunState
    package var problem: Problem?
    package var rowsAffected: Int?
    package var milliseconds: Double
    package var statements: [Statement]
    /// How many statements there were besides those of the list.
    package var otherStatements: Int
    /// Nil when they could not be asked for: an error gives them back at once.
    package var locks: [Lock]?
    /// Whether the task works in chunks, of which only the first was rehearsed.
    package var isFirstChunkOnly: Bool
    /// What the rollback has not undone, or what else was not as in a run.
    package var caveats: [String]

    enum CodingKeys: String, CodingKey {
        case job, state, problem, milliseconds, statements, locks, caveats
        case scheduledFor = "scheduled_for"
        case windowStart = "window_start"
        case windowEnd = "window_end"
        case rowsAffected = "rows_affected"
        case otherStatements = "other_statements"
        case isFirstChunkOnly = "is_first_chunk_only"
    }

    static func caveats(isFirstChunkOnly: Bool) -> [String] {
        let always = [
            "numbers that sequences have given out are gone (identity and serial columns too)",
            "what the database did outside of itself is done: dblink, COPY … TO a file or program, "
                + "functions that call others",
            "rows that were written were locked until now, and what took their place is left to "
                + "vacuum",
            "the hooks after the outcome were not called",
        ]
        guard isFirstChunkOnly else { return always }
        return ["only the first chunk was rehearsed, since each would be committed"] + always
    }
}

/// A job that cannot be rehearsed.
package struct RehearsalRefused: Error, CustomStringConvertible {
    package let description: String

    /// Why a job cannot be rehearsed; nil where it can.
    init?(_ job: JobDefinition, effects: TaskEffects) {
        if job.transaction != .perRun {
            description =
                "'\(job.name)' cannot be rehearsed: with 'transaction: "
                + "\(job.transaction.rawValue)' its statements are committed one way or another, "
                + "and nothing could be rolled back"
        } else if effects != .database {
            description =
                "'\(job.name)' cannot be rehearsed: what the task '\(job.task)' does outside of "
                + "the run's transaction could not be rolled back; a task of your own whose "
                + "effects are all in its session says so by `static var effects: TaskEffects "
                + "{ .database }`"
        } else {
            return nil
        }
    }
}
