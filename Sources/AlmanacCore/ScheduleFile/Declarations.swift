/// Reads what a file declares by name at its top level, for jobs to refer to, such as its pools.
struct Declarations {
    let kind: ScheduleName
    /// A declaration that could stand there, for those who look for the words.
    let example: String
    let collector: DiagnosticCollector

    static func pools(_ collector: DiagnosticCollector) -> Declarations {
        Declarations(kind: .pool, example: "heavy: {slots: 2}", collector: collector)
    }

    static func channels(_ collector: DiagnosticCollector) -> Declarations {
        Declarations(
            kind: .channel, example: "ops: {task: http, parameters: {url: …}}",
            collector: collector)
    }

    static func calendars(_ collector: DiagnosticCollector) -> Declarations {
        Declarations(
            kind: .calendar, example: "bank-holidays: {dates: [2026-12-25]}",
            collector: collector)
    }

    private var key: String { "\(kind.rawValue)s" }

    /// Reads each, after its name.
    ///
    /// - Parameter read: reads one, which is called `subject` in reports.
    func read<Declared>(
        _ node: YAMLNode?, _ read: (_ pair: YAMLPair, _ subject: String) -> Declared
    ) -> [Declared] {
        guard let node, !node.isNull else { return [] }
        guard let pairs = node.mapping else {
            collector.add(
                Diagnostic(
                    category: .value, at: node,
                    message: "'\(key)' must be a mapping of names to \(key), not "
                        + node.kindInWords, help: "write '\(example)' below it, indented"))
            return []
        }
        return pairs.map { pair in
            if let problem = kind.problem(with: pair.name) {
                collector.add(
                    Diagnostic(
                        category: .value, at: pair.key, message: problem.message,
                        help: problem.help))
            }
            return read(pair, "the \(kind.rawValue) '\(pair.name.shortened(to: 60))'")
        }
    }

    /// What the files declare, by name; reports what is there twice.
    func byName<Declared>(
        _ declared: [Declared], name: (Declared) -> YAMLNode
    ) -> [String: Declared] {
        var firsts: [String: Declared] = [:]
        for item in declared {
            let node = name(item)
            let text = node.scalar?.text ?? ""
            guard let first = firsts[text] else {
                firsts[text] = item
                continue
            }
            collector.add(
                Diagnostic(
                    category: .duplicate, at: node,
                    message: "the \(kind.rawValue) '\(text)' is declared twice",
                    help: "keep one of them: a \(kind.rawValue) is for the jobs of all files",
                    notes: [
                        Diagnostic.Note(
                            file: name(first).source.path, position: name(first).position,
                            message: "first here")
                    ]))
        }
        return firsts
    }

    /// What is wrong with a name that is not declared.
    func unknown(_ name: String, among known: some Sequence<String>) -> YAMLValueError {
        let known = known.sorted()
        return YAMLValueError(
            message: "there is no \(kind.rawValue) '\(name.shortened(to: 60))'",
            help: Suggestion.question(for: name, among: known)
                ?? (known.isEmpty
                    ? "declare it at the top level: '\(key): {\(example)}'"
                    : "there are \(Suggestion.list(known, joinedBy: "and"))"))
    }
}
