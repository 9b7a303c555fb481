/// What a channel is to tell.
package struct NotificationMessage: Sendable, Hashable {
    /// A field that is not there is empty.
    package var fields: [MessageField: String]
    /// The whole as one JSON object.
    package var json: String

    package init(fields: [MessageField: String], json: String) {
        self.fields = fields
        self.json = json
    }

    /// A part as a placeholder stands for it.
    package func text(of part: MessagePart) -> String {
        switch part {
        case .whole: json
        case .text(let field): fields[field] ?? ""
        case .json(let field): CanonicalJSON.text(fields[field] ?? "").rendered
        }
    }
}

/// The fields of a notification, as placeholders name them.
package enum MessageField: String, Sendable, CaseIterable {
    /// What has happened: `failure`, `success`, `missed`, `slow` or `recovered`.
    case event
    case job
    /// All in one line.
    case subject
    /// All in some lines.
    case text
    case runId
    case state
    case reason
    case error
    /// How many occurrences it is about.
    case count
    case owner
    case environment
    case description
}

/// What of a notification a placeholder stands for.
package enum MessagePart: Sendable, Hashable {
    /// `${message}`: one JSON object.
    case whole
    /// `${subject}`: a field as it is.
    case text(MessageField)
    /// `${json:subject}`: a field as a JSON string, with its quotes.
    case json(MessageField)

    /// What stands between `${` and `}`.
    package var name: String {
        switch self {
        case .whole: "message"
        case .text(let field): field.rawValue
        case .json(let field): "json:\(field.rawValue)"
        }
    }
}
