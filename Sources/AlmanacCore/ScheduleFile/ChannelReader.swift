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
        Declarations.channels(collector).read(node) { pair, subject in
            ChannelDeclaration(
                name: pair.key, channel: collector.valueUnlessErrors { read(pair, subject) })
        }
    }

    private func read(_ pair: YAMLPair, _ subject: String) -> Channel? {
        guard
            let reader = MappingReader(
                pair.value, place: .channel, subject: subject, collector: collector)
        else { return nil }
        let deadline = reader.readSeconds("activeDeadlineSeconds")
        // What the task writes commits with the note that the channel was told.
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
        Declarations.channels(collector).byName(declared, name: \.name).values
            .compactMap(\.channel)
            .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
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
        let problem = Declarations.channels(collector).unknown(use.channel, among: known)
        collector.add(
            Diagnostic(
                category: .value, source: source, position: use.position,
                length: use.channel.unicodeScalars.count, message: problem.message,
                help: problem.help))
    }
}
