package import Scheduling

/// When runs of a job may start beside others: what the schedule file says of overlap, of missed
/// occurrences and of what is shared.
package struct DispatchPolicy: Sendable, Hashable {
    package var concurrency = ConcurrencyPolicy.forbid
    /// How late an occurrence may start; nil for what is usual under the concurrency policy.
    package var startingDeadlineSeconds: Int?
    package var catchUp = CatchUp.usual
    /// Of what waits for a worker the higher goes first.
    package var priority = 0
    package var pool: PoolUse?
    /// In the order of their names.
    package var locks: [LockUse] = []
    package var needs: [Need] = []

    /// The lowest and the highest priority.
    package static let priorities = -1_000...1_000
}

/// What happens when a run would start while another of its job goes on.
package enum ConcurrencyPolicy: String, Sendable, Hashable, CaseIterable {
    /// It is skipped.
    case forbid = "Forbid"
    /// They go on side by side.
    case allow = "Allow"
    /// The other one is cancelled, and this one starts when it has ended.
    case replace = "Replace"
    /// It waits for its turn.
    case queue = "Queue"
}

/// A pool that a job's runs count in.
package struct PoolUse: Sendable, Hashable {
    package let name: String
    /// How many runs of the pool there may be at once.
    package var slots: Int
    let position: SourcePosition

    /// The most slots of a pool.
    package static let mostSlots = 1_000
}

/// A named lock that a run holds from before its task begins until after its COMMIT.
package struct LockUse: Sendable, Hashable {
    /// Whether others may hold it as well.
    package enum Mode: String, Sendable, Hashable, CaseIterable {
        case exclusive, shared
    }

    package let name: String
    package var mode = Mode.exclusive
    /// How long a run waits for it before it fails.
    package var waitSeconds: Int64 = 0
}

/// A job that is to have ended before.
package struct Need: Sendable, Hashable {
    /// What of its end counts.
    package enum Condition: String, Sendable, Hashable, CaseIterable {
        case success, always
    }

    package let job: String
    package var when = Condition.success
    /// How long after its instant an occurrence waits at most; nil for no limit.
    package var withinSeconds: Int64?
    let position: SourcePosition
}

extension DispatchPolicy {
    /// How late the planner may give an occurrence to a worker.
    var startingDeadline: StartingDeadline {
        if let seconds = startingDeadlineSeconds { return .seconds(Int64(seconds)) }
        return concurrency == .queue ? .none : .untilNext
    }

    /// What a stored definition says of it: nothing of what is as usual.
    var canonicalMembers: [CanonicalJSON.Member] {
        var members: [CanonicalJSON.Member] = []
        if concurrency != .forbid {
            members.append(("concurrencyPolicy", .text(concurrency.rawValue)))
        }
        if let startingDeadlineSeconds {
            members.append(("startingDeadlineSeconds", .raw("\(startingDeadlineSeconds)")))
        }
        if catchUp != .usual { members.append(("catchUp", catchUp.canonical)) }
        if priority != 0 { members.append(("priority", .raw("\(priority)"))) }
        if let pool { members.append(("pool", .text(pool.name))) }
        if !locks.isEmpty { members.append(("locks", .list(locks.map(\.canonical)))) }
        if !needs.isEmpty { members.append(("needs", .list(needs.map(\.canonical)))) }
        return members
    }
}

extension CatchUp {
    fileprivate var canonical: CanonicalJSON {
        guard policy == .all else { return .text(policy.rawValue) }
        return .object([
            ("policy", .text(policy.rawValue)),
            ("window", .text(DurationText.text(windowSeconds))), ("max", .raw("\(max)")),
        ])
    }
}

extension LockUse {
    fileprivate var canonical: CanonicalJSON {
        .object([
            ("name", .text(name)), ("mode", .text(mode.rawValue)),
            ("wait", .text(DurationText.text(waitSeconds))),
        ])
    }
}

extension Need {
    fileprivate var canonical: CanonicalJSON {
        var members: [CanonicalJSON.Member] = [
            ("job", .text(job)), ("when", .text(when.rawValue)),
        ]
        if let withinSeconds {
            members.append(("within", .text(DurationText.text(withinSeconds))))
        }
        return .object(members)
    }
}
