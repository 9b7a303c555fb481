import AlmanacCore
import Foundation
import Logging

/// What a command goes by: options over environment over file over defaults.
struct Settings: Sendable {
    /// A libpq connection string; none for a private server.
    var database: String?
    /// The schedule files and folders.
    var schedules: [String]
    /// How many runs go on at the same time.
    var workers: Int
    /// The schema of the ledger.
    var schema: String
    /// The least important lines that are logged.
    var logLevel: Logger.Level
    /// How lines are logged.
    var logFormat: LogFormat
    /// How long running runs may go on after a stop was asked for.
    var gracePeriodSeconds: Int
    /// Where the private server has its data.
    var dataDirectory: String
}

/// How lines are logged.
enum LogFormat: String, Sendable, CaseIterable, Decodable {
    /// Text on a terminal, JSON otherwise.
    case auto
    /// For people.
    case text
    /// One JSON object on each line.
    case json
}

extension Settings {
    /// The least and the most workers that make sense; each has a thread and a connection.
    static let workerRange = 1...512

    /// Resolves the settings of a command.
    ///
    /// - Throws: `CommandFailure` with every wrong setting named by where it comes from.
    init(options: GlobalOptions, environment: [String: String]) throws {
        let file = try SettingsFile.load(
            path: options.config ?? environment["ALMANAC_CONFIG"].flatMap { $0.isEmpty ? nil : $0 })
        var reader = SettingsReader(environment: environment)
        database = options.database ?? reader.text("DATABASE_URL") ?? file.database
        schedules =
            options.schedules.isEmpty
            ? reader.text("SCHEDULES")?.split(separator: ":").map(String.init)
                ?? file.schedules ?? ["Schedules"] : options.schedules
        workers =
            options.workers ?? reader.integer("WORKERS", in: Self.workerRange) ?? file.workers ?? 8
        schema = reader.text("SCHEMA") ?? file.schema ?? "almanac"
        logLevel = reader.choice("LOG_LEVEL") ?? file.logLevel ?? .info
        logFormat = reader.choice("LOG_FORMAT") ?? file.logFormat ?? .auto
        gracePeriodSeconds =
            reader.integer("GRACE_PERIOD_SECONDS", in: 0...86_400) ?? file.gracePeriodSeconds ?? 30
        dataDirectory = reader.text("DATA_DIRECTORY") ?? file.dataDirectory ?? ".almanac"
        reader.check(schema: schema)
        reader.check(workers: workers)
        guard reader.problems.isEmpty else {
            throw CommandFailure(reader.problems.joined(separator: "\n"), status: .usage)
        }
    }
}

/// Reads settings from the environment and collects what is wrong with them.
private struct SettingsReader {
    let environment: [String: String]
    var problems: [String] = []

    init(environment: [String: String]) { self.environment = environment }

    /// A variable that is not set or empty is no setting.
    func text(_ name: String) -> String? {
        environment["ALMANAC_" + name].flatMap { $0.isEmpty ? nil : $0 }
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) -> Int? {
        guard let text = text(name) else { return nil }
        guard let value = Int(text), range.contains(value) else {
            problems.append(
                "ALMANAC_\(name) is '\(text)'; it takes a whole number from \(range.lowerBound) "
                    + "to \(range.upperBound)")
            return nil
        }
        return value
    }

    mutating func choice<Value: RawRepresentable & CaseIterable>(_ name: String) -> Value?
    where Value.RawValue == String {
        guard let text = text(name) else { return nil }
        guard let value = Value(rawValue: text) else {
            let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
            problems.append("ALMANAC_\(name) is '\(text)'; it is one of \(known)")
            return nil
        }
        return value
    }

    mutating func check(schema: String) {
        if schema.utf8.count > 63 || schema.contains("\0") || schema.hasPrefix("pg_") {
            problems.append(
                "the schema '\(schema)' is no name that Postgres takes (63 bytes, not pg_…)")
        }
    }

    mutating func check(workers: Int) {
        if !Settings.workerRange.contains(workers) {
            problems.append(
                "\(workers) workers are not possible; there can be "
                    + "\(Settings.workerRange.lowerBound) to \(Settings.workerRange.upperBound)")
        }
    }
}

/// The file `Config/almanac.yaml`: the same settings, all of them optional.
struct SettingsFile: Decodable {
    var database: String?
    var schedules: [String]?
    var workers: Int?
    var schema: String?
    var logLevel: Logger.Level?
    var logFormat: LogFormat?
    var gracePeriodSeconds: Int?
    var dataDirectory: String?

    /// Where the file is looked for when nobody says where it is.
    static let defaultPath = "Config/almanac.yaml"

    /// Reads the file; none at the default place means no settings.
    ///
    /// - Throws: `CommandFailure` with all that is wrong with it.
    static func load(path: String?) throws -> SettingsFile {
        let actual = path ?? defaultPath
        guard let data = FileManager.default.contents(atPath: actual) else {
            if path == nil { return SettingsFile() }
            throw CommandFailure("the configuration file \(actual) cannot be read", status: .usage)
        }
        do {
            let source = try SourceFile(path: actual, bytes: Array(data))
            guard let node = try YAMLParser.parse(source), !node.isNull else {
                return SettingsFile()
            }
            return try YAMLDecoder().decode(SettingsFile.self, from: node)
        } catch let error as DiagnosticsError {
            throw CommandFailure(
                "the configuration file \(actual) is not valid\n"
                    + DiagnosticReport(error.diagnostics).rendered(), status: .usage)
        }
    }
}
