import AlmanacCore
import Foundation
import Glibc
import Logging
import Synchronization

/// Shows the progress of the run in the foreground: as a bar that is drawn over and over on a
/// terminal, else as a line of the log now and then.
final class ProgressLine: Sendable {
    private let clock: any WallClock
    private let logger: Logger
    private let isTerminal: Bool
    private let isColoured: Bool
    private let lastShown = Mutex<Duration?>(nil)

    /// How long to wait between two bars and between two lines.
    static let barInterval = Duration.milliseconds(100)
    static let lineInterval = Duration.seconds(5)

    init(
        clock: any WallClock, logger: Logger,
        isTerminal: Bool = Console.isTerminal(STDERR_FILENO) && Console.canMoveCursor,
        isColoured: Bool = Console.useColour(on: STDERR_FILENO)
    ) {
        self.clock = clock
        self.logger = logger
        self.isTerminal = isTerminal
        self.isColoured = isColoured
    }

    /// Shows how far a run has come, unless something was shown just now.
    func show(_ progress: RunProgress) {
        guard isDue else { return }
        guard isTerminal else {
            return logger.info("progress", metadata: Self.metadata(progress))
        }
        // The cursor goes back to where it was, so that whatever is printed next covers the bar.
        let bar = progress.bar()
        let text = isColoured ? "\u{1B}[36m\(bar)\u{1B}[0m" : bar
        Console.sink("\r\u{1B}[K\(text)\r", STDERR_FILENO)
    }

    /// Takes the bar away.
    func clear() {
        guard isTerminal, lastShown.withLock({ $0 != nil }) else { return }
        Console.sink("\r\u{1B}[K", STDERR_FILENO)
    }

    private var isDue: Bool {
        let now = clock.uptime
        let interval = isTerminal ? Self.barInterval : Self.lineInterval
        return lastShown.withLock { last in
            if let last, now - last < interval { return false }
            last = now
            return true
        }
    }

    private static func metadata(_ progress: RunProgress) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["done": .stringConvertible(progress.done)]
        metadata["total"] = progress.total.map { .stringConvertible($0) }
        metadata["perSecond"] = progress.perSecond.map { .stringConvertible(Int($0.rounded())) }
        metadata["remainingSeconds"] = progress.remainingSeconds.map {
            .stringConvertible(Int($0.rounded(.up)))
        }
        return metadata
    }
}
