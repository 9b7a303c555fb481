/// A task's parameters make no sense, beyond their types: what `validate` throws.
///
/// ```swift
/// func validate(_ definition: TaskDefinition) throws {
///     guard copies > 0 else {
///         throw InvalidParameter("copies", "there is nothing to restock", help: "write 1 or more")
///     }
/// }
/// ```
public struct InvalidParameter: Error, Sendable, Hashable, CustomStringConvertible {
    /// The parameter's name; nil where the problem is that of all of them together.
    public let name: String?
    /// What is wrong with it, in one clause.
    public let message: String
    /// What to do, in one clause.
    public let help: String?
    /// Where it begins in the parameter's text, in Unicode scalars.
    package var offset: Int?

    /// A problem of the parameter of that name, which is where a schedule file shows it.
    public init(_ name: String, _ message: String, help: String? = nil) {
        self.name = name
        self.message = message
        self.help = help
    }

    /// A problem of all parameters together.
    public init(_ message: String, help: String? = nil) {
        name = nil
        self.message = message
        self.help = help
    }

    /// The problem and what to do.
    public var description: String { help.map { "\(message); \($0)" } ?? message }
}

extension InvalidParameter {
    /// The problem, shown at the parameter in the file.
    func diagnostic(in parameters: YAMLNode) -> Diagnostic {
        guard let node = name.flatMap({ parameters[$0] }) else {
            return Diagnostic(category: .task, at: parameters, message: message, help: help)
        }
        guard let offset else {
            return Diagnostic(category: .task, at: node, message: message, help: help)
        }
        return Diagnostic(
            category: .task, inside: node, offset: offset, message: message, help: help)
    }
}
