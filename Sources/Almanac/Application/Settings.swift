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
    /// How many occurrences of the past may run by themselves after a start or an outage.
    var backlogLimit: Int
    /// After how long a node is suspected that gives no sign of life.
    var suspectAfterSeconds: Int
    /// The environment that the process is for, if the schedule files do not say it.
    var environment: String?
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
    /// How long a grace period can be, in seconds.
    static let gracePeriodRange = 0...86_400
    /// How many occurrences of the past may run by themselves.
    static let backlogRange = 0...1_000_000
    /// After how long a node may be suspected, in seconds.
    static let suspectAfterRange = 1...86_400

    /// Resolves the settings of a command.
    ///
    /// - Throws: `CommandFailure` with every wrong setting named by where it comes from.
    init(options: GlobalOptions, environment: [String: String]) throws {
        var reader = SettingsReader(environment: environment)
        let file = reader.file(options.config ?? reader.text("CONFIG"))
        reader.check(options)
        database = options.database ?? reader.text("DATABASE_URL") ?? file.database
        let listed = reader.text("SCHEDULES")?.split(separator: ":").map(String.init)
        schedules =
            options.schedules.isEmpty
            ? listed ?? file.schedules ?? ["Schedules"] : options.schedules
        let workers = reader.integer("WORKERS", in: Self.workerRange)
        self.workers = options.workers ?? workers ?? file.workers ?? 8
        schema = reader.schema() ?? file.schema ?? "almanac"
        logLevel = reader.choice("LOG_LEVEL") ?? file.logLevel ?? .info
        logFormat = reader.choice("LOG_FORMAT") ?? file.logFormat ?? .auto
        gracePeriodSeconds =
            reader.integer("GRACE_PERIOD_SECONDS", in: Self.gracePeriodRange)
            ?? file.gracePeriodSeconds ?? 30
        backlogLimit =
            reader.integer("BACKLOG_LIMIT", in: Self.backlogRange) ?? file.backlogLimit
            ?? SchedulerOptions.usualBacklogLimit
        suspectAfterSeconds =
            reader.integer("SUSPECT_AFTER_SECONDS", in: Self.suspectAfterRange)
            ?? file.suspectAfterSeconds ?? SchedulerOptions.usualSuspectAfterSeconds
        self.environment = reader.environmentName() ?? file.environment
        dataDirectory = reader.text("DATA_DIRECTORY") ?? file.dataDirectory ?? ".almanac"
        guard reader.problems.isEmpty else {
            throw CommandFailure(reader.problems.joined(separator: "\n"), status: .usage)
        }
    }

    /// The environment of the settings, or else of the schedule files.
    ///
    /// - Throws: `CommandFailure` when they disagree.
    func environment(for schedule: Schedule) throws -> String? {
        guard let environment, let other = schedule.environment, other != environment else {
            return environment ?? schedule.environment
        }
        throw CommandFailure(
            "the schedule files are for the environment \(other), and the settings say "
                + "\(environment) (ALMANAC_ENVIRONMENT, or `environment` in the configuration "
                + "file); correct one of them", status: .usage)
    }

    /// What is wrong with the name of a schema; nil when nothing is. Postgres has room for 63
    /// bytes, also in the name of the channel that the schema's name is a part of.
    static func problem(ofSchema name: String) -> String? {
        let fits = (1...Ledger.longestSchemaName).contains(name.utf8.count)
        if fits && !name.contains("\0") && !name.hasPrefix("pg_") { return nil }
        return "it takes the name of a schema: 1 to \(Ledger.longestSchemaName) bytes that do "
            + "not begin with pg_"
    }

    /// What is wrong with a number; nil when it is within the range.
    static func problem(of number: Int?, in range: ClosedRange<Int>) -> String? {
        if let number, range.contains(number) { return nil }
        return "it takes a whole number from \(range.lowerBound) to \(range.upperBound)"
    }
}

/// Reads settings from wherever they stand and collects what is wrong with them.
private struct SettingsReader {
    let environment: [String: String]
    private(set) var problems: [String] = []

    init(environment: [String: String]) { self.environment = environment }

    /// The settings of the file; none when there is something wrong with it.
    mutating func file(_ path: String?) -> SettingsFile {
        do {
            return try SettingsFile.load(path: path)
        } catch {
            problems.append(error.message)
            return SettingsFile()
        }
    }

    /// A variable that is not set or empty is no setting.
    func text(_ name: String) -> String? {
        environment["ALMANAC_" + name].flatMap { $0.isEmpty ? nil : $0 }
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) -> Int? {
        guard let text = text(name) else { return nil }
        let value = Int(text)
        guard let problem = Settings.problem(of: value, in: range) else { return value }
        refuse(name, text, problem)
        return nil
    }

    mutating func choice<Value: RawRepresentable & CaseIterable>(_ name: String) -> Value?
    where Value.RawValue == String {
        guard let text = text(name) else { return nil }
        if let value = Value(rawValue: text) { return value }
        let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
        refuse(name, text, "it is one of \(known)")
        return nil
    }

    mutating func environmentName() -> String? {
        guard let text = text("ENVIRONMENT") else { return nil }
        guard let problem = Schedule.problem(ofEnvironment: text) else { return text }
        refuse("ENVIRONMENT", text, problem)
        return nil
    }

    mutating func schema() -> String? {
        guard let text = text("SCHEMA") else { return nil }
        guard let problem = Settings.problem(ofSchema: text) else { return text }
        refuse("SCHEMA", text, problem)
        return nil
    }

    /// The options have no ranges of their own.
    mutating func check(_ options: GlobalOptions) {
        if let workers = options.workers,
            let problem = Settings.problem(of: workers, in: Settings.workerRange)
        {
            problems.append("--workers is '\(workers)'; \(problem)")
        }
        // What a shell makes of a variable that is not set must not end up in another database.
        if options.database?.isEmpty == true {
            problems.append("--database is empty; name a database, or leave the option out")
        }
    }

    private mutating func refuse(_ name: String, _ text: String, _ problem: String) {
        problems.append("ALMANAC_\(name) is '\(text)'; \(problem)")
    }
}
