/// Why a private server could not be started or used.
///
/// The message says what happened, where, and what to do next.
public struct ServerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of failure. Open: later versions may add codes.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The code as text, for logs and tests.
        public let rawValue: String

        /// Makes a code from its text.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// No Postgres server binaries are installed.
        public static let binariesMissing = Code(rawValue: "binariesMissing")
        /// The data directory was made by another major version than the installed ones.
        public static let versionMismatch = Code(rawValue: "versionMismatch")
        /// A directory cannot be created or written.
        public static let directoryNotWritable = Code(rawValue: "directoryNotWritable")
        /// The data directory belongs to another user than the one the server would run as.
        public static let wrongOwner = Code(rawValue: "wrongOwner")
        /// Started as root, and there is no account that the server could run as.
        public static let accountMissing = Code(rawValue: "accountMissing")
        /// The disk, or the user's quota, is full.
        public static let diskFull = Code(rawValue: "diskFull")
        /// Another server holds the socket or the data directory.
        public static let socketInUse = Code(rawValue: "socketInUse")
        /// The data directory could not be initialised.
        public static let initializationFailed = Code(rawValue: "initializationFailed")
        /// The server ended, or was not ready in time.
        public static let notReady = Code(rawValue: "notReady")
        /// The database could not be created on a running server.
        public static let databaseNotCreated = Code(rawValue: "databaseNotCreated")
        /// A child process could not be started.
        public static let processNotStarted = Code(rawValue: "processNotStarted")
    }

    /// What kind of failure this is.
    public var code: Code

    /// What happened, where, and what to do next.
    public var message: String

    /// The last lines of the server's log or of the failed program's output; may be empty.
    public var logTail: [String]

    /// Makes an error.
    public init(code: Code, message: String, logTail: [String] = []) {
        self.code = code
        self.message = message
        self.logTail = logTail
    }

    /// The message, followed by the last lines of the log, indented.
    public var description: String {
        ([message] + logTail.map { "    " + $0 }).joined(separator: "\n")
    }
}
