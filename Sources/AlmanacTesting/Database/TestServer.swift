import Foundation
import Glibc
public import PostgresServer

/// A private server of one test's own, to stop, kill and start again.
///
/// Its data survive restarts and are gone with this object. Like `TestDatabase`'s server it does
/// not fsync, yet commits survive every end of the server short of a crash of the machine.
public final class TestServer: Sendable {
    private let server: EmbeddedServer
    private let queue = DispatchQueue(label: "almanac.test-server")

    /// The server as it was first started; the process id changes with each restart.
    public let endpoint: ServerEndpoint

    private init(_ server: EmbeddedServer, _ endpoint: ServerEndpoint) {
        self.server = server
        self.endpoint = endpoint
    }

    /// How libpq reaches its database `almanac`; stays the same across restarts.
    public var connectionString: String { endpoint.connectionString }

    /// The process id of the postmaster; nil while it is stopped.
    public var processID: Int32? { server.endpoint?.processID }

    /// Starts a server, which takes about a second.
    ///
    /// - Parameter settings: server settings by name, over those of a small test server.
    /// - Throws: `ServerError`.
    public static func start(
        maxConnections: Int = 100, settings: [String: String] = [:]
    ) async throws -> TestServer {
        let configuration = EmbeddedServerConfiguration.forTests(
            maxConnections: maxConnections, settings: settings)
        let server = EmbeddedServer(configuration: configuration)
        let endpoint = try await blocking(on: .global()) { try server.start() }
        return TestServer(server, endpoint)
    }

    /// Starts it again after a stop or a kill, on the same data and the same socket.
    public func start() async throws {
        let server = server
        try await blocking(on: queue) { _ = try server.start() }
    }

    /// A fast shutdown: sessions are ended, the server is gone on return.
    public func stop() async throws {
        let server = server
        try await blocking(on: queue) { server.stop() }
    }

    /// What a crash does: everything ends at once, and the next start recovers.
    public func stopImmediately() async throws {
        let server = server
        try await blocking(on: queue) { server.stopImmediately() }
    }

    /// `kill -9` of the postmaster, whose backends end when they miss it.
    public func kill() async throws {
        let server = server
        try await blocking(on: queue) {
            guard let processID = server.endpoint?.processID else { return }
            Glibc.kill(processID, SIGKILL)
            server.stop()
        }
    }

    /// A fast shutdown and a start.
    public func restart() async throws {
        try await stop()
        try await start()
    }
}
