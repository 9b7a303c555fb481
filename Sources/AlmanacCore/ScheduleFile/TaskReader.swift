/// Reads the `task` and the `parameters` of a job or of a channel.
struct TaskReader {
    let catalog: any TaskCatalog
    /// The names of its tasks.
    let names: Set<String>
    let collector: DiagnosticCollector

    /// A task and what it is told.
    struct Work {
        let task: String
        let parameters: YAMLNode
    }

    /// The task with its parameters; `nil` where something is wrong with one of them, which is
    /// reported.
    ///
    /// - Parameters:
    ///   - name: the key that stands above, such as a job's name.
    ///   - subject: what it is, such as `the job 'nightly'`.
    func read(
        _ reader: MappingReader, name: YAMLNode, subject: String, definition: TaskDefinition
    ) -> Work? {
        let parameters = readParameters(reader)
        let task = readTask(
            reader, name: name, subject: subject, parameters: parameters, definition: definition)
        guard let task, let parameters else { return nil }
        return Work(task: task, parameters: parameters)
    }

    private func readParameters(_ reader: MappingReader) -> YAMLNode? {
        guard let node = reader.value("parameters"), !node.isNull else {
            return .emptyMapping(
                at: reader.value("parameters") ?? reader.value("task") ?? reader.node)
        }
        guard node.mapping != nil else {
            collector.add(
                Diagnostic(
                    category: .value, at: node,
                    message: "'parameters' must be a mapping, not \(node.kindInWords)",
                    help: "write one 'name: value' a line, indented"))
            return nil
        }
        return node
    }

    private func readTask(
        _ reader: MappingReader, name: YAMLNode, subject: String, parameters: YAMLNode?,
        definition: TaskDefinition
    ) -> String? {
        guard let node = reader.value("task") else {
            if reader.hasTried("task") { return nil }
            collector.add(
                Diagnostic(
                    category: .missing, at: name, message: "\(subject) does not say what it runs",
                    help: "add 'task: …'; there are \(Self.list(catalog.taskNames))"))
            return nil
        }
        guard let task = reader.read("task", as: String.self) else { return nil }
        guard names.contains(task) else {
            collector.add(
                Diagnostic(
                    category: .task, at: node,
                    message: "there is no task '\(task.shortened(to: 60))'",
                    help: Suggestion.question(for: task, among: catalog.taskNames, count: 2)
                        ?? "there are \(Self.list(catalog.taskNames))"))
            return nil
        }
        if let parameters {
            var found = catalog.check(task: task, parameters: parameters, definition: definition)
            if !reader.hasTried("parameters") { found = found.map { absent($0, task: task) } }
            collector.add(found)
        }
        return task
    }

    /// What is missing in parameters that are not there is shown at the task.
    private func absent(_ diagnostic: Diagnostic, task: String) -> Diagnostic {
        guard diagnostic.category == .missing, let source = diagnostic.source,
            let position = diagnostic.position
        else { return diagnostic }
        return Diagnostic(
            category: .missing, source: source, position: position, length: diagnostic.length,
            message: "'\(task)' has no parameters: \(diagnostic.message)",
            help: "add 'parameters:' and below it, indented, what the task is told")
    }

    private static func list(_ names: [String]) -> String {
        Suggestion.list(names.sorted(), joinedBy: "and")
    }
}
