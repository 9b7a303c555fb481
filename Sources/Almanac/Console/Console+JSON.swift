import AlmanacCore
import Foundation

extension Console {
    /// Writes a value as one JSON document.
    static func printJSON(_ value: some Encodable) throws {
        Self.print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// Writes rows of the audit table as one JSON document.
    static func printJSON(_ records: [RunRecord]) throws {
        try printJSON(object: records.map(members))
    }

    /// Writes a row of the audit table as one JSON document.
    static func printJSON(_ record: RunRecord) throws {
        try printJSON(object: members(of: record))
    }

    private static func printJSON(object: Any) throws {
        let data = try JSONSerialization.data(
            withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        Self.print(String(decoding: data, as: UTF8.self))
    }

    /// A row by the names of its columns: its id as Postgres writes it, and what is JSON in the
    /// table as JSON.
    private static func members(of record: RunRecord) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: encoder.encode(record))
        var members = object as? [String: Any] ?? [:]
        members["run_id"] = record.runID.uuidString.lowercased()
        for column in ["result", "parameters", "retry", "overrides", "stop_steps", "progress"] {
            guard let text = members[column] as? String else { continue }
            let value = try? JSONSerialization.jsonObject(
                with: Data(text.utf8), options: .fragmentsAllowed)
            members[column] = value ?? text
        }
        return members
    }

    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(LogTime(date: date).rfc3339)
        }
        return encoder
    }
}
