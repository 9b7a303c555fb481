import Foundation
import Glibc

/// A named pipe by which a program of a test says that it is there, and that it is gone.
///
/// Programs write to the file `signal`; who holds it open is there until all who do have ended.
final class Signal: Sendable {
    private let descriptor: Int32

    /// Makes the file `signal` in a folder.
    init(in folder: URL) throws {
        let path = folder.appending(path: "signal").path
        guard mkfifo(path, 0o600) == 0 else { throw POSIXError(.EEXIST) }
        descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw POSIXError(.ENOENT) }
    }

    deinit { close(descriptor) }

    /// Whether somebody writes something within half a minute.
    func arrives() -> Bool {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&poller, 1, 30_000) == 1 else { return false }
        var byte: UInt8 = 0
        return read(descriptor, &byte, 1) == 1
    }

    /// Whether all who held it open end within half a minute.
    func isLetGo() -> Bool {
        while true {
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&poller, 1, 30_000) == 1 else { return false }
            var bytes = [UInt8](repeating: 0, count: 1_024)
            if read(descriptor, &bytes, bytes.count) == 0 { return true }
        }
    }
}
