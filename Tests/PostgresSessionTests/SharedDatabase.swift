import Foundation
import PostgresSession
import Synchronization
import Testing

/// One database for the tests that leave nothing in it: making one for each costs more than most
/// of them.
private let shared = Task { try await Library.make("shared") }

/// Runs `body` with a connection of its own to a database that other tests use as well.
func onSharedDatabase(
    _ configure: (inout EngineConfiguration) -> Void = { _ in },
    _ body: (Connection) throws -> Void
) async throws {
    var configuration = try await shared.value.engine.configuration
    configure(&configuration)
    latestConfiguration.withLock { [configuration] in $0 = configuration }
    let connection = try Connection(configuration)
    defer { connection.close() }
    try body(connection)
}

/// For a second connection to the shared database, from a place that cannot wait for the first.
let latestConfiguration = Mutex<EngineConfiguration?>(nil)

/// As ``onSharedDatabase(_:_:)``, with authors and books that only this connection sees.
func onOwnTables(_ body: (Connection) throws -> Void) async throws {
    try await onSharedDatabase { connection in
        try connection.executeScript(
            """
            CREATE TEMP TABLE authors (LIKE public.authors INCLUDING ALL);
            CREATE TEMP TABLE books (LIKE public.books INCLUDING ALL);
            """)
        try body(connection)
    }
}

/// Runs `body` with a session on the connection, which is rolled back and closed after it.
func withSession(
    _ connection: Connection, _ options: SessionOptions = SessionOptions(),
    _ body: (Session) throws -> Void
) throws {
    let session = Session(on: connection, options: options)
    defer { session.close() }
    try body(session)
}
