import Foundation
import Glibc

/// One `psql` that lives as long as this object and runs statement after statement.
///
/// A process start for each statement would cost more than the statement. Not for use from two
/// threads at once: its owner has a queue.
final class PsqlProcess: Sendable {
    private let descriptor: Int32

    /// Ends each answer; what no statement of ours prints.
    private static let mark = "\u{1}end"

    init(program: String, connectionString: String) throws {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            throw TestDatabaseError(description: "socketpair: errno \(errno)")
        }
        descriptor = ends[0]
        let theirs = FileHandle(fileDescriptor: ends[1], closeOnDealloc: false)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program, "-XAtq", "-d", connectionString]
        process.standardInput = theirs
        process.standardOutput = theirs
        process.standardError = theirs
        // Our copy of its end goes, or its own end would never be seen.
        defer { close(ends[1]) }
        try process.run()
    }

    deinit {
        close(descriptor)
    }

    /// Runs one statement and returns what it printed.
    func execute(_ statement: String) throws -> String {
        let text = "\(statement);\n\\echo :ERROR '\(Self.mark)'\n"
        // Not write(2): a psql that has ended must not end the tests with SIGPIPE.
        let sent = text.withCString {
            send(descriptor, $0, strlen($0), Int32(MSG_NOSIGNAL))
        }
        var answer = ""
        while sent > 0, !answer.hasSuffix(" \(Self.mark)\n") {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            answer += String(decoding: buffer[..<count], as: UTF8.self)
        }
        guard answer.hasSuffix("false \(Self.mark)\n") else {
            throw TestDatabaseError(
                description: "psql did not run `\(statement)`: "
                    + answer.replacingOccurrences(of: "true \(Self.mark)\n", with: ""))
        }
        return String(answer.dropLast("false \(Self.mark)\n".count))
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
