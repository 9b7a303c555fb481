import Logging
import PostgresSession
import Synchronization

@testable import AlmanacCore

/// Keeps the lines of a log, each as its level, its message and what was noted beside it.
final class LogTape: Sendable {
    private let kept = Mutex<[String]>([])

    var lines: [String] { kept.withLock { $0 } }

    /// The lines that begin so.
    func lines(_ start: String) -> [String] { lines.filter { $0.hasPrefix(start) } }

    var logger: Logger {
        Logger(label: "tape") { _ in Handler(tape: self) }
    }

    private struct Handler: LogHandler {
        let tape: LogTape
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.debug

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let notes = (event.metadata ?? [:]).sorted { $0.key < $1.key }
                .map { " \($0.key)=\($0.value)" }.joined()
            tape.kept.withLock { $0.append("\(event.level): \(event.message)\(notes)") }
        }
    }
}

extension NodeServices {
    func with(clock: any WallClock, _ logger: Logger) -> NodeServices {
        NodeServices(
            engine: engine, ledger: ledger, registry: registry, clock: clock, logger: logger,
            connectionString: connectionString)
    }

    func with(node: String) -> NodeServices {
        NodeServices(
            engine: engine, ledger: Ledger(schema: ledger.schema, node: node), registry: registry,
            clock: clock, logger: logger, connectionString: connectionString)
    }
}
