internal import Foundation

/// The JSON Schema (draft 2020-12) of a schedule file, made from the table of keys that the reader
/// goes by, so that editors complete and check what the reader takes.
///
/// A schema cannot tell everything: which zones, calendars and days there are, whether a cron
/// expression ever fires, what the parameters of a task are. What it refuses, the reader refuses as
/// well.
package struct ScheduleSchema {
    private let taskNames: [String]

    /// - Parameter tasks: the tasks that editors offer. Others are accepted: a program may have
    ///   tasks of its own.
    package init(tasks: any TaskCatalog) {
        taskNames = tasks.taskNames.sorted()
    }

    /// The schema as JSON with its keys in order, with a line break at the end of each line but
    /// the last.
    package var text: String {
        let options: JSONSerialization.WritingOptions = [
            .prettyPrinted, .sortedKeys, .withoutEscapingSlashes,
        ]
        let data =
            (try? JSONSerialization.data(withJSONObject: document, options: options)) ?? Data()
        return String(decoding: data, as: UTF8.self)
    }

    private var document: [String: Any] {
        var document = mapping(.file)
        document["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        document["title"] = "Almanac schedule file"
        document["$defs"] = Dictionary(
            uniqueKeysWithValues: ScheduleKey.Place.allCases.filter { $0 != .file }
                .map { ($0.rawValue, mapping($0)) })
        return document
    }

    // MARK: Mappings

    private func mapping(_ place: ScheduleKey.Place) -> [String: Any] {
        var properties: [String: Any] = [:]
        for key in ScheduleKey.all(in: place) {
            var property = schema(of: key.value)
            property["description"] = key.meaning
            properties[key.name] = property
        }
        var schema: [String: Any] = [
            "type": "object", "properties": properties, "additionalProperties": false,
        ]
        let required = ScheduleKey.required(in: place)
        if !required.isEmpty { schema["required"] = required }
        let choices = ScheduleKey.alternatives(in: place)
        if !choices.isEmpty { schema["oneOf"] = choices.map { ["required": [$0]] } }
        return schema
    }

    // MARK: Values

    private func schema(of value: ScheduleValue) -> [String: Any] {
        switch value {
        // A text takes any scalar as it is written; a null is none.
        case .text, .path: ["type": ["string", "number", "boolean"]]
        case .task: task
        case .boolean: ["type": "boolean"]
        case .integer(let range):
            ["type": "integer", "minimum": range.lowerBound, "maximum": range.upperBound]
        case .number(let range):
            ["type": "number", "minimum": range.lowerBound, "maximum": range.upperBound]
        case .choice(let names): ["type": "string", "enum": names]
        case .duration: text("^0*[1-9][0-9]*[smhd]$", "15m")
        case .timeOfDay: text("^([01][0-9]|2[0-3]):[0-5][0-9]$", "06:00")
        case .pause: text("^[0-9]+[smhd]$", "10s")
        case .instant:
            text(
                "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?"
                    + "([Zz]|[+-][0-9]{2}:[0-9]{2})$", "2026-03-29T02:30:00+01:00")
        case .date: text("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "2026-12-25")
        case .timeZone: text("^[A-Za-z][A-Za-z0-9/_+-]*$", "Europe/Berlin")
        case .cron:
            text(
                "^[ \\t]*(@[A-Za-z]+|[^ \\t@]+([ \\t]+[^ \\t]+){4,5})[ \\t]*$", "30 2 * * *")
        case .weekdays: ["type": ["string", "integer"], "examples": ["SAT,SUN", "MON#1"]]
        case .mapping: ["type": "object"]
        case .keys(let place): ["$ref": "#/$defs/\(place.rawValue)"]
        case .named(_, let value): named(value)
        case .list(let item):
            ["type": "array", "items": schema(of: item), "minItems": 1]
        case .names: ["type": "array", "items": schema(of: .text)]
        case .either(let values): ["anyOf": values.map(schema)]
        case .optional(let value): ["anyOf": [schema(of: value), ["type": "null"]]]
        }
    }

    private func named(_ value: ScheduleValue) -> [String: Any] {
        [
            "type": "object",
            "propertyNames": [
                "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$", "maxLength": ScheduleName.longest,
            ],
            "additionalProperties": schema(of: value),
        ]
    }

    private var task: [String: Any] {
        ["anyOf": [["enum": taskNames], ["type": ["string", "number", "boolean"]]]]
    }

    private func text(_ pattern: String, _ example: String) -> [String: Any] {
        ["type": "string", "pattern": pattern, "examples": [example]]
    }
}
