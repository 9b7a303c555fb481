import Foundation
import Glibc

@testable import PostgresServer

/// Runs blocking work on a thread of its own: the tests of a process share very few.
func onThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value
{
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result(catching: work)) }
    }
}

/// A directory under /tmp that every user may enter, removed when the test is over.
func withDirectory<Value: Sendable>(
    _ body: @escaping @Sendable (String) throws -> Value
) async throws -> Value {
    try await onThread {
        let path = try Directory.makePrivate(prefix: "/tmp/almanac-tests-")
        chmod(path, 0o755)
        defer { Directory.remove(path) }
        return try body(path)
    }
}

/// A directory where a server has been before: to copy its files is much quicker than initdb.
func withCluster<Value: Sendable>(
    _ body: @escaping @Sendable (String) throws -> Value
) async throws -> Value {
    try await withDirectory { base in
        let template = try Template.shared.get()
        let copy = ["cp", "-a", template.dataDirectory, base + "/postgres"]
        guard try ChildProcess.run(copy, timeoutSeconds: 30).succeeded else {
            throw QueryFailure(text: "cannot copy \(template.dataDirectory)")
        }
        return try body(base)
    }
}

/// A cluster made once for all tests, gone with the process.
private final class Template: Sendable {
    static let shared = Result { try Template() }

    let dataDirectory: String
    private let server = PostgresServerTests.server("/tmp", storage: .temporary)

    private init() throws {
        dataDirectory = try server.start().dataDirectory
        server.stop()
    }
}

/// A small server on that directory.
func server(
    _ base: String, database: String = "almanac", bin: String? = nil,
    settings: [String: String] = [:], storage: EmbeddedServerConfiguration.Storage = .kept
) -> EmbeddedServer {
    EmbeddedServer(
        configuration: EmbeddedServerConfiguration(
            baseDirectory: base, databaseName: database, durability: .unsafeForTests,
            storage: storage, maxConnections: 20,
            settings: ["shared_buffers": "16MB"].merging(settings) { $1 }, binaryDirectory: bin,
            startTimeoutSeconds: 30, stopTimeoutSeconds: 10))
}

/// What psql prints for a statement.
func query(_ endpoint: ServerEndpoint, _ statement: String, database: String? = nil) throws
    -> String
{
    let string = endpoint.connectionString(database: database ?? endpoint.databaseName)
    let command = [endpoint.binaryDirectory + "/psql", "-XAtq", "-d", string, "-c", statement]
    let output = try ChildProcess.run(command, timeoutSeconds: 20)
    guard output.succeeded else { throw QueryFailure(text: output.text) }
    return output.text.trimmingCharacters(in: .whitespacesAndNewlines)
}

struct QueryFailure: Error {
    var text: String
}

/// Whether a process is there and not only waiting to be reaped.
func isAlive(_ process: pid_t) -> Bool {
    guard kill(process, 0) == 0 else { return false }
    let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
    return !(text?.contains(") Z ") ?? true)
}

/// Waits, bounded, for what another process brings about.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    try Deadline(secondsFromNow: 15).wait(until: condition)
}
