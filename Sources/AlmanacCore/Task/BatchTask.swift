/// A unit of work that a schedule file names: the base that every run goes through.
///
/// A task is a value. Its stored properties are its parameters: for each run a fresh value is
/// decoded from the job's `parameters`, so that nothing of one run is left for the next. The file
/// is checked against the same properties when it is loaded.
///
/// ```swift
/// struct RestockBook: BatchTask {
///     var title: String
///
///     func run(_ context: TaskContext) async throws {
///         let session = context.session
///         var book = try session.query(Book.self).filter { $0.title == title }.one()
///         book.copies += 1
///         try session.add(book)
///     }
/// }
/// ```
///
/// The order of an attempt is: `beforeStart`, `run`, the commit of the run's writes together with
/// its outcome, then `onSuccess`, `onRetry` or `onFailure`, then `afterReturn`, then the session is
/// closed. A hook after the outcome cannot change it: what it throws is recorded in `hook_error`.
///
/// Not guaranteed: hooks of a run whose process is killed. Nothing runs in a process that is gone.
public protocol BatchTask: Decodable, SendableMetatype {
    /// The name that a schedule file knows the task by. By default the type's name in kebab case:
    /// `RestockBook` is `restock-book`.
    static var name: String { get }

    /// What the task changes when it runs. By default `.anywhere`.
    static var effects: TaskEffects { get }

    /// What happens to `${…}` in the texts of the parameters. By default `.expanded`.
    static var placeholders: PlaceholderPolicy { get }

    /// Says what is wrong with the parameters beyond their types, when the file is loaded.
    ///
    /// - Throws: `InvalidParameter`, which is shown at that parameter; the description of any other
    ///   error is shown at the job's `parameters`.
    func validate(_ definition: TaskDefinition) throws

    /// Runs before `run`, in the same transaction. What it throws fails the run.
    func beforeStart(_ context: TaskContext) async throws

    /// Does the work. What it throws fails the run, and everything it wrote is rolled back.
    func run(_ context: TaskContext) async throws

    /// Runs after the commit. `context.session` is a new session; what it is to keep, it commits.
    func onSuccess(_ context: TaskContext) async throws

    /// Runs after the rollback in place of `onFailure`, when another attempt follows. That one may
    /// begin while this hook still runs.
    func onRetry(_ context: TaskContext, error: any Error, next: NextAttempt) async throws

    /// Runs after the rollback, when the run has failed for good, was stopped, or was cancelled.
    func onFailure(_ context: TaskContext, error: any Error) async throws

    /// Runs last, once for each attempt, however it ended.
    func afterReturn(_ context: TaskContext, outcome: TaskOutcome) async throws
}

extension BatchTask {
    /// The type's name in kebab case: `RestockBook` is `restock-book`.
    public static var name: String { kebabCase(String(describing: Self.self)) }

    /// Unknown, so taken to be anywhere.
    public static var effects: TaskEffects { .anywhere }

    /// Replaced before the parameters are decoded.
    public static var placeholders: PlaceholderPolicy { .expanded }

    /// Finds nothing wrong.
    public func validate(_ definition: TaskDefinition) throws {}

    /// Does nothing.
    public func beforeStart(_ context: TaskContext) async throws {}

    /// Does nothing.
    public func onSuccess(_ context: TaskContext) async throws {}

    /// Does nothing.
    public func onRetry(
        _ context: TaskContext, error: any Error, next: NextAttempt
    ) async throws {}

    /// Does nothing.
    public func onFailure(_ context: TaskContext, error: any Error) async throws {}

    /// Does nothing.
    public func afterReturn(_ context: TaskContext, outcome: TaskOutcome) async throws {}
}

/// What a task changes when it runs.
public enum TaskEffects: Sendable, Hashable {
    /// Only what its session writes, in the run's transaction: a crash of the server that loses the
    /// record of the start loses the effects too, so the start need not wait for the disk.
    case database
    /// Perhaps files, mails, other machines: the start is on disk before the task runs.
    case anywhere
}

/// What happens to `${…}` in the texts of a task's parameters.
public enum PlaceholderPolicy: Sendable, Hashable {
    /// Each is replaced by its value before the parameters are decoded.
    case expanded
    /// The task gets the texts as they stand in the file.
    case verbatim
}

/// What a task may look at to check its parameters when a file is loaded.
public struct TaskDefinition: Sendable {
    /// The folder of the schedule file: relative paths in parameters start here.
    public let baseDirectory: String
    /// How the job's writes are committed.
    public let transaction: TransactionMode
    /// Whether the job has a `window`, so that its runs know which data they are for.
    public let hasWindow: Bool
    /// Whether the task is run by a channel, to tell somebody something, and not by a job.
    public let isChannel: Bool

    package init(
        baseDirectory: String, transaction: TransactionMode, hasWindow: Bool = false,
        isChannel: Bool = false
    ) {
        self.baseDirectory = baseDirectory
        self.transaction = transaction
        self.hasWindow = hasWindow
        self.isChannel = isChannel
    }

    /// A path of the parameters, relative to the schedule file unless it is absolute.
    public func resolve(path: String) -> String {
        RelativePath.resolve(path, in: baseDirectory)
    }
}

/// Paths in parameters, which start at the folder of the schedule file.
enum RelativePath {
    static func resolve(_ path: String, in directory: String) -> String {
        path.hasPrefix("/") ? path : directory + "/" + path
    }
}

/// `RestockBook` → `restock-book`, `SQLExport2` → `sql-export2`.
func kebabCase(_ name: String) -> String {
    let characters = Array(name)
    var result = ""
    for (index, character) in characters.enumerated() {
        if character.isUppercase, index > 0 {
            let followsLower = !characters[index - 1].isUppercase
            let precedesLower =
                index + 1 < characters.count && characters[index + 1].isLowercase
            if followsLower || precedesLower { result += "-" }
        }
        result += character.lowercased()
    }
    return result
}
