/// Who is told of what.
package struct NotifyPolicy: Sendable, Hashable {
    /// What somebody may want to be told of.
    package enum Event: String, Sendable, CaseIterable {
        /// The last attempt of an occurrence has failed.
        case failure
        /// An occurrence has succeeded.
        case success
        /// An occurrence did not run though it should have, or was not over in time.
        case missed
        /// A run takes longer than usual.
        case slow
        /// The first success after a failure or a miss.
        case recovered

        /// The key in `notify`: `onFailure`.
        package var key: String { "on" + rawValue.prefix(1).uppercased() + rawValue.dropFirst() }
    }

    /// A channel where it is named.
    struct Use: Sendable, Hashable {
        let channel: String
        let position: SourcePosition
    }

    /// In the file's order, without doubles; an empty list keeps that of the defaults away.
    var uses: [Event: [Use]] = [:]

    package init() {}

    /// The names of channels for each event that somebody is told of, in the file's order, without
    /// doubles.
    package var channels: [Event: [String]] {
        uses.filter { !$0.value.isEmpty }.mapValues { $0.map(\.channel) }
    }

    /// What a stored definition says of it: nothing where nobody is told.
    var canonicalMembers: [CanonicalJSON.Member] {
        let channels = channels
        guard !channels.isEmpty else { return [] }
        return [
            (
                "notify",
                .object(channels.map { ($0.key.key, .list($0.value.map { .text($0) })) })
            )
        ]
    }
}
