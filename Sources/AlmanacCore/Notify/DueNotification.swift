package import Foundation

/// What a channel is to be told: all that waits for it of one job and one event.
package struct DueNotification: Sendable, Hashable {
    /// What the table says of the run that it is about.
    package struct Run: Sendable, Hashable {
        package var runID: UUID
        package var state: String
        package var attempt: Int
        package var startedAt: Date?
        package var finishedAt: Date?
        package var errorType: String?
        package var errorMessage: String?
    }

    /// The rows that it stands for.
    package var ids: [Int64]
    package var channel: String
    package var job: String
    package var event: NotifyPolicy.Event
    /// How many occurrences it is about.
    package var count: Int64 = 1
    /// How often it was tried to send it, this time included.
    package var tries = 1
    /// When the oldest of its rows was noted.
    package var notedAt: Date
    /// The nominal instant of the newest occurrence; what follows is about that one.
    package var scheduledFor: Date
    /// The state or the reason of its row, or the key of the limit that has passed.
    package var reason: String
    /// When the limit was passed, if it is about one.
    package var bound: Date?
    /// Its last attempt, if there is any and it is still kept.
    package var run: Run?
    package var owner: String?
    package var description: String?
    /// Of the database.
    package var environment: String?

    /// The same for the same rows, so that whoever is told twice can see that.
    package var key: UUID {
        var rest = Digest.hex(ids.sorted().map { "notification \($0)" })[...]
        func next() -> UInt8 {
            defer { rest = rest.dropFirst(2) }
            return UInt8(rest.prefix(2), radix: 16) ?? 0
        }
        return UUID(
            uuid: (
                next(), next(), next(), next(), next(), next(), next(), next(),
                next(), next(), next(), next(), next(), next(), next(), next()
            ))
    }
}

/// What has become of the notifications about a run, for a channel and an event.
package struct NotificationFate: Sendable, Hashable {
    package let event: String
    /// Nil for what nobody asked to be told.
    package let channel: String?
    package let deliveredAt: Date?
    package let givenUpAt: Date?
    package let tries: Int
    package let lastError: String?
}

/// A limit of a job that was passed, as whoever found it logs it.
package struct PassedLimit: Sendable, Hashable {
    /// `mustFinishBy` or `warnAfter`.
    package let key: String
    package let job: String
    package let scheduledFor: Date
    /// When it was passed.
    package let bound: Date
    package let runID: UUID?
}
