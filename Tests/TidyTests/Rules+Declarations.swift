extension Rules {
    /// What is public is promised, and says what it promises.
    static func documentation(_ file: SourceFile) -> [Offence] {
        guard file.isSource else { return [] }
        let code = file.text.lines(of: file.text.code)
        let comments = file.text.lines(of: file.text.comments)
        return code.indices.compactMap { index in
            let words = code[index].split(separator: " ")
            guard let keyword = words.firstIndex(where: { $0 == "public" || $0 == "open" }),
                words[..<keyword].allSatisfy({ $0.hasPrefix("@") || modifiers.contains($0) }),
                keyword + 1 < words.count, !["import", "extension"].contains(words[keyword + 1])
            else { return nil }
            let above = linesAbove(index, code: code, comments: comments)
            guard !above.contains(where: { $0.hasPrefix("///") }) else { return nil }
            let name = code[index].trimmingPrefix { $0 == " " }
            return Offence(
                path: file.path, line: index + 1, message: "no documentation: `\(name)`")
        }
    }

    private static let modifiers: Set<Substring> = [
        "final", "static", "class", "nonisolated", "override", "indirect", "mutating",
        "convenience",
        "required", "isolated", "consuming", "borrowing",
    ]

    /// The comments directly above a line; attributes may stand between.
    private static func linesAbove(_ index: Int, code: [String], comments: [String]) -> [Substring]
    {
        var found: [Substring] = []
        for line in stride(from: index - 1, through: 0, by: -1) {
            let comment = comments[line].trimmingPrefix { $0 == " " }
            let code = code[line].trimmingPrefix { $0 == " " }
            if !comment.isEmpty, code.isEmpty {
                found.append(comment)
            } else if !code.hasPrefix("@") && !code.hasPrefix("#if") {
                break
            }
        }
        return found
    }

    /// Where the compiler is told to look away, the reader is told why it may.
    static func uncheckedSafety(_ file: SourceFile) -> [Offence] {
        let code = file.text.lines(of: file.text.code)
        let comments = file.text.lines(of: file.text.comments)
        return ["@unchecked Sendable", "nonisolated(unsafe)"].flatMap { token in
            file.text.positions(of: token).compactMap { position in
                let line = file.text.line(at: position)
                let above = linesAbove(line - 1, code: code, comments: comments)
                guard !above.contains(where: { $0.contains("Safe because") }) else { return nil }
                return file.offence(at: position, "`\(token)` without a \"Safe because …\" above")
            }
        }
    }
}
