package import PostgresSession

/// How a job's session differs from the usual one.
package struct SessionSettings: Sendable, Hashable {
    /// The isolation levels, as the schedule file names them.
    package enum Isolation: String, Sendable, CaseIterable {
        case readCommitted, repeatableRead, serializable
    }

    package var isolation: Isolation?
    /// Whether its transaction cannot write.
    package var isReadOnly = false
    /// The role to act as.
    package var role: String?
    /// The schemas to search, in order.
    package var searchPath: [String] = []
    /// How long a statement may take, beside the deadline of the run.
    package var statementTimeoutSeconds: Int64?
    /// How long to wait for a lock.
    package var lockTimeoutSeconds: Int64?
    /// More settings, by name.
    package var settings: [String: String] = [:]

    package init() {}

    /// Makes a session what the job wants it to be.
    package func apply(to options: inout SessionOptions) {
        options.isolation = isolation.map { isolation in
            switch isolation {
            case .readCommitted: .readCommitted
            case .repeatableRead: .repeatableRead
            case .serializable: .serializable
            }
        }
        options.isReadOnly = isReadOnly
        options.role = role
        options.searchPath = searchPath
        options.settings = settings
        if let lockTimeoutSeconds { options.settings["lock_timeout"] = "\(lockTimeoutSeconds)s" }
    }

    /// What a stored definition says of it.
    var canonicalMembers: [CanonicalJSON.Member] {
        var members: [CanonicalJSON.Member] = []
        if let isolation { members.append(("isolation", .text(isolation.rawValue))) }
        if isReadOnly { members.append(("readOnly", .raw("true"))) }
        var session: [CanonicalJSON.Member] = []
        if let role { session.append(("role", .text(role))) }
        if !searchPath.isEmpty {
            session.append(("searchPath", .list(searchPath.map { .text($0) })))
        }
        if let seconds = statementTimeoutSeconds {
            session.append(("statementTimeout", .text(DurationText.text(seconds))))
        }
        if let seconds = lockTimeoutSeconds {
            session.append(("lockTimeout", .text(DurationText.text(seconds))))
        }
        if !settings.isEmpty {
            session.append(("settings", .object(settings.map { ($0.key, .text($0.value)) })))
        }
        if !session.isEmpty { members.append(("session", .object(session))) }
        return members
    }
}
