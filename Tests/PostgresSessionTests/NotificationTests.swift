import AlmanacTesting
import Foundation
import PostgresSession
import Synchronization
import Testing

@Suite("Messages by NOTIFY")
struct NotificationTests {
    /// A listener and somebody who calls, on a channel that no other test has.
    private func withCaller(
        _ body: (_ listener: Connection, _ caller: Connection, _ channel: String) throws -> Void
    ) async throws {
        try await onSharedDatabase { listener in
            let configuration = try #require(latestConfiguration.withLock { $0 })
            let caller = try Connection(configuration)
            defer { caller.close() }
            try body(listener, caller, "Channel \"\(UUID())\"")
        }
    }

    private func notify(_ caller: Connection, _ channel: String, _ payload: String) throws {
        try caller.query("SELECT pg_notify(\(channel), \(payload))::text AS done")
    }

    @Test(
        "come with channel, payload and who sent them",
        arguments: [
            "", "queue", "ü → 日本", "'; DROP TABLE x; --", String(repeating: "x", count: 7_999),
        ])
    func message(payload: String) async throws {
        try await withCaller { listener, caller, channel in
            try listener.listen(to: channel)
            try notify(caller, channel, payload)
            let found = try listener.notifications(within: 20, until: Connection.Bell())
            #expect(found.map(\.payload) == [payload])
            #expect(found.first?.channel == channel)
            #expect(found.first?.processID == caller.backendProcessID)
        }
    }

    @Test("are kept while the connection does something else, and come in order")
    func kept() async throws {
        try await withCaller { listener, caller, channel in
            try listener.listen(to: channel)
            for number in 1...5 { try notify(caller, channel, "\(number)") }
            // Reads them without being asked to.
            try listener.query("SELECT pg_sleep(0.01)::text")
            let found = try listener.notifications(within: 0, until: Connection.Bell())
            #expect(found.map(\.payload) == ["1", "2", "3", "4", "5"])
            #expect(try listener.notifications(within: 0, until: Connection.Bell()).isEmpty)
        }
    }

    @Test("wake who waits for them")
    func wakes() async throws {
        try await withCaller { listener, caller, channel in
            try listener.listen(to: channel)
            let bell = try Connection.Bell()
            let waiter = startThread { try listener.notifications(until: bell) }
            try notify(caller, channel, "now")
            #expect(try waiter().map(\.payload) == ["now"])
        }
    }

    @Test("that are rolled back, of another channel, or sent after a reset do not come")
    func others() async throws {
        try await withCaller { listener, caller, channel in
            try listener.listen(to: channel)
            try caller.execute("BEGIN")
            try notify(caller, channel, "rolled back")
            try caller.execute("ROLLBACK")
            try notify(caller, "elsewhere", "elsewhere")
            try notify(caller, channel, "mine")
            let found = try listener.notifications(within: 20, until: Connection.Bell())
            #expect(found.map(\.payload) == ["mine"])
            try listener.reset()
            try notify(caller, channel, "too late")
            #expect(try listener.notifications(within: 0.05, until: Connection.Bell()).isEmpty)
        }
    }

    @Test("are no longer waited for when the bell rings, before or during the wait")
    func bell() async throws {
        try await withCaller { listener, _, channel in
            try listener.listen(to: channel)
            let bell = try Connection.Bell()
            #expect(bell.wait(seconds: 0) == false)
            let waiter = startThread { try listener.notifications(within: 1_000, until: bell) }
            bell.ring()
            #expect(try waiter().isEmpty)
            #expect(try listener.notifications(until: bell).isEmpty)
            #expect(bell.wait(seconds: 1_000))
        }
    }

    @Test("a backend that ends while it is listened to is a lost connection")
    func lost() async throws {
        try await withCaller { listener, caller, channel in
            try listener.listen(to: channel)
            let bell = try Connection.Bell()
            let waiter = startThread { try listener.notifications(until: bell) }
            try caller.execute("SELECT pg_terminate_backend(\(listener.backendProcessID), 10000)")
            _ = try failure(.connectionLost) { _ = try waiter() }
            #expect(!listener.isUsable)
            _ = try failure(.connectionLost) {
                _ = try listener.notifications(within: 0, until: bell)
            }
        }
    }
}
