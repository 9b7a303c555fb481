import Foundation
import Glibc

/// What the operating system asks of a Unix socket's path.
enum UnixSocket {
    /// The longest path on Linux without its final NUL (unix(7)); macOS has 103.
    static let maximumPathLength = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

    /// Whether a server's socket can live in that directory, and libpq find it there.
    ///
    /// libpq and Postgres read a comma as the end of a path; a quote or a line end confuses others.
    static func canLive(in directory: String) -> Bool {
        let path = "\(directory)/.s.PGSQL.\(ServerEndpoint.port)"
        return path.utf8.count <= maximumPathLength
            && !directory.unicodeScalars.contains { $0.value < 32 || $0 == "," || $0 == "\"" }
    }

    /// Whether somebody accepts connections on that path.
    static func accepts(_ path: String) -> Bool {
        guard path.utf8.count <= maximumPathLength else { return false }
        let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        let descriptor = socket(AF_UNIX, Int32(kind), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                // EAGAIN: somebody listens, and many are knocking.
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
                    || errno == EAGAIN
            }
        }
    }
}
