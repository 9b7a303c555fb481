import Foundation
import Glibc

/// `postmaster.pid`, by which a server tells where it is (Postgres source, `pidfile.h`).
struct PostmasterFile {
    let processID: pid_t
    let socketDirectory: String
    let status: String

    /// Nil when there is none, or it is not written to its end yet.
    init?(dataDirectory: String) {
        let path = dataDirectory + "/postmaster.pid"
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        self.init(text)
    }

    init?(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.first, let processID = pid_t(first), processID > 0 else {
            return nil
        }
        self.processID = processID
        socketDirectory = lines.count > 4 ? String(lines[4]) : ""
        status = lines.count > 7 ? lines[7].trimmingCharacters(in: .whitespaces) : ""
    }

    var isReady: Bool { status == "ready" }

    /// Whether the process is there and is a Postgres: a number may have passed to another.
    var isAlive: Bool {
        guard kill(processID, 0) == 0 || errno == EPERM else { return false }
        let name = try? String(contentsOfFile: "/proc/\(processID)/comm", encoding: .utf8)
        guard let name = name?.trimmingCharacters(in: .whitespacesAndNewlines) else { return true }
        let statistics = try? String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8)
        let isZombie = statistics?.contains(") Z ") ?? false
        return !isZombie && (name == "postgres" || name == "postmaster")
    }

    /// Whether its socket answers.
    var acceptsConnections: Bool {
        UnixSocket.accepts("\(socketDirectory)/.s.PGSQL.\(ServerEndpoint.port)")
    }
}
