import Foundation

@testable import AlmanacCore

/// Judges values by the part of JSON Schema (draft 2020-12) that the schema of schedule files uses.
///
/// A word that it does not know is an error of the schema, so that nothing is passed over.
struct JSONSchemaValidator {
    let root: [String: Any]
    private static let words: Set<String> = [
        "$schema", "$defs", "$ref", "title", "description", "examples", "type", "properties",
        "additionalProperties", "propertyNames", "required", "oneOf", "anyOf", "enum", "pattern",
        "minimum", "maximum", "maxLength", "items", "minItems",
    ]

    struct UnknownWord: Error {
        let word: String
    }

    func accepts(_ value: YAMLNode) throws -> Bool { try accepts(value, root) }

    private func accepts(_ node: YAMLNode, _ schema: [String: Any]) throws -> Bool {
        if let word = schema.keys.first(where: { !Self.words.contains($0) }) {
            throw UnknownWord(word: word)
        }
        if let reference = schema["$ref"] as? String {
            let name = reference.replacing("#/$defs/", with: "")
            let target = (root["$defs"] as? [String: Any])?[name] as? [String: Any]
            guard let target, try accepts(node, target) else { return false }
        }
        if let all = schema["anyOf"] as? [[String: Any]] {
            guard try all.contains(where: { try accepts(node, $0) }) else { return false }
        }
        if let all = schema["oneOf"] as? [[String: Any]] {
            guard try all.count(where: { try accepts(node, $0) }) == 1 else { return false }
        }
        guard hasType(node, schema["type"]) else { return false }
        switch node.content {
        case .scalar(let scalar): return accepts(scalar, schema)
        case .sequence(let items): return try accepts(items, schema)
        case .mapping(let pairs): return try accepts(pairs, schema)
        }
    }

    private func hasType(_ node: YAMLNode, _ types: Any?) -> Bool {
        let allowed = (types as? [String]) ?? (types as? String).map { [$0] }
        guard let allowed else { return true }
        let found: [String] =
            switch node.content {
            case .sequence: ["array"]
            case .mapping: ["object"]
            case .scalar(let scalar):
                switch scalar.kind {
                case .null: ["null"]
                case .boolean: ["boolean"]
                case .integer: ["integer", "number"]
                case .float: ["number"]
                case .string: ["string"]
                }
            }
        return !Set(allowed).isDisjoint(with: found)
    }

    private func accepts(_ scalar: YAMLScalar, _ schema: [String: Any]) -> Bool {
        if let choices = schema["enum"] as? [String] {
            guard scalar.kind == .string, choices.contains(scalar.text) else { return false }
        }
        if let pattern = schema["pattern"] as? String, scalar.kind == .string {
            guard let regex = try? Regex(pattern), scalar.text.firstMatch(of: regex) != nil else {
                return false
            }
        }
        if let number = CoreSchema.double(scalar.text), scalar.kind != .string {
            if let least = schema["minimum"] as? Double, number < least { return false }
            if let most = schema["maximum"] as? Double, number > most { return false }
        }
        return true
    }

    private func accepts(_ items: [YAMLNode], _ schema: [String: Any]) throws -> Bool {
        if let least = schema["minItems"] as? Int, items.count < least { return false }
        guard let item = schema["items"] as? [String: Any] else { return true }
        return try items.allSatisfy { try accepts($0, item) }
    }

    private func accepts(_ pairs: [YAMLPair], _ schema: [String: Any]) throws -> Bool {
        let names = Set(pairs.map(\.name))
        guard names.isSuperset(of: schema["required"] as? [String] ?? []) else { return false }
        let properties = schema["properties"] as? [String: [String: Any]] ?? [:]
        for pair in pairs {
            if let rule = schema["propertyNames"] as? [String: Any] {
                guard acceptsName(pair.name, rule) else { return false }
            }
            if let property = properties[pair.name] {
                guard try accepts(pair.value, property) else { return false }
            } else if let rest = schema["additionalProperties"] as? [String: Any] {
                guard try accepts(pair.value, rest) else { return false }
            } else if schema["additionalProperties"] as? Bool == false {
                return false
            }
        }
        return true
    }

    private func acceptsName(_ name: String, _ rule: [String: Any]) -> Bool {
        if let most = rule["maxLength"] as? Int, name.unicodeScalars.count > most { return false }
        guard let pattern = rule["pattern"] as? String, let regex = try? Regex(pattern) else {
            return true
        }
        return name.firstMatch(of: regex) != nil
    }
}
