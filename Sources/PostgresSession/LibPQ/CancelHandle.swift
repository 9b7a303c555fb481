internal import CLibPQ
internal import Synchronization

/// Cancels what a connection is running, from any thread.
///
/// It stays safe to use after the connection is closed. A cancel that arrives when nothing runs
/// does nothing. `disarm()` it when its run ends, so that a late cancel cannot hit the next one.
public final class CancelHandle: Sendable {
    // Safe because only PQgetCancel writes the PGcancel, and it is read under the lock.
    private struct Target: @unchecked Sendable {
        var pointer: OpaquePointer?
        var isArmed = true
        var wasUsed = false
    }

    private let target: Mutex<Target>

    init(_ connection: NativeConnection) {
        target = Mutex(Target(pointer: connection.cancelTarget()))
    }

    deinit {
        target.withLock { target in
            if let pointer = target.pointer { PQfreeCancel(pointer) }
        }
    }

    /// Asks the server to cancel the statement, over a connection of its own (PostgreSQL manual,
    /// 34.7). Blocks until the server has taken the request.
    ///
    /// - Returns: nil if the request was delivered, which does not say that it had an effect;
    ///   otherwise why it was not.
    @discardableResult
    public func cancel() -> String? {
        target.withLock { target in
            guard target.isArmed, let pointer = target.pointer else { return "disarmed" }
            target.wasUsed = true
            var message = [CChar](repeating: 0, count: 256)
            guard PQcancel(pointer, &message, Int32(message.count)) == 0 else { return nil }
            return String(decoding: message.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
        }
    }

    /// Makes every later `cancel()` do nothing. Returns when a cancel under way is done.
    public func disarm() {
        target.withLock { $0.isArmed = false }
    }

    /// True if `cancel()` has been called.
    public var wasUsed: Bool {
        target.withLock { $0.wasUsed }
    }
}
