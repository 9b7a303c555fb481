import AlmanacCore

extension CommandTask {
    /// Refuses parts of a message in what a shell will read: the text of an error may be anything,
    /// also something that a shell takes for a command.
    ///
    /// - Throws: `InvalidParameter`.
    func checkShell() throws {
        if let shell { try Self.check(shell, "shell") }
        guard let program = run?.first?.split(separator: "/").last,
            ["sh", "bash", "dash", "ksh", "zsh"].contains(program), let words = run?.dropFirst(),
            let option = words.firstIndex(where: { $0.hasPrefix("-") && $0.hasSuffix("c") }),
            option + 1 < words.endIndex
        else { return }
        try Self.check(words[option + 1], "run")
    }

    private static func check(_ text: String, _ name: String) throws {
        // A text that cannot be read is reported by whoever reads all of them.
        for part in (try? PlaceholderText(text).parts) ?? [] {
            guard case .placeholder(.message(let field), let offset) = part else { continue }
            var problem = InvalidParameter(
                name,
                "'${\(field.name)}' would be read by a shell, which may take it for a command",
                help: help(field))
            if name == "shell" { problem.offset = offset }
            throw problem
        }
    }

    private static func help(_ part: MessagePart) -> String {
        let variable =
            switch part {
            case .whole: "MESSAGE"
            case .text(let field), .json(let field): field.rawValue.uppercased()
            }
        if NotificationMessage.variableNames.contains("ALMANAC_" + variable) {
            return "write \"$ALMANAC_\(variable)\", with the quotes"
        }
        return "add 'environment: {\(variable): \"${\(part.name)}\"}', and write \"$\(variable)\""
    }
}

extension NotificationMessage {
    static let variableNames: Set<String> = [
        "ALMANAC_EVENT", "ALMANAC_SUBJECT", "ALMANAC_TEXT", "ALMANAC_JOB", "ALMANAC_MESSAGE",
    ]

    /// What a program finds in its environment. No variable can hold a NUL.
    var variables: [String: String] {
        let texts: [String: String] = [
            "ALMANAC_EVENT": text(of: .text(.event)), "ALMANAC_SUBJECT": text(of: .text(.subject)),
            "ALMANAC_TEXT": text(of: .text(.text)), "ALMANAC_JOB": text(of: .text(.job)),
            "ALMANAC_MESSAGE": json,
        ]
        return texts.mapValues { $0.replacing("\0", with: "") }
    }
}
