/// A channel as a file declares it.
struct ChannelDeclaration {
    let name: YAMLNode
    /// `nil` where it has errors, which are reported.
    let channel: Channel?
}

/// Reads the channels of a file; they hold for the jobs of all files.
struct ChannelReader {
    let tasks: TaskReader
    let baseDirectory: String

    private var collector: DiagnosticCollector { tasks.collector }

    func read(_ node: YAMLNode?) -> [ChannelDeclaration] {
        guard let node, !node.isNull else { return [] }
        guard let pairs = node.mapping else {
            collector.add(
                Diagnostic(
                    category: .value, at: node,
                    message: "'channels' must be a mapping of names to channels, not "
                        + node.kindInWords,
                    help: "write 'ops: {task: http, parameters: {url: …}}' below it, indented"))
            return []
        }
        return pairs.map { pair in
            ChannelDeclaration(
                name: pair.key, channel: collector.valueUnlessErrors { read(pair) })
        }
    }

    private func read(_ pair: YAMLPair) -> Channel? {
        if let problem = ScheduleName.channel.problem(with: pair.name) {
            collector.add(
                Diagnostic(
                    category: .value, at: pair.key, message: problem.message, help: problem.help))
        }
        let subject = "the channel '\(pair.name.shortened(to: 60))'"
        guard
            let reader = MappingReader(
                pair.value, place: .channel, subject: subject, collector: collector)
        else { return nil }
        let deadline = reader.readSeconds("activeDeadlineSeconds")
        // A message is told once, whatever the task does in its session.
        let definition = TaskDefinition(
            baseDirectory: baseDirectory, transaction: .perRun, isChannel: true)
        let work = tasks.read(reader, name: pair.key, subject: subject, definition: definition)
        return work.map { work in
            Channel(
                name: pair.name, task: work.task, parameters: work.parameters,
                activeDeadlineSeconds: deadline ?? Channel.usualDeadlineSeconds,
                file: pair.key.source.path, position: pair.key.position,
                baseDirectory: baseDirectory)
        }
    }
}

/// What jobs say of channels, looked at when all files have been read.
struct ChannelReferences {
    let sources: [SourceFile]
    let collector: DiagnosticCollector

    /// A place in one of the files.
    private struct Place: Hashable {
        let file: String
        let position: SourcePosition
    }

    /// The channels in the order of their names; what is there twice is reported.
    func channels(_ declared: [ChannelDeclaration]) -> [Channel] {
        var firsts: [String: YAMLNode] = [:]
        for declaration in declared {
            let name = declaration.name
            let text = name.scalar?.text ?? ""
            guard let first = firsts[text] else {
                firsts[text] = name
                continue
            }
            collector.add(
                Diagnostic(
                    category: .duplicate, at: name,
                    message: "the channel '\(text)' is declared twice",
                    help: "keep one of them: a channel is for the jobs of all files",
                    notes: [
                        Diagnostic.Note(
                            file: first.source.path, position: first.position,
                            message: "first here")
                    ]))
        }
        return declared.compactMap(\.channel).sorted {
            $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        }
    }

    /// Reports channels that do not exist, each place once, however many jobs have it from the
    /// defaults.
    ///
    /// - Parameter policies: who is told of what, with the path of the file that says so.
    func check(
        _ policies: some Sequence<(file: String, notify: NotifyPolicy)>,
        against declared: [ChannelDeclaration]
    ) {
        let names = Set(declared.compactMap { $0.name.scalar?.text })
        var seen: Set<Place> = []
        for (file, notify) in policies {
            for use in notify.uses.values.joined() where !names.contains(use.channel) {
                guard seen.insert(Place(file: file, position: use.position)).inserted else {
                    continue
                }
                report(use, in: file, known: names)
            }
        }
    }

    private func report(_ use: NotifyPolicy.Use, in file: String, known: Set<String>) {
        guard let source = sources.first(where: { $0.path == file }) else { return }
        collector.add(
            Diagnostic(
                category: .value, source: source, position: use.position,
                length: use.channel.unicodeScalars.count,
                message: "there is no channel '\(use.channel.shortened(to: 60))'",
                help: Suggestion.question(for: use.channel, among: known.sorted())
                    ?? (known.isEmpty
                        ? "declare it at the top level: 'channels: {ops: {task: http, …}}'"
                        : "there are \(Suggestion.list(known.sorted(), joinedBy: "and"))")))
    }
}
