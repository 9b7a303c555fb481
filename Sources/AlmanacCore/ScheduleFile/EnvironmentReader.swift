/// The environment that the files of a schedule are for, as one of them says it.
struct EnvironmentDeclaration {
    let name: String
    let node: YAMLNode
}

extension MappingReader {
    /// The environment of a file.
    func readEnvironment() -> EnvironmentDeclaration? {
        guard let node = value("environment"), let name = read("environment", as: String.self)
        else { return nil }
        if let problem = Schedule.problem(ofEnvironment: name) {
            report(YAMLValueError(message: "'environment' cannot be that", help: problem), at: node)
            return nil
        }
        return EnvironmentDeclaration(name: name, node: node)
    }
}

extension Schedule {
    /// What is wrong with the name of an environment; nil when nothing is.
    package static func problem(ofEnvironment name: String) -> String? {
        let isShort = (1...63).contains(name.utf8.count)
        let isPlain = name.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || $0.properties.numericType != nil
                || "-_.".contains(Character($0))
        }
        guard !isShort || !isPlain else { return nil }
        return
            "it takes a name such as production: letters, digits, '-', '_' and '.', up to 63 bytes"
    }

    /// The environment of all files; where two disagree, that is reported.
    static func environment(
        of declarations: [EnvironmentDeclaration], collector: DiagnosticCollector
    ) -> String? {
        guard let first = declarations.first else { return nil }
        for other in declarations.dropFirst() where other.name != first.name {
            collector.add(
                Diagnostic(
                    category: .value, at: other.node,
                    message: "the environment is '\(other.name)' here and "
                        + "'\(first.name)' in another file",
                    help: "all files of a schedule are for one environment",
                    notes: [
                        Diagnostic.Note(
                            file: first.node.source.path, position: first.node.position,
                            message: "the other one")
                    ]))
        }
        return first.name
    }
}
