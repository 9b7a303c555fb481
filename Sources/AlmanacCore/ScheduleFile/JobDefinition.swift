package import Scheduling

/// A job as the schedule file says it, with defaults filled in.
package struct JobDefinition: Sendable, Hashable {
    package let name: String
    package let description: String?
    /// Whose job it is.
    package let owner: String?
    /// Texts to find jobs by.
    package let labels: [String: String]
    /// The name of the task to run.
    package let task: String
    /// A mapping; empty where the file has none.
    package let parameters: YAMLNode
    package let recurrence: Recurrence
    /// How much later than its nominal instants the job starts.
    package let startOffset: StartOffset
    /// The cron expressions as the file has them, a line each; empty where it has none.
    let cronTexts: String
    package let timeZone: Zone
    /// Whether there are to be no new runs.
    package let isSuspended: Bool
    package let transaction: TransactionMode
    /// How many seconds an attempt may take; `nil` for no limit.
    package let activeDeadlineSeconds: Int?
    /// Whether and when a failed attempt is followed by another.
    package let retry: RetryPolicy
    /// When its runs may start beside others.
    package internal(set) var dispatch: DispatchPolicy
    /// Which data a run is for; `nil` for a job without windows.
    package let window: WindowMode?
    /// How its session differs from the usual one.
    package let session: SessionSettings
    /// What must hold before its commit.
    package let expectation: Expectation?
    /// How long its rows are kept.
    package let history: HistoryPolicy
    /// What it expects of its times.
    package let punctuality: Punctuality
    /// Who is told of what.
    package let notify: NotifyPolicy
    /// The path of the file.
    package let file: String
    /// Where the job's name stands in the file.
    package let position: SourcePosition
    /// The folder of the file. Relative paths in the parameters are relative to it.
    package let baseDirectory: String
}

extension JobDefinition {
    /// When the job is due, for people: `30 2 * * * Europe/Berlin`, `every 15m`.
    package var scheduleText: String {
        recurrence.summary(cronTexts: cronTexts.split(separator: "\n").map(String.init))
    }

    /// The definition as a JSON object with its keys in order, to be stored.
    ///
    /// It has the vocabulary of the file. Numbers and booleans that JSON cannot spell, such as
    /// `0x1F` and `True`, are texts. It does not say where the definition stands, so nodes with
    /// different folders agree on it. Made anew each time.
    package var canonicalText: String { CanonicalJSON.object(canonicalMembers).rendered }

    /// Changes with whatever matters for a run or its instants: all but what is for people, and the
    /// place; also with the size of its pool, which stands beside the jobs. Made anew each time.
    package var definitionDigest: String {
        let members = canonicalMembers.filter { !Self.forPeople.contains($0.key) }
        let slots = dispatch.pool.map { ["\($0.slots)"] } ?? []
        return Digest.hex([CanonicalJSON.object(members).rendered] + slots)
    }

    /// Changes with the instants alone. Made anew each time.
    package var scheduleDigest: String {
        Digest.hex([CanonicalJSON.object(recurrence.canonicalMembers).rendered])
    }

    private static let forPeople: Set<String> = ["description", "owner", "labels", "notify"]

    private var canonicalMembers: [CanonicalJSON.Member] {
        // Calendars go by the job's zone, and say so.
        var members = recurrence.canonicalMembers.filter { $0.key != "timeZone" }
        members += [
            ("task", .text(task)), ("parameters", CanonicalJSON(parameters)),
            ("timeZone", .text(timeZone.identifier)), ("suspend", .raw("\(isSuspended)")),
            ("transaction", .text(transaction.rawValue)),
        ]
        if let activeDeadlineSeconds {
            members.append(("activeDeadlineSeconds", .raw("\(activeDeadlineSeconds)")))
        }
        if let window { members.append(("window", .text(window.rawValue))) }
        members += startOffset.canonicalMembers + retry.canonicalMembers
        members += dispatch.canonicalMembers
        members += session.canonicalMembers
        if let expectation { members.append(("expect", expectation.canonical)) }
        members += history.canonicalMembers
        members += punctuality.canonicalMembers + notify.canonicalMembers
        if let description { members.append(("description", .text(description))) }
        if let owner { members.append(("owner", .text(owner))) }
        if !labels.isEmpty {
            members.append(("labels", .object(labels.map { ($0.key, .text($0.value)) })))
        }
        return members
    }
}
