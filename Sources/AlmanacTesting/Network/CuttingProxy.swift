import Foundation
import Glibc
package import PostgresSession
import Synchronization

/// Stands between clients and a server, and cuts a connection at its COMMIT when it is told to.
///
/// Clients connect to a TCP port of the loopback; the server is reached through its Unix socket.
package final class CuttingProxy: Sendable {
    /// When a connection is cut.
    package enum Moment: String, Sendable, CaseIterable {
        /// The server never gets the COMMIT.
        case beforeCommit
        /// The server has it, and may still be at it.
        case duringCommit
        /// The server has answered, and the client does not hear it.
        case beforeAnswer
    }

    /// How the client learns of it.
    package enum Manner: String, Sendable, CaseIterable {
        /// By a reset, at once; the server's end is closed too.
        case reset
        /// By nothing for a while and then a reset, as after lost keepalives; the server learns
        /// nothing at all.
        case silence
    }

    /// One cut, of the next COMMIT of a transaction that had a statement with this text.
    package struct Cut: Sendable {
        package var moment: Moment
        package var manner: Manner
        package var mark: String
        /// How long the silence is.
        package var silenceMilliseconds = 100

        package init(_ moment: Moment, by manner: Manner, mark: String) {
            self.moment = moment
            self.manner = manner
            self.mark = mark
        }
    }

    private struct State {
        var cut: Cut?
        var cutCount = 0
        var isStopped = false
    }

    private let state = Mutex(State())
    private let listener: Int32
    private let serverPath: String
    /// The port of 127.0.0.1 that clients connect to.
    package let port: UInt16

    /// A proxy for the server of a connection, which has a Unix socket on this machine.
    ///
    /// - Throws: `POSIXError`, `PostgresError`.
    package init(to connection: Connection) throws {
        let rows = try connection.query(
            """
            SELECT btrim(split_part(current_setting('unix_socket_directories'), ',', 1), ' "') \
            || '/.s.PGSQL.' || current_setting('port') AS path
            """)
        serverPath = try rows.first?.get("path", as: String.self) ?? ""
        (listener, port) = try Self.listen()
        let listener = listener
        Thread.detachNewThread { [weak self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0, let self, !self.isStopped else {
                    if client >= 0 { close(client) }
                    return
                }
                self.serve(client)
            }
        }
    }

    deinit {
        stop()
        close(listener)
    }

    /// Lets nobody in any more.
    package func stop() {
        state.withLock { $0.isStopped = true }
        shutdown(listener, Int32(SHUT_RDWR))
    }

    /// Cuts the next COMMIT that fits.
    package func cutNext(_ cut: Cut) { state.withLock { $0.cut = cut } }

    /// How many connections were cut.
    package var cutCount: Int { state.withLock(\.cutCount) }

    /// What is to be added to a connection string in keyword form so that it leads here.
    package var connectionKeywords: String {
        " host=127.0.0.1 port=\(port) sslmode=disable gssencmode=disable"
    }

    private var isStopped: Bool { state.withLock(\.isStopped) }

    /// The cut that is still to be made.
    package var cut: Cut? { state.withLock(\.cut) }

    /// Takes the cut, if it has not been made on another connection.
    func take(_ cut: Cut) -> Bool {
        state.withLock { state in
            guard state.cut?.mark == cut.mark else { return false }
            state.cut = nil
            state.cutCount += 1
            return true
        }
    }

    private func serve(_ client: Int32) {
        guard let server = try? Self.connect(to: serverPath) else {
            close(client)
            return
        }
        var isOn: Int32 = 1
        setsockopt(
            client, Int32(IPPROTO_TCP), TCP_NODELAY, &isOn, socklen_t(MemoryLayout<Int32>.size))
        Thread.detachNewThread { [weak self] in
            var connection = ProxiedConnection(client: client, server: server, proxy: self)
            connection.serve()
        }
    }

    // MARK: Sockets

    private static func listen() throws -> (Int32, UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isReady = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, size) == 0 && Glibc.listen(descriptor, 64) == 0
                    && getsockname(descriptor, pointer, &size) == 0
            }
        }
        guard isReady else { throw Self.failure(closing: descriptor) }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    private static func connect(to path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { bytes in
            bytes.copyBytes(from: Array(path.utf8).prefix(bytes.count - 1))
        }
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                let size = socklen_t(MemoryLayout<sockaddr_un>.size)
                return Glibc.connect(descriptor, pointer, size) == 0
            }
        }
        guard isConnected else { throw Self.failure(closing: descriptor) }
        return descriptor
    }

    private static func failure(closing descriptor: Int32) -> POSIXError {
        let code = POSIXErrorCode(rawValue: errno) ?? .EIO
        if descriptor >= 0 { close(descriptor) }
        return POSIXError(code)
    }
}
