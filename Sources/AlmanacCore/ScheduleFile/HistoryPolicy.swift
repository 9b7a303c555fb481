/// How long the rows of a job are kept.
package struct HistoryPolicy: Sendable, Hashable {
    /// For how long after its end an occurrence is kept, in seconds.
    package var keepSeconds = Self.usualKeepSeconds
    /// How many that succeeded are kept at the most; nil for no limit.
    package var successLimit: Int?
    /// How many that did not succeed are kept at the most; nil for no limit.
    package var failureLimit: Int?

    /// 90 days.
    package static let usualKeepSeconds: Int64 = 90 * 86_400

    package init() {}

    /// What a stored definition says of it: nothing of what is as usual.
    var canonicalMembers: [CanonicalJSON.Member] {
        guard self != HistoryPolicy() else { return [] }
        var members: [CanonicalJSON.Member] = [("keep", .text(DurationText.text(keepSeconds)))]
        if let successLimit {
            members.append(("successfulJobsHistoryLimit", .raw("\(successLimit)")))
        }
        if let failureLimit {
            members.append(("failedJobsHistoryLimit", .raw("\(failureLimit)")))
        }
        return [("history", .object(members))]
    }
}

/// Reads the `history` of a job or of the defaults.
struct HistoryReader {
    let reader: MappingReader
    let collector: DiagnosticCollector

    /// The policy: what is not said is as in another one.
    func read(over defaults: HistoryPolicy) -> HistoryPolicy {
        var policy = defaults
        guard let node = reader.value("history"),
            let history = MappingReader(
                node, place: .history, subject: "'history'", collector: collector)
        else { return policy }
        policy.keepSeconds = history.readDuration("keep") ?? policy.keepSeconds
        policy.successLimit =
            readCount("successfulJobsHistoryLimit", in: history) ?? policy.successLimit
        policy.failureLimit =
            readCount("failedJobsHistoryLimit", in: history) ?? policy.failureLimit
        return policy
    }

    private func readCount(_ key: String, in history: MappingReader) -> Int? {
        guard let node = history.value(key), let count = history.read(key, as: Int.self) else {
            return nil
        }
        if count >= 0 { return count }
        history.report(
            YAMLValueError(message: "'\(key)' must be 0 or more, not \(count)"), at: node)
        return nil
    }
}
