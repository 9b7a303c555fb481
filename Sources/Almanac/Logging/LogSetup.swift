import AlmanacCore
import Logging

/// How this process logs.
enum LogSetup {
    /// Makes the loggers of this process; to be called once.
    static func begin(_ settings: Settings, on descriptor: Int32) {
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
