/// A task that works through a large set in chunks, each committed with a checkpoint.
///
/// Where a run is killed, stopped or fails, what was committed stays, and the next attempt at the
/// same occurrence goes on from the last checkpoint: nothing is done twice and nothing left out.
/// The author writes one step; transactions, checkpoints and progress are seen to.
///
/// ```swift
/// struct ArchiveOrders: ChunkedTask {
///     func step(_ context: TaskContext, from last: Int64?) async throws -> Chunk<Int64> {
///         let ids = try context.session.all(
///             "SELECT id FROM orders WHERE id > \(last ?? 0) ORDER BY id LIMIT 1000",
///             as: Int64.self)
///         guard let newest = ids.last else { return .finished(done: 0) }
///         try context.session.execute(
///             "INSERT INTO archive SELECT * FROM orders WHERE id = ANY(\(ids))")
///         return .more(from: newest, done: ids.count)
///     }
/// }
/// ```
///
/// A step is to be short, since what it has locked is locked until its end. It begins with an empty
/// session each time: settings, cursors and temporary tables of the step before that end with its
/// transaction are gone. The last step is committed together with the run's outcome.
///
/// Not promised: that a step's effects outside the database happen once. A step that was not
/// committed is done again.
public protocol ChunkedTask: BatchTask {
    /// Where the work goes on: what a step needs to know of those before it.
    associatedtype Checkpoint: Codable

    /// Does the next chunk of the work.
    ///
    /// - Parameter checkpoint: what the step before has returned, in this attempt or an earlier one
    ///   at the same occurrence; nil at the very beginning.
    /// - Throws: what it throws fails the run; this step alone is rolled back.
    func step(
        _ context: TaskContext, from checkpoint: Checkpoint?
    ) async throws -> Chunk<Checkpoint>

    /// How many items there are in all, for the progress; by default unknown. Asked once, before
    /// the first step of an occurrence.
    func total(_ context: TaskContext) async throws -> Int?

    /// How many seconds to wait between two steps, so that others get their turn. By default none.
    var pauseSeconds: Double { get }
}

extension ChunkedTask {
    /// Unknown.
    public func total(_ context: TaskContext) async throws -> Int? { nil }

    /// None.
    public var pauseSeconds: Double { 0 }

    /// Works through the steps.
    public func run(_ context: TaskContext) async throws {
        let chunks = ChunkLoop(pauseSeconds: pauseSeconds) { try await total(context) }
        try await chunks.run(context, from: Checkpoint.self) { checkpoint in
            try await step(context, from: checkpoint)
        }
    }
}
