import AlmanacCore
import Foundation
import Logging

/// The file `Config/almanac.yaml`: the same settings, all of them optional.
struct SettingsFile: Decodable {
    var database: String?
    var schedules: [String]?
    var workers: Int?
    var schema: String?
    var logLevel: Logger.Level?
    var logFormat: LogFormat?
    var gracePeriodSeconds: Int?
    var backlogLimit: Int?
    var suspectAfterSeconds: Int?
    var environment: String?
    var dataDirectory: String?

    /// Where the file is looked for when nobody says where it is.
    static let defaultPath = "Config/almanac.yaml"

    /// Reads the file; none at the default place means no settings.
    ///
    /// - Throws: `CommandFailure` with all that is wrong with it.
    static func load(path: String?) throws(CommandFailure) -> SettingsFile {
        let actual = path ?? defaultPath
        guard let data = FileManager.default.contents(atPath: actual) else {
            if path == nil && !FileManager.default.fileExists(atPath: actual) {
                return SettingsFile()
            }
            throw CommandFailure(
                "the configuration file \(actual) cannot be read; check the path and its rights",
                status: .usage)
        }
        do {
            return try parse(SourceFile(path: actual, bytes: Array(data)))
        } catch let error as DiagnosticsError {
            let report = DiagnosticReport(error.diagnostics).rendered()
            throw CommandFailure(
                "the configuration file \(actual) is not valid\n"
                    + report.trimmingCharacters(in: .newlines), status: .usage)
        } catch {
            throw CommandFailure(
                "the configuration file \(actual) is not valid: \(error)", status: .usage)
        }
    }

    /// The settings of a text.
    ///
    /// - Throws: `DiagnosticsError`.
    static func parse(_ source: SourceFile) throws -> SettingsFile {
        guard let node = try YAMLParser.parse(source), !node.isNull else { return SettingsFile() }
        let file = try YAMLDecoder().decode(SettingsFile.self, from: node)
        let problems = (node.mapping ?? []).compactMap { pair in
            file.problem(of: pair.name).map { problem in
                Diagnostic(
                    category: .value, at: pair.value, message: "'\(pair.name)' cannot be that",
                    help: problem)
            }
        }
        guard problems.isEmpty else { throw DiagnosticsError(problems) }
        return file
    }

    /// What is wrong with a value that is of the right type.
    private func problem(of key: String) -> String? {
        switch key {
        case "workers": workers.flatMap { Settings.problem(of: $0, in: Settings.workerRange) }
        case "gracePeriodSeconds":
            gracePeriodSeconds.flatMap { Settings.problem(of: $0, in: Settings.gracePeriodRange) }
        case "backlogLimit":
            backlogLimit.flatMap { Settings.problem(of: $0, in: Settings.backlogRange) }
        case "suspectAfterSeconds":
            suspectAfterSeconds.flatMap {
                Settings.problem(of: $0, in: Settings.suspectAfterRange)
            }
        case "environment": environment.flatMap(Schedule.problem(ofEnvironment:))
        case "schema": schema.flatMap(Settings.problem(ofSchema:))
        case "database" where database?.isEmpty == true:
            "name a database, or leave the key out for a private server"
        case "dataDirectory" where dataDirectory?.isEmpty == true:
            "name a directory, or leave the key out for .almanac"
        case "schedules" where schedules?.isEmpty == true:
            "name files or folders, or leave the key out for the folder Schedules"
        default: nil
        }
    }
}
