internal import Foundation
internal import Glibc

extension Connection {
    /// A message that another session has sent by NOTIFY (PostgreSQL manual, NOTIFY).
    public struct Notification: Sendable, Hashable {
        /// Where it was sent to.
        public let channel: String
        /// What was sent; empty if nothing was.
        public let payload: String
        /// The server process of the session that sent it.
        public let processID: Int32
    }

    /// From now on takes what is sent to a channel, until the connection is reset or closed.
    ///
    /// - Throws: ``PostgresError``.
    public func listen(to channel: String) throws {
        try execute("LISTEN \(identifier: channel)")
    }

    /// Waits for messages of the channels that are listened to.
    ///
    /// Blocks its thread; nothing else may be done with the connection meanwhile. A message that
    /// came before the call, perhaps during another statement, is there at once.
    ///
    /// - Parameters:
    ///   - seconds: how long to wait at the most; nil for as long as it takes.
    ///   - bell: ends the wait when it rings.
    /// - Returns: what has come; nothing when the time was up or the bell rang.
    /// - Throws: ``PostgresError`` with code `ConnectionLost`.
    public func notifications(
        within seconds: Double? = nil, until bell: Bell
    ) throws -> [Notification] {
        let deadline = seconds.map { MonotonicClock.seconds + $0 }
        while true {
            let found = try taken()
            let left = deadline.map { max(0, $0 - MonotonicClock.seconds) }
            // What woke it may have been something else that the server had to say.
            guard found.isEmpty, left != 0, !bell.wait(seconds: 0) else { return found }
            let milliseconds = left.map { Int32(min($0, 1_000_000) * 1_000) + 1 } ?? -1
            native.awaitMessage(or: bell.reading, milliseconds: milliseconds)
        }
    }

    private func taken() throws -> [Notification] {
        guard isUsable, let list = native.takeNotifications() else {
            throw PostgresError(
                .connectionLost, "the connection was lost while it listened",
                hint: "Connect again, listen again, and look for what was missed")
        }
        return list.map {
            Notification(channel: $0.channel, payload: $0.payload, processID: $0.processID)
        }
    }

    /// Ends a wait from another thread.
    public final class Bell: Sendable {
        let reading: Int32
        private let writing: Int32

        /// A bell that has not rung.
        ///
        /// - Throws: ``PostgresError`` when the process has no file descriptors left.
        public init() throws {
            var ends: [Int32] = [0, 0]
            guard pipe(&ends) == 0 else {
                throw PostgresError(
                    .connectionRefused, "no pipe can be had: \(String(cString: strerror(errno)))")
            }
            reading = ends[0]
            writing = ends[1]
            for end in ends {
                _ = fcntl(end, F_SETFD, FD_CLOEXEC)
                _ = fcntl(end, F_SETFL, O_NONBLOCK)
            }
        }

        deinit {
            Glibc.close(reading)
            Glibc.close(writing)
        }

        /// Ends the wait that goes on, and every later one at once.
        public func ring() {
            var byte: UInt8 = 1
            _ = write(writing, &byte, 1)
        }

        /// Waits for its ring.
        ///
        /// - Returns: false when the time was up before.
        public func wait(seconds: Double) -> Bool {
            var descriptor = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
            return poll(&descriptor, 1, Int32(min(max(0, seconds), 1_000_000) * 1_000)) > 0
        }
    }
}
