import Foundation

/// The task types that a program knows, by name.
public struct TaskRegistry: Sendable {
    private let types: [String: any BatchTask.Type]

    /// Takes up task types.
    ///
    /// - Throws: `DuplicateTask` when two of them have the same name.
    public init(_ types: [any BatchTask.Type]) throws {
        var byName: [String: any BatchTask.Type] = [:]
        for type in types {
            if let other = byName.updateValue(type, forKey: type.name), other != type {
                throw DuplicateTask(
                    name: type.name, types: [String(reflecting: other), String(reflecting: type)])
            }
        }
        self.types = byName
    }

    /// The type of that name, if there is one.
    package func type(named name: String) -> (any BatchTask.Type)? { types[name] }

    /// Makes the task of one run from the parameters of its job.
    ///
    /// - Throws: `DiagnosticsError`, or what a placeholder could not be replaced by.
    package func makeTask(
        of type: any BatchTask.Type, parameters: YAMLNode, values: PlaceholderValues
    ) throws -> any BatchTask {
        let node = type.placeholders == .expanded ? try values.expand(parameters) : parameters
        return try YAMLDecoder().decode(type, from: node)
    }
}

/// Two task types of a program have the same name.
public struct DuplicateTask: Error, CustomStringConvertible {
    /// The name.
    public let name: String
    /// The types that have it.
    public let types: [String]

    /// What happened and what to do, for people.
    public var description: String {
        "the task name '\(name)' is that of \(types.joined(separator: " and of ")); "
            + "give one of them another `static var name`"
    }
}

extension TaskRegistry: TaskCatalog {
    package var taskNames: [String] { types.keys.sorted() }

    package func check(
        task name: String, parameters: YAMLNode, definition: TaskDefinition
    ) -> [Diagnostic] {
        guard let type = types[name] else { return [] }
        let problems =
            type.placeholders == .expanded
            ? placeholderProblems(in: parameters, definition) : []
        do {
            let task = try YAMLDecoder().decode(type, from: parameters)
            try task.validate(definition)
            if task is any ChunkedTask {
                if definition.isChannel { throw InvalidParameter(ChunkError.inChannel.description) }
                guard definition.transaction == .perRun else {
                    throw InvalidParameter(ChunkError.wrongTransaction.description)
                }
            }
            return problems
        } catch let error as DiagnosticsError {
            return problems + error.diagnostics.filter { !problems.contains($0) }
        } catch let error as InvalidParameter {
            return problems + [error.diagnostic(in: parameters)]
        } catch {
            return problems + [
                Diagnostic(category: .task, at: parameters, message: String(describing: error))
            ]
        }
    }

    /// Placeholders that no run could replace.
    private func placeholderProblems(
        in node: YAMLNode, _ definition: TaskDefinition
    ) -> [Diagnostic] {
        switch node.content {
        case .scalar(let scalar):
            guard scalar.text.utf8.contains(UInt8(ascii: "$")) else { return [] }
            if let text = try? PlaceholderText(scalar.text) {
                return text.problems(in: node, definition)
            }
            // Wrong: read again, for the place of the mistake.
            do {
                _ = try YAMLDecoder().decode(PlaceholderText.self, from: node)
                return []
            } catch {
                return error.diagnostics
            }
        case .sequence(let nodes):
            return nodes.flatMap { placeholderProblems(in: $0, definition) }
        case .mapping(let pairs):
            return pairs.flatMap { placeholderProblems(in: $0.value, definition) }
        }
    }
}

extension PlaceholderText {
    /// The placeholders that have no value there, shown at their places.
    fileprivate func problems(in node: YAMLNode, _ definition: TaskDefinition) -> [Diagnostic] {
        parts.compactMap { part in
            guard case .placeholder(let placeholder, let offset) = part,
                let problem = placeholder.problem(in: definition)
            else { return nil }
            return Diagnostic(
                category: .task, inside: node, offset: offset, message: problem.message,
                help: problem.help)
        }
    }
}
