/// What a step of a ``ChunkedTask`` has done and what is left.
public enum Chunk<Checkpoint> {
    /// So many items are done, and the work goes on from a checkpoint.
    case more(from: Checkpoint, done: Int)
    /// So many items are done, and with them all.
    case finished(done: Int)
}

/// A chunk cannot be committed, or the work cannot go on.
public struct ChunkError: Error, Sendable, CustomStringConvertible {
    /// What happened and what to do, for people.
    public let description: String

    /// The chunk has ended where it began.
    static func standstill(at checkpoint: String) -> ChunkError {
        ChunkError(
            description: "a chunk ended at the checkpoint that it began with, "
                + "\(checkpoint.prefix(200)); return one that is further on, or .finished")
    }

    /// The table has a checkpoint that the task does not understand.
    static func unreadable(_ checkpoint: String, as type: Any.Type, _ error: any Error)
        -> ChunkError
    {
        ChunkError(
            description: "the checkpoint \(checkpoint.prefix(200)) of an earlier attempt cannot be "
                + "read as \(type): \(error); was the task changed? To begin anew, set the column "
                + "checkpoint of the earlier attempts to NULL")
    }

    /// A channel tells its message once.
    static let inChannel = ChunkError(
        description: "a task that works in chunks keeps its checkpoints in the row of a run, and "
            + "what a channel tells has none; use another task")

    /// Somebody else commits.
    static let wrongTransaction = ChunkError(
        description: "a task that works in chunks commits each with its checkpoint, which "
            + "'transaction: explicit' and 'none' do not allow; leave the key out")
}
