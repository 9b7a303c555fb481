import Foundation

// What is told, in words: one line as the subject, and a few lines with what there is to know
// before one looks it up.
extension DueNotification {
    /// The message for the placeholders of the channel.
    package var message: NotificationMessage {
        var fields: [MessageField: String] = [
            .event: event.rawValue, .job: job, .subject: subject, .text: text,
            .state: run?.state ?? "", .reason: reason, .count: String(count),
        ]
        fields[.runId] = run?.runID.uuidString.lowercased() ?? ""
        fields[.error] = problem ?? ""
        fields[.owner] = owner ?? ""
        fields[.environment] = environment ?? ""
        fields[.description] = description ?? ""
        return NotificationMessage(fields: fields, json: json(fields))
    }

    /// The same names as in other JSON of this program; what there is none of is null.
    private func json(_ fields: [MessageField: String]) -> String {
        var members: [CanonicalJSON.Member] = MessageField.allCases.map { field in
            let text = fields[field] ?? ""
            return (
                field == .runId ? "run_id" : field.rawValue,
                text.isEmpty ? .raw("null") : .text(text)
            )
        }
        members.removeAll { $0.key == "count" }
        members += [
            ("count", .raw("\(count)")),
            ("scheduled_for", .text(PlaceholderValues.rfc3339(scheduledFor))),
            ("bound", bound.map { .text(PlaceholderValues.rfc3339($0)) } ?? .raw("null")),
        ]
        return CanonicalJSON.object(members).rendered
    }

    /// One line.
    var subject: String {
        let place = environment.map { "[\($0)] " } ?? ""
        return place + job + " " + deed + (count > 1 ? " (\(count) times)" : "")
    }

    private var deed: String {
        switch (event, reason) {
        case (.failure, "timed_out"): "was stopped at its deadline"
        case (.failure, "orphaned"): "was lost with its scheduler"
        case (.failure, "cancelled"): "was cancelled"
        case (.failure, _): "failed"
        case (.success, _): "succeeded"
        case (.recovered, _): "succeeded again"
        case (.missed, "mustFinishBy"): "is late"
        case (.missed, _): "did not run"
        case (.slow, _): run?.finishedAt == nil ? "is slow" : "was slow"
        }
    }

    /// Some lines.
    var text: String {
        var lines = [subject, "due: \(Self.shown(scheduledFor))"]
        if count > 1 { lines[1] = "latest due: \(Self.shown(scheduledFor))" }
        lines += limit.map { [$0] } ?? []
        if event == .missed, reason != "mustFinishBy" { lines.append("reason: \(reason)") }
        if let run {
            let attempt = run.attempt > 1 ? ", attempt \(run.attempt)" : ""
            lines.append("run: \(run.runID.uuidString.lowercased()) (\(run.state)\(attempt))")
            lines += timing(of: run).map { [$0] } ?? []
        } else if reason == "mustFinishBy" {
            lines.append("run: it has not started")
        }
        if let problem { lines.append("error: \(problem)") }
        if let owner { lines.append("owner: \(owner)") }
        if let description { lines.append("job: \(description)") }
        if let run { lines.append("more: almanac show \(run.runID.uuidString.lowercased())") }
        return lines.joined(separator: "\n")
    }

    private var limit: String? {
        guard let bound else { return nil }
        return reason == "mustFinishBy"
            ? "to be over by: \(Self.shown(bound))" : "slow since: \(Self.shown(bound))"
    }

    private func timing(of run: Run) -> String? {
        guard let startedAt = run.startedAt else { return nil }
        guard let finishedAt = run.finishedAt else {
            return "started: \(Self.shown(startedAt)), and goes on"
        }
        let seconds = max(0, finishedAt.timeIntervalSince(startedAt))
        let length = (seconds * 10).rounded() / 10
        return "started: \(Self.shown(startedAt)), ended after \(length) s"
    }

    private var problem: String? {
        guard event == .failure || event == .missed, let message = run?.errorMessage else {
            return nil
        }
        let bounded = String(message.prefix(Self.longestProblem))
        guard let type = run?.errorType, !message.hasPrefix(type) else { return bounded }
        return "\(type): \(bounded)"
    }

    /// Enough for a message; the row has the rest.
    private static let longestProblem = 1_000

    private static func shown(_ date: Date) -> String {
        PlaceholderValues.rfc3339(
            Date(timeIntervalSince1970: date.timeIntervalSince1970.rounded(.down)))
    }
}
