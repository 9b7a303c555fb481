import AlmanacCore

/// A catalog with a few tasks whose parameters are decoded as a registry would.
struct FakeTasks: TaskCatalog {
    struct Statement: Decodable, Sendable {
        var statement: PlaceholderText?
        var file: String?
    }

    struct Command: Decodable, Sendable {
        var run: [PlaceholderText]
        var environment: [String: String]?
        var workingDirectory: String?
    }

    struct RestockBook: Decodable, Sendable {
        enum Mode: String, Decodable, CaseIterable {
            case fast, thorough, dryRun
        }

        var title: String
        var copies: Int
        var mode: Mode?
    }

    struct Cleanup: Decodable, Sendable {}

    private static let types: [String: any (Decodable & Sendable).Type] = [
        "sql": Statement.self, "command": Command.self, "restock-book": RestockBook.self,
        "cleanup": Cleanup.self,
    ]

    var taskNames: [String] { Array(Self.types.keys) }

    func check(
        task name: String, parameters: YAMLNode, definition: TaskDefinition
    ) -> [Diagnostic] {
        guard let type = Self.types[name] else { return [] }
        do {
            _ = try YAMLDecoder().decode(type, from: parameters)
            return []
        } catch {
            return error.diagnostics
        }
    }
}
