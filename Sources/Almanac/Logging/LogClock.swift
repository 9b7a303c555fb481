import Foundation

/// When a line was logged: the one thing here that needs the machine's clock and no other.
struct LogTime {
    private let date: Date
    private let timeZone: TimeZone

    /// This moment.
    static var now: LogTime { LogTime(date: Date()) }

    init(date: Date, timeZone: TimeZone = .current) {
        self.date = date
        self.timeZone = timeZone
    }

    /// In UTC, with milliseconds: `2026-11-22T02:30:00.004Z`.
    var rfc3339: String {
        date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true, timeZone: .gmt))
    }

    /// The time of day where the terminal is: `02:30:00`.
    var wallTime: String {
        date.formatted(
            Date.VerbatimFormatStyle(
                format: """
                    \(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\
                    \(minute: .twoDigits):\(second: .twoDigits)
                    """, timeZone: timeZone, calendar: Calendar(identifier: .gregorian)))
    }
}
