import Foundation
import Logging
import PostgresSession
import Synchronization

/// Hears the calls of other processes on the ledger's channel, on a thread and a connection of its
/// own, and passes them on.
///
/// A call that is lost is no loss: everything that it calls for is looked at every now and then in
/// any case. After each connection all are passed on, since some may have been missed before it.
final class Listener: Sendable {
    private let services: NodeServices
    private let bell: Connection.Bell
    private let isStopped = Atomic<Bool>(false)
    private let hear: @Sendable (LedgerCall) -> Void

    /// Listens to nothing before `start`.
    ///
    /// - Throws: `PostgresError` when the process has no file descriptors left.
    init(services: NodeServices, hear: @escaping @Sendable (LedgerCall) -> Void) throws {
        self.services = services
        self.hear = hear
        bell = try Connection.Bell()
    }

    func start() {
        let thread = Thread { [self] in
            FileHandle(forWritingAtPath: "/proc/thread-self/comm")?.write(Data("almanac-ear".utf8))
            work()
        }
        thread.stackSize = 1 << 20
        thread.start()
    }

    /// Lets the thread end, and with it the connection.
    func stop() {
        isStopped.store(true, ordering: .releasing)
        bell.ring()
    }

    private func work() {
        var pauses = Self.growingPauses
        while !isStopped.load(ordering: .acquiring) {
            do {
                try listen { pauses = Self.growingPauses }
            } catch {
                services.logger.debug(
                    "calls cannot be heard now; connecting again", metadata: ["error": "\(error)"])
            }
            let pause = pauses.next() ?? .seconds(10)
            if bell.wait(seconds: pause / .seconds(1)) { return }
        }
    }

    private static let growingPauses = Backoff(initialMilliseconds: 200, maxMilliseconds: 10_000)

    /// Until the connection is lost, or the bell rings.
    private func listen(connected: () -> Void) throws {
        let connection = try services.engine.connect(for: "listener")
        defer { connection.close() }
        let name = "almanac listener of \(services.ledger.node)".prefix(63)
        try connection.query(
            "SELECT set_config('application_name', \(String(name)), false)::text AS name")
        try connection.listen(to: services.ledger.channel)
        connected()
        for call in LedgerCall.allCases { hear(call) }
        while !isStopped.load(ordering: .acquiring) {
            let calls = try connection.notifications(until: bell).compactMap {
                LedgerCall(rawValue: $0.payload)
            }
            // Many at once say no more than one.
            for call in Set(calls) { hear(call) }
        }
    }
}
