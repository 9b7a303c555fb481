extension MappingReader {
    /// The answer to a key that does not belong here.
    struct Refusal {
        var diagnostic: Diagnostic
        /// The key that was probably meant, where it belongs here.
        var meant: String?
    }

    func refusal(of pair: YAMLPair) -> Refusal {
        let shown = pair.name.shortened(to: 60)
        if ForeignKey.ours(for: pair.name, in: place) == nil {
            let belongs = ScheduleKey.whereabouts(of: pair.name)
            if let belongs {
                let diagnostic = Diagnostic(
                    category: .unknownKey, at: pair.key,
                    message: "'\(shown)' cannot stand \(place.inWords)",
                    help: "it belongs \(belongs)" + hintAtIndentation(pair.name))
                return Refusal(diagnostic: diagnostic)
            }
        }
        let (help, meant) = answer(to: pair)
        let diagnostic = Diagnostic(
            category: .unknownKey, at: pair.key, message: "unknown key '\(shown)'", help: help)
        return Refusal(diagnostic: diagnostic, meant: meant)
    }

    private func hintAtIndentation(_ name: String) -> String {
        switch (place, name) {
        case (.job, _) where ScheduleKey.named(name, in: .file) != nil: "; check the indentation"
        case (.file, _) where ScheduleKey.named(name, in: .job) != nil: "; check the indentation"
        default: ""
        }
    }

    private func answer(to pair: YAMLPair) -> (help: String, meant: String?) {
        let name = pair.name
        if let (ours, how) = ForeignKey.ours(for: name, in: place) { return answer(ours, how) }
        if place == .file, pair.value["task"] != nil || pair.value["schedule"] != nil {
            return ("is it a job? Jobs stand under 'jobs:', indented", nil)
        }
        let names = ScheduleKey.all(in: place).map(\.name)
        if let near = Suggestion.nearest(to: name, among: names).first { return answer(near, nil) }
        return ("the keys \(place.inWords) are \(Self.names(of: place))", nil)
    }

    private func answer(_ ours: String, _ how: ForeignKey.Usage?) -> (help: String, meant: String?)
    {
        guard ScheduleKey.named(ours, in: place) != nil else {
            let belongs = ScheduleKey.whereabouts(of: ours) ?? "elsewhere"
            return ("'\(ours)' is the name here, and it belongs \(belongs)", nil)
        }
        switch how {
        case .instead(let text): return ("write \(text)", ours)
        case .differently(let text): return ("did you mean '\(ours)' \(text)?", ours)
        case nil: return ("did you mean '\(ours)'?", ours)
        }
    }

    static func names(of place: ScheduleKey.Place) -> String {
        // All of them: a reader who is told of "8 more" has to go elsewhere.
        Suggestion.list(ScheduleKey.all(in: place).map(\.name), joinedBy: "and", limit: 100)
    }
}
