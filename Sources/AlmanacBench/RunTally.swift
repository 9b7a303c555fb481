import AlmanacCore
import Logging
import Synchronization

/// Counts runs by the line that the node logs for each: the last thing it does for a run.
final class RunTally: Sendable {
    private struct State {
        var count = 0
        var problem: String?
        var isClosed = false
        var waiter: (target: Int, continuation: CheckedContinuation<Void, Never>)?

        /// The one who waits, when there is nothing more to wait for.
        mutating func takeWaiter() -> CheckedContinuation<Void, Never>? {
            guard let waiter, isClosed || count >= waiter.target else { return nil }
            self.waiter = nil
            return waiter.continuation
        }
    }

    private let state = Mutex(State())

    /// How many runs have succeeded.
    var count: Int { state.withLock { $0.count } }

    /// The first thing that went wrong, if something did.
    var problem: String? { state.withLock { $0.problem } }

    /// Waits until so many runs have succeeded, but not for ever.
    func wait(for target: Int, atMost limit: Duration, by clock: any WallClock) async {
        let timer = Task {
            try await clock.sleep(for: limit)
            giveUp()
        }
        defer { timer.cancel() }
        await withCheckedContinuation { continuation in
            let waiter = state.withLock { state in
                state.waiter = (target, continuation)
                return state.takeWaiter()
            }
            waiter?.resume()
        }
    }

    /// There will be no more runs.
    func close() {
        state.withLock { state in
            state.isClosed = true
            return state.takeWaiter()
        }?.resume()
    }

    /// A log handler that counts here.
    func handler() -> any LogHandler { Handler(tally: self) }

    private func giveUp() {
        state.withLock { state in
            defer { state.waiter = nil }
            return state.waiter?.continuation
        }?.resume()
    }

    private func note(_ event: LogEvent) {
        let message = event.message.description
        if message == RunState.succeeded.rawValue {
            state.withLock { state in
                state.count += 1
                return state.takeWaiter()
            }?.resume()
        } else if event.level >= .error {
            let text = "\(message) \(event.metadata ?? [:])"
            state.withLock { $0.problem = $0.problem ?? text }
        }
    }

    private struct Handler: LogHandler {
        let tally: RunTally
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        init(tally: RunTally) { self.tally = tally }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { tally.note(event) }
    }
}
