import AlmanacCore
import Logging
import Synchronization

/// How this process logs.
enum LogSetup {
    private static let isBegun = Mutex(false)

    /// Makes the loggers of this process; only the first call does.
    static func begin(_ settings: Settings, on descriptor: Int32) {
        let isFirst = isBegun.withLock { isBegun in
            defer { isBegun = true }
            return !isBegun
        }
        guard isFirst else { return }
        let level = settings.logLevel
        let isTerminal = Console.isTerminal(descriptor)
        let asText = settings.logFormat == .text || (settings.logFormat == .auto && isTerminal)
        let colour = Console.useColour(on: descriptor)
        LoggingSystem.bootstrap(
            { label, provider in
                if asText {
                    TextLogHandler(
                        descriptor: descriptor, level: level, colour: colour, provider: provider)
                } else {
                    JSONLogHandler(
                        descriptor: descriptor, label: label, level: level, provider: provider)
                }
            }, metadataProvider: LogLabels.provider)
    }
}
