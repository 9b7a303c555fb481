internal import CLibPQ
internal import Foundation

/// Messages of NOTIFY (PostgreSQL manual, 34.9).
extension NativeConnection {
    /// Waits until the server sends something, until `descriptor` has something to read, or until
    /// the time is up.
    ///
    /// - Parameter milliseconds: -1 for no limit.
    func awaitMessage(or descriptor: Int32, milliseconds: Int32) {
        guard !isLost else { return }
        var descriptors = [
            pollfd(fd: PQsocket(pointer), events: Int16(POLLIN), revents: 0),
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
        ]
        // A signal that interrupts it is no harm: the caller looks and comes again.
        _ = poll(&descriptors, 2, milliseconds)
    }

    /// The messages that have come; nil if the connection is lost.
    func takeNotifications() -> [(channel: String, payload: String, processID: Int32)]? {
        guard !isLost, PQconsumeInput(pointer) == 1 else {
            _ = lose()
            return nil
        }
        var list: [(channel: String, payload: String, processID: Int32)] = []
        while let message = PQnotifies(pointer) {
            defer { PQfreemem(message) }
            list.append(
                (
                    String(cString: message.pointee.relname),
                    String(cString: message.pointee.extra), message.pointee.be_pid
                ))
        }
        return list
    }
}
