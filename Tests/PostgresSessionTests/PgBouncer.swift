import Foundation
import Glibc
import Testing

@testable import PostgresSession

/// A pooler of a test's own, on a Unix socket in a directory of its own.
final class PgBouncer {
    private static let program = "/usr/sbin/pgbouncer"
    static var isInstalled: Bool { access(program, X_OK) == 0 }

    private let directory: String
    private let process = Process()
    /// Our end of the pooler's standard input: it ends when this does, however that happens.
    private let lifeline: Int32
    let configuration: EngineConfiguration

    /// - Parameter settings: lines of its configuration.
    init(before server: EngineConfiguration, _ settings: [String]) throws {
        let parts = try #require(server.connectionParts)
        let directory = "/tmp/pooler-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        chmod(directory, 0o777)
        let target = ["host", "port", "dbname", "user"].compactMap { key in
            parts[key].map { "\(key)=\($0)" }
        }
        let account = geteuid() == 0 ? ["user = postgres"] : []
        let lines =
            ["[databases]", "pooled = " + target.joined(separator: " "), "[pgbouncer]"]
            + ["listen_addr =", "listen_port = 6432", "unix_socket_dir = \(directory)"]
            + ["auth_type = any"] + account + settings
        try lines.joined(separator: "\n").write(
            toFile: directory + "/pooler.ini", atomically: true, encoding: .utf8)
        chmod(directory + "/pooler.ini", 0o644)
        var configuration = EngineConfiguration("host=\(directory) port=6432 dbname=pooled")
        configuration.poolSize = 4
        (self.directory, self.configuration) = (directory, configuration)
        lifeline = try PgBouncer.start(process, directory)
    }

    private static func start(_ process: Process, _ directory: String) throws -> Int32 {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        try #require(socketpair(AF_UNIX, kind, 0, &ends) == 0)
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        // Not by SIGTERM: whether that is blocked depends on the thread that starts it.
        let script = "\(program) \(directory)/pooler.ini & cat >&2; kill -9 $!; wait"
        process.arguments = ["-c", script]
        process.standardInput = FileHandle(fileDescriptor: ends[1], closeOnDealloc: false)
        let output = Pipe()
        process.standardOutput = FileHandle.nullDevice
        process.standardError = output
        try process.run()
        close(ends[1])
        // It says so once its socket is there.
        var log = ""
        while !log.contains("process up") {
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { break }
            log += String(decoding: data, as: UTF8.self)
        }
        try #require(log.contains("process up"), "\(log)")
        return ends[0]
    }

    deinit {
        close(lifeline)
        process.waitUntilExit()
        try? FileManager.default.removeItem(atPath: directory)
    }
}
