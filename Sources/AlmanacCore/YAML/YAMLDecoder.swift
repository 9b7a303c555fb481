/// Decodes a `Decodable` type from a node, strictly and with positions.
///
/// * Keys that the type never asks for are errors, with a suggestion from those it asks for.
/// * Numbers and booleans follow the core schema; a number in quotes is text and no number.
/// * A text takes any scalar but null exactly as it is written: `title: 2026` is `"2026"`, and
///   `version: 1.10` keeps its zero. Nothing is lost, so nobody is made to add quotes.
/// * `Date` is RFC 3339, `URL` a text that `URL` accepts.
/// * All problems are found, not only the first: after a failure the decoding runs again with a
///   stand-in for the value that failed. A type's `init(from:)` may therefore run several times,
///   and must have no effects outside itself.
package struct YAMLDecoder: Sendable {
    /// Passed on to the types that are decoded.
    package var userInfo: [CodingUserInfoKey: any Sendable]

    package init(userInfo: [CodingUserInfoKey: any Sendable] = [:]) {
        self.userInfo = userInfo
    }

    /// The value of a node; the type may be known only at run time (`any Decodable.Type`).
    ///
    /// - Throws: ``DiagnosticsError`` with everything that is wrong with the node.
    package func decode<Value: Decodable>(
        _ type: Value.Type, from node: YAMLNode
    ) throws(DiagnosticsError) -> Value {
        let run = DecodingRun(root: node, userInfo: userInfo)
        var failures: [DecodingFailure] = []
        while true {
            do {
                let value = try run.value(type, from: node, path: [])
                let found = run.diagnostics(with: failures)
                if found.isEmpty { return value }
                throw DiagnosticsError(found)
            } catch let error as DiagnosticsError {
                throw error
            } catch {
                let failure = run.failure(error, at: node, path: [])
                if !failure.isConsequence { failures.append(failure) }
                let isRoot = failure.path.isEmpty
                guard !isRoot, failures.count < Self.failureLimit, run.standIn(for: failure) else {
                    run.restoreUnknownKeys(of: failure)
                    throw DiagnosticsError(run.diagnostics(with: failures))
                }
            }
        }
    }

    /// Each failure costs one more run over the node.
    private static let failureLimit = 50
}

/// A problem in the middle of a scalar, for `init(from:)` of types with a syntax of their own.
package struct YAMLValueError: Error, Sendable {
    /// Where it begins in the scalar's text, in Unicode scalars; `nil` for the value as a whole.
    package var offset: Int?
    package var length: Int
    package var message: String
    package var help: String?

    package init(offset: Int? = nil, length: Int = 1, message: String, help: String? = nil) {
        self.offset = offset
        self.length = length
        self.message = message
        self.help = help
    }
}

extension Decoder {
    /// The node that is being decoded, where a ``YAMLDecoder`` is at work.
    package var yamlNode: YAMLNode? { (self as? YAMLNodeDecoder)?.node }
}

/// A failure on its way up through the `init(from:)` of the types around it.
struct DecodingFailure: Error {
    var path: [String]
    var diagnostics: [Diagnostic]
    /// The key that is not there, when that is the failure.
    var missingKey: String?
    /// Whether it follows from a stand-in, and says nothing about the file.
    var isConsequence = false
    /// Whether no stand-in for the value can be made: a list or dictionary can do without it.
    var isToBeOmitted = false
    /// What was found in the value before it failed. It counts where the failure does: a type may
    /// try another form, and then these keys may be right.
    var unknownKeys: [UnknownKey] = []
}

/// A key that the type of its mapping did not ask for.
struct UnknownKey {
    var path: [String]
    var suggestion: String?
    var diagnostic: Diagnostic
}

/// What the runs over one node share: which values failed before, and what keys nobody asked for.
final class DecodingRun {
    let root: YAMLNode
    let userInfo: [CodingUserInfoKey: any Sendable]
    private var standIns: Set<[String]> = []
    private var omitted: Set<[String]> = []
    private var unknownKeys: [UnknownKey] = []

    init(root: YAMLNode, userInfo: [CodingUserInfoKey: any Sendable]) {
        self.root = root
        self.userInfo = userInfo
    }

    /// Prepares the next run; false where that would change nothing.
    func standIn(for failure: DecodingFailure) -> Bool {
        unknownKeys = []
        return failure.isToBeOmitted
            ? omitted.insert(failure.path).inserted : standIns.insert(failure.path).inserted
    }

    /// Before the report of a run that ended in a failure.
    func restoreUnknownKeys(of failure: DecodingFailure) {
        unknownKeys = failure.unknownKeys
    }

    /// Whether a list or dictionary is to be read as if the value were not there.
    func isOmitted(_ path: [any CodingKey]) -> Bool {
        !omitted.isEmpty && omitted.contains(path.map(\.name))
    }

    func diagnostics(with failures: [DecodingFailure]) -> [Diagnostic] {
        // A misspelt key would be told twice: as unknown, and as the one that is missing.
        let spelt = Set(unknownKeys.compactMap { key in key.suggestion.map { key.path + [$0] } })
        let real = failures.filter { $0.missingKey == nil || !spelt.contains($0.path) }
        return real.flatMap(\.diagnostics) + unknownKeys.map(\.diagnostic)
    }

    func hasStandIn(_ path: [any CodingKey]) -> Bool {
        standIns.contains(path.map(\.name))
    }

    // MARK: Values

    /// The value of a node at a path. Without a node, a stand-in.
    func value<Value: Decodable>(
        _ type: Value.Type, from node: YAMLNode?, path: [any CodingKey], use: KeyUse? = nil
    ) throws -> Value {
        guard let node else { return try standIn(type, path: path) }
        if !standIns.isEmpty, standIns.contains(path.map(\.name)) {
            return try standIn(type, path: path)
        }
        let keysBefore = unknownKeys.count
        do {
            if let scalarType = type as? any YAMLScalarValue.Type {
                if let value = try scalarType.init(node, subject: subject(path)) as? Value {
                    return value
                }
            }
            let decoder = YAMLNodeDecoder(node: node, path: path, run: self, use: use ?? KeyUse())
            let value = try Value(from: decoder)
            if use == nil { try check(decoder.use, of: node, path: path) }
            return value
        } catch {
            var failure = failure(error, at: node, path: path, type: type)
            failure.unknownKeys += unknownKeys[keysBefore...]
            unknownKeys.removeSubrange(keysBefore...)
            throw failure
        }
    }

    private func standIn<Value: Decodable>(
        _ type: Value.Type, path: [any CodingKey]
    ) throws -> Value {
        let consequence =
            isOmitted(path)
            ? DecodingFailure(
                path: path.dropLast().map(\.name), diagnostics: [], isConsequence: true)
            : DecodingFailure(
                path: path.map(\.name), diagnostics: [], isConsequence: true, isToBeOmitted: true)
        guard path.count <= YAMLLimits.standard.depth else { throw consequence }
        if let scalar = type as? any YAMLScalarValue.Type, let value = scalar.standIn as? Value {
            return value
        }
        if let cases = type as? any CaseIterable.Type, let value = cases.firstCase as? Value {
            return value
        }
        let decoder = YAMLNodeDecoder(node: nil, path: path, run: self, use: KeyUse())
        do { return try Value(from: decoder) } catch { throw consequence }
    }

    // MARK: Failures

    /// The failure that an error stands for: itself, or one at the innermost node it passed.
    func failure(
        _ error: any Error, at node: YAMLNode, path: [any CodingKey], type: Any.Type? = nil
    ) -> DecodingFailure {
        if let failure = error as? DecodingFailure { return failure }
        let names = path.map(\.name)
        if standIns.contains(where: { $0.starts(with: names) }) {
            return DecodingFailure(path: names, diagnostics: [], isConsequence: true)
        }
        let diagnostics =
            switch error {
            case let error as DiagnosticsError: error.diagnostics
            case let error as YAMLValueError: [valueDiagnostic(error, at: node)]
            case let error as DecodingError:
                [
                    choiceDiagnostic(type, at: node, path: path)
                        ?? diagnostic(for: error, at: node, path: path)
                ]
            default:
                [Diagnostic(category: .value, at: node, message: "\(subject(path)): \(error)")]
            }
        return DecodingFailure(path: names, diagnostics: diagnostics)
    }

    private func valueDiagnostic(_ error: YAMLValueError, at node: YAMLNode) -> Diagnostic {
        guard let offset = error.offset else {
            return Diagnostic(
                category: .value, at: node, message: error.message, help: error.help)
        }
        return Diagnostic(
            category: .value, inside: node, offset: offset, length: error.length,
            message: error.message, help: error.help)
    }

    /// Of an enumeration that lists its cases, the list is the answer.
    private func choiceDiagnostic(
        _ type: Any.Type?, at node: YAMLNode, path: [any CodingKey]
    ) -> Diagnostic? {
        guard let cases = type as? any CaseIterable.Type, let scalar = node.scalar else {
            return nil
        }
        let choices = cases.rawValues
        guard !choices.isEmpty else { return nil }
        let allowed = "possible are \(Suggestion.list(choices, joinedBy: "and"))"
        return Diagnostic(
            category: .value, at: node,
            message: "\(subject(path)) cannot be \(scalar.kindInWords)",
            help: Suggestion.question(for: scalar.text, among: choices).map { "\($0) \(allowed)" }
                ?? allowed)
    }

    private func diagnostic(
        for error: DecodingError, at node: YAMLNode, path: [any CodingKey]
    ) -> Diagnostic {
        let context: DecodingError.Context? =
            switch error {
            case .dataCorrupted(let context), .keyNotFound(_, let context),
                .typeMismatch(_, let context), .valueNotFound(_, let context):
                context
            @unknown default: nil
            }
        let place = context.map { find($0.codingPath) ?? node } ?? node
        let said = context?.debugDescription ?? "\(error)"
        return Diagnostic(
            category: .value, at: place,
            message: "\(subject(context?.codingPath ?? path)) cannot be used: \(said)")
    }

    private func find(_ path: [any CodingKey]) -> YAMLNode? {
        var node: YAMLNode? = root
        for key in path {
            if let index = (key as? IndexKey)?.index, let items = node?.sequence {
                node = items.indices.contains(index) ? items[index] : nil
            } else {
                node = node?[key.stringValue]
            }
        }
        return node
    }

    // MARK: Keys

    func missing(_ key: any CodingKey, in node: YAMLNode, path: [any CodingKey]) -> DecodingFailure
    {
        let diagnostic = Diagnostic(
            category: .missing, at: node, message: "'\(key.stringValue)' is missing here",
            help: "add '\(key.stringValue): …'")
        return DecodingFailure(
            path: (path + [key]).map(\.name), diagnostics: [diagnostic],
            missingKey: key.stringValue)
    }

    private func check(_ use: KeyUse, of node: YAMLNode, path: [any CodingKey]) throws {
        for child in use.children {
            try check(child.use, of: child.node, path: child.path)
        }
        guard use.isKeyed || !use.isUsed else { return }
        guard let pairs = node.mapping else {
            // A type without properties asks for nothing at all.
            if node.isNull { return }
            throw YAMLValueError(
                message: "\(subject(path)) must be a mapping without keys, not \(node.kindInWords)")
        }
        for pair in pairs where !use.hasAsked(pair.name) {
            let names = path.map(\.name)
            let near = Suggestion.nearest(to: pair.name, among: use.names).first
            let help =
                near.map { "did you mean '\($0)'?" }
                ?? (use.names.isEmpty
                    ? "no keys are expected here"
                    : "known here: \(Suggestion.list(use.names, joinedBy: "and"))")
            let diagnostic = Diagnostic(
                category: .unknownKey, at: pair.key,
                message: "unknown key '\(pair.name.shortened(to: 60))'", help: help)
            unknownKeys.append(UnknownKey(path: names, suggestion: near, diagnostic: diagnostic))
        }
    }

    /// What a message speaks of: `'copies'`, `item 2 of 'run'`.
    func subject(_ path: [any CodingKey]) -> String {
        guard let last = path.last else { return "this value" }
        guard let key = last as? IndexKey else { return "'\(last.stringValue)'" }
        return "item \(key.index + 1) of \(subject(path.dropLast()))"
    }
}

/// Which keys of a mapping a type asked for.
final class KeyUse {
    /// Whether the type looked at its node at all.
    var isUsed = false
    var isKeyed = false
    private(set) var names: [String] = []
    /// The names of a type that has asked for many; few are searched.
    private var asked: Set<String> = []
    /// What was asked of the mappings below, where the type reads them itself.
    private(set) var children: [(use: KeyUse, node: YAMLNode, path: [any CodingKey])] = []
    private var childrenByName: [String: KeyUse] = [:]

    func ask(_ name: String) {
        guard !hasAsked(name) else { return }
        names.append(name)
        if names.count == Self.few { asked.formUnion(names) }
        if names.count > Self.few { asked.insert(name) }
    }

    func hasAsked(_ name: String) -> Bool {
        names.count < Self.few ? names.contains(name) : asked.contains(name)
    }

    private static let few = 12

    /// The use of a mapping below, one and the same however often the type opens it.
    func child(at path: [any CodingKey], of node: YAMLNode) -> KeyUse {
        let name = path.last?.name ?? ""
        if let known = childrenByName[name] { return known }
        let use = KeyUse()
        childrenByName[name] = use
        children.append((use, node, path))
        return use
    }
}

extension CodingKey {
    /// Names a step of a path, an index apart from a key that looks like one: the keys of a
    /// dictionary have an `intValue` too.
    fileprivate var name: String { (self as? IndexKey).map { "#\($0.index)" } ?? stringValue }
}

extension CaseIterable {
    fileprivate static var firstCase: Any? { allCases.first }

    /// The raw values as they are written in a file; empty for cases without.
    fileprivate static var rawValues: [String] {
        allCases.compactMap { ($0 as? any RawRepresentable)?.rawText }
    }
}

extension RawRepresentable {
    fileprivate var rawText: String { "\(rawValue)" }
}
