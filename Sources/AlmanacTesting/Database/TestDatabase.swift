import Foundation

/// A fresh, empty database for one test, dropped when it is released.
///
/// All databases of a process live on one private server, started by the first `make` and gone
/// with the process, however that ends. It does not fsync. To use a server of your own, set
/// `ALMANAC_TEST_DATABASE_URL` to its connection string, of a user who may create databases.
///
/// ```swift
/// @Test func countsBooks() async throws {
///     let database = try await TestDatabase.make()
///     let engine = Engine(database.connectionString)
/// }
/// ```
public final class TestDatabase: Sendable {
    /// The database's name.
    public let name: String

    /// How libpq reaches the database.
    public let connectionString: String

    /// The process id of the postmaster; nil with `ALMANAC_TEST_DATABASE_URL`.
    public let serverProcessID: Int32?

    private init(name: String, connectionString: String, serverProcessID: Int32?) {
        self.name = name
        self.connectionString = connectionString
        self.serverProcessID = serverProcessID
    }

    deinit {
        // Nobody waits for it, and an error could tell nothing: the server is temporary anyway.
        let name = name
        SharedServer.queue.async {
            _ = try? SharedServer.current.get().execute(
                "DROP DATABASE IF EXISTS \"\(name)\" (FORCE)")
        }
    }

    /// Makes a database, in some tens of milliseconds; the first takes about a second.
    ///
    /// - Parameter label: becomes part of the name, for a look at what is there.
    /// - Throws: `ServerError` of PostgresServer, or `TestDatabaseError`.
    public static func make(_ label: String = #function) async throws -> TestDatabase {
        let name = DatabaseName.unique(label)
        return try await blocking(on: SharedServer.queue) {
            let server = try SharedServer.current.get()
            try server.execute(server.creation(of: name))
            return TestDatabase(
                name: name, connectionString: server.connectionString(name),
                serverProcessID: server.processID)
        }
    }
}

/// What the test server answered to the creation of a database.
public struct TestDatabaseError: Error, CustomStringConvertible {
    /// What happened.
    public let description: String
}

/// Names that no two databases of one server share.
enum DatabaseName {
    /// A Postgres name is cut at 63 bytes; the end makes it unique.
    static func unique(_ label: String) -> String {
        let word = label.prefix { $0 != "(" }.lowercased().map { character in
            character.isASCII && (character.isLetter || character.isNumber) ? character : "_"
        }
        let end = UUID().uuidString.replacingOccurrences(of: "-", with: "").prefix(12).lowercased()
        return "test_\(String(word.prefix(40)))_\(end)"
    }
}

/// Runs blocking work off the threads that async code shares.
func blocking<Value: Sendable>(
    on queue: DispatchQueue, _ work: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        queue.async { continuation.resume(with: Result(catching: work)) }
    }
}
