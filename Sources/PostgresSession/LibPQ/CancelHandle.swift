internal import CLibPQ
internal import Foundation
internal import Synchronization

/// Cancels what a connection is running, from any thread.
///
/// It stays safe to use after the connection is closed. A cancel that arrives when nothing runs
/// does nothing. `disarm()` it when its run ends, so that a late cancel cannot hit the next one.
public final class CancelHandle: Sendable {
    private struct Progress {
        var isArmed = true
        var wasUsed = false
    }

    private let target: CancelTarget?
    private let traffic: CancelTraffic
    private let progress = Mutex(Progress())

    init(_ connection: NativeConnection) {
        target = connection.cancelTarget().map(CancelTarget.init)
        traffic = connection.cancels
    }

    /// How long a request may take, in seconds, unless the caller says otherwise.
    public static let usualTimeoutSeconds = 5.0

    /// Asks the server to cancel the statement, over a connection of its own (PostgreSQL manual,
    /// 34.7). Blocks until the server has taken the request, at most for the time given.
    ///
    /// libpq before version 17 has no timeout for this, and a server that takes connections and
    /// answers nothing would hold the caller for ever. So the request has a thread of its own; one
    /// that is given up goes on there, and its connection is not used again.
    ///
    /// - Returns: nil if the request was delivered, which does not say that it had an effect;
    ///   otherwise why it was not.
    @discardableResult
    public func cancel(timeoutSeconds: Double = usualTimeoutSeconds) -> String? {
        guard let target else { return "disarmed" }  // The connection is closed.
        let isArmed = progress.withLock { progress in
            guard progress.isArmed else { return false }
            progress.wasUsed = true
            traffic.begin()
            return true
        }
        guard isArmed else { return "disarmed" }
        let answer = CancelAnswer()
        Thread.detachNewThread { [traffic] in
            let message = target.cancel()
            traffic.end()  // First: who has the answer takes the request to be over.
            answer.give(message)
        }
        return answer.wait(timeoutSeconds: timeoutSeconds)
    }

    /// Makes every later `cancel()` do nothing. A cancel under way is awaited, for as long as one
    /// may usually take.
    public func disarm() {
        progress.withLock { $0.isArmed = false }
        traffic.wait(timeoutSeconds: CancelHandle.usualTimeoutSeconds)
    }

    /// True if `cancel()` has been called.
    public var wasUsed: Bool {
        progress.withLock { $0.wasUsed }
    }
}

/// The cancel requests of a connection that have no answer yet.
final class CancelTraffic: Sendable {
    private let group = DispatchGroup()
    private let count = Mutex(0)

    /// True while a request may still hit what the connection runs then.
    var isUnderWay: Bool { count.withLock { $0 > 0 } }

    func begin() {
        group.enter()
        count.withLock { $0 += 1 }
    }

    func end() {
        count.withLock { $0 -= 1 }
        group.leave()
    }

    func wait(timeoutSeconds: Double) {
        guard isUnderWay else { return }
        _ = group.wait(timeout: .now() + timeoutSeconds)
    }
}

/// What became of one request.
private final class CancelAnswer: Sendable {
    private let ended = DispatchSemaphore(value: 0)
    private let failure = Mutex<String?>(nil)

    func give(_ message: String?) {
        failure.withLock { $0 = message }
        ended.signal()
    }

    func wait(timeoutSeconds: Double) -> String? {
        guard ended.wait(timeout: .now() + timeoutSeconds) == .success else {
            return "the server gave no answer within \(timeoutSeconds) s"
        }
        return failure.withLock { $0 }
    }
}

/// Where a cancel request goes: the owner of a `PGcancel`.
// Safe because only PQgetCancel writes a PGcancel; PQcancel reads it, on any thread.
private final class CancelTarget: @unchecked Sendable {
    private let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit {
        PQfreeCancel(pointer)
    }

    /// Why the request was not delivered, nil if it was. Blocks for as long as libpq does.
    func cancel() -> String? {
        var message = [CChar](repeating: 0, count: 256)
        guard PQcancel(pointer, &message, Int32(message.count)) == 0 else { return nil }
        return String(decoding: message.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
    }
}
