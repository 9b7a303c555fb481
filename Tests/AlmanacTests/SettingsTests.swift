import AlmanacCore
import ArgumentParser
import Foundation
import Logging
import Testing

@testable import Almanac

/// One setting and what each of its four places says.
struct SettingCase: Sendable, CustomTestStringConvertible {
    var name: String
    var option: [String]
    var variable: (name: String, value: String)
    var line: String
    /// As the option, the variable, the file and the default have it.
    var values: [String]
    var read: @Sendable (Settings) -> String

    var testDescription: String { name }

    static let all: [SettingCase] = [
        SettingCase(
            name: "database", option: ["--database", "host=option"],
            variable: ("DATABASE_URL", "host=variable"), line: "database: host=file",
            values: ["host=option", "host=variable", "host=file", "none"],
            read: { $0.database ?? "none" }),
        SettingCase(
            name: "schedules", option: ["--schedules", "a", "b"],
            variable: ("SCHEDULES", "c:d"), line: "schedules: [e, f]",
            values: ["a b", "c d", "e f", "Schedules"],
            read: { $0.schedules.joined(separator: " ") }),
        SettingCase(
            name: "workers", option: ["--workers", "1"], variable: ("WORKERS", "2"),
            line: "workers: 3", values: ["1", "2", "3", "8"], read: { "\($0.workers)" }),
        SettingCase(
            name: "schema", option: [], variable: ("SCHEMA", "s1"), line: "schema: s2",
            values: ["s1", "s1", "s2", "almanac"], read: { $0.schema }),
        SettingCase(
            name: "logLevel", option: [], variable: ("LOG_LEVEL", "error"),
            line: "logLevel: trace", values: ["error", "error", "trace", "info"],
            read: { $0.logLevel.rawValue }),
        SettingCase(
            name: "logFormat", option: [], variable: ("LOG_FORMAT", "json"),
            line: "logFormat: text", values: ["json", "json", "text", "auto"],
            read: { $0.logFormat.rawValue }),
        SettingCase(
            name: "gracePeriodSeconds", option: [], variable: ("GRACE_PERIOD_SECONDS", "0"),
            line: "gracePeriodSeconds: 5", values: ["0", "0", "5", "30"],
            read: { "\($0.gracePeriodSeconds)" }),
        SettingCase(
            name: "backlogLimit", option: [], variable: ("BACKLOG_LIMIT", "0"),
            line: "backlogLimit: 5", values: ["0", "0", "5", "500"],
            read: { "\($0.backlogLimit)" }),
        SettingCase(
            name: "suspectAfterSeconds", option: [], variable: ("SUSPECT_AFTER_SECONDS", "9"),
            line: "suspectAfterSeconds: 5", values: ["9", "9", "5", "60"],
            read: { "\($0.suspectAfterSeconds)" }),
        SettingCase(
            name: "environment", option: [], variable: ("ENVIRONMENT", "staging"),
            line: "environment: test", values: ["staging", "staging", "test", "none"],
            read: { $0.environment ?? "none" }),
        SettingCase(
            name: "dataDirectory", option: [], variable: ("DATA_DIRECTORY", "/a"),
            line: "dataDirectory: /b", values: ["/a", "/a", "/b", ".almanac"],
            read: { $0.dataDirectory }),
    ]
}

@Suite("Settings")
struct SettingsTests {
    /// Settings with a file of that text; without one, with an empty file.
    private func settings(
        _ arguments: [String] = [], _ environment: [String: String] = [:], file text: String = ""
    ) throws -> Settings {
        let folder = try Folder(["almanac.yaml": text])
        let config = ["--config", folder.path("almanac.yaml")]
        return try Settings(
            options: try GlobalOptions.parse(config + arguments), environment: environment)
    }

    private func failure(
        _ arguments: [String] = [], _ environment: [String: String] = [:], file text: String = ""
    ) throws -> CommandFailure {
        try #require(throws: CommandFailure.self) {
            try settings(arguments, environment, file: text)
        }
    }

    @Test(
        "an option wins over a variable, that over the file, that over the default",
        arguments: SettingCase.all)
    func precedence(of setting: SettingCase) throws {
        let variables = ["ALMANAC_" + setting.variable.name: setting.variable.value]
        let found = [
            setting.read(try settings(setting.option, variables, file: setting.line)),
            setting.read(try settings([], variables, file: setting.line)),
            setting.read(try settings([], [:], file: setting.line)),
            setting.read(try settings()),
        ]
        #expect(found == setting.values)
    }

    @Test("an empty variable is no setting", arguments: SettingCase.all)
    func emptyVariable(of setting: SettingCase) throws {
        let variables = ["ALMANAC_" + setting.variable.name: ""]
        #expect(setting.read(try settings([], variables)) == setting.values[3])
    }

    @Test("the file can be named by a variable, and the option wins")
    func namedFile() throws {
        let folder = try Folder(["one.yaml": "workers: 11", "two.yaml": "workers: 12"])
        let environment = ["ALMANAC_CONFIG": folder.path("one.yaml")]
        let byVariable = try Settings(
            options: try GlobalOptions.parse([]), environment: environment)
        let byOption = try Settings(
            options: try GlobalOptions.parse(["--config", folder.path("two.yaml")]),
            environment: environment)
        #expect(byVariable.workers == 11)
        #expect(byOption.workers == 12)
    }

    @Test(
        "a wrong variable is named with what it takes",
        arguments: [
            ("WORKERS", "x", "a whole number from 1 to 512"),
            ("WORKERS", "0", "a whole number from 1 to 512"),
            ("WORKERS", "513", "a whole number from 1 to 512"),
            ("WORKERS", "99999999999999999999", "a whole number from 1 to 512"),
            ("WORKERS", "8 ", "a whole number from 1 to 512"),
            ("GRACE_PERIOD_SECONDS", "-1", "a whole number from 0 to 86400"),
            ("GRACE_PERIOD_SECONDS", "30s", "a whole number from 0 to 86400"),
            ("LOG_LEVEL", "loud", "trace, debug, info, notice, warning, error, critical"),
            ("LOG_LEVEL", "INFO", "trace, debug, info"),
            ("LOG_FORMAT", "yaml", "auto, text, json"),
            ("SCHEMA", "pg_mine", "do not begin with pg_"),
            ("SCHEMA", String(repeating: "s", count: 56), "1 to 55 bytes"),
        ])
    func wrongVariable(name: String, value: String, expected: String) throws {
        let failure = try failure([], ["ALMANAC_" + name: value])
        #expect(failure.status == .usage)
        #expect(failure.message.hasPrefix("ALMANAC_\(name) is '\(value)'; it "))
        #expect(failure.message.contains(expected))
    }

    @Test("all wrong settings are named at once, each by where it comes from")
    func allWrong() throws {
        let failure = try failure(
            ["--workers", "0", "--database", ""],
            [
                "ALMANAC_LOG_LEVEL": "loud", "ALMANAC_LOG_FORMAT": "loud", "ALMANAC_SCHEMA": "pg_",
                "ALMANAC_GRACE_PERIOD_SECONDS": "soon",
            ], file: "wokers: 3")
        let named = [
            "almanac.yaml:1:1: error: unknown key 'wokers'", "--workers is '0'",
            "--database is empty", "ALMANAC_LOG_LEVEL is 'loud'", "ALMANAC_LOG_FORMAT is 'loud'",
            "ALMANAC_SCHEMA is 'pg_'", "ALMANAC_GRACE_PERIOD_SECONDS is 'soon'",
        ]
        #expect(named.filter { !failure.message.contains($0) } == [])
    }

    @Test("a variable that an option overrules is looked at all the same")
    func overruledVariable() throws {
        let failure = try failure(["--workers", "4"], ["ALMANAC_WORKERS": "many"])
        #expect(failure.message.contains("ALMANAC_WORKERS is 'many'"))
    }

    @Test("a file that was named and is not there is an error")
    func missingFile() throws {
        let options = try GlobalOptions.parse(["--config", "/nowhere/almanac.yaml"])
        let failure = try #require(throws: CommandFailure.self) {
            try Settings(options: options, environment: [:])
        }
        #expect(failure.message.contains("/nowhere/almanac.yaml cannot be read"))
        #expect(failure.status == .usage)
    }
}

@Suite("The configuration file")
struct SettingsFileTests {
    /// The first line of each diagnostic.
    private func problems(_ text: String) throws -> [String] {
        let folder = try Folder(["c.yaml": text])
        do {
            _ = try SettingsFile.load(path: folder.path("c.yaml"))
            return []
        } catch {
            #expect(error.status == .usage)
            return error.message.replacing(folder.path + "/", with: "").split(separator: "\n")
                .map(String.init)
        }
    }

    @Test(
        "what is wrong is shown with its place and what to do",
        arguments: [
            ("workers: 0", "c.yaml:1:10: error: 'workers' cannot be that", "from 1 to 512"),
            ("workers: 513", "c.yaml:1:10: error: 'workers' cannot be that", "from 1 to 512"),
            ("workers: many", "c.yaml:1:10: error: 'workers' must be", nil),
            ("workers: 1.5", "c.yaml:1:10: error: 'workers' must be", nil),
            ("worker: 3", "c.yaml:1:1: error: unknown key 'worker'", "did you mean 'workers'?"),
            (
                "database_url: x", "c.yaml:1:1: error: unknown key 'database_url'", nil
            ),
            ("workers: 1\nworkers: 2", "c.yaml:2:1: error:", nil),
            ("logLevel: loud", "c.yaml:1:11: error: 'logLevel' cannot be", "'trace'"),
            ("logFormat: fancy", "c.yaml:1:12: error: 'logFormat' cannot be", "'auto'"),
            ("schedules: Schedules", "c.yaml:1:12: error: 'schedules' must be a list", nil),
            ("schedules: []", "c.yaml:1:12: error: 'schedules' cannot be that", "name files"),
            ("gracePeriodSeconds: -1", "c.yaml:1:21: error:", "from 0 to 86400"),
            ("gracePeriodSeconds: 30s", "c.yaml:1:21: error:", nil),
            ("\nschema: pg_catalog", "c.yaml:2:9: error: 'schema' cannot be", "pg_"),
            ("schema: ''", "c.yaml:1:9: error: 'schema' cannot be that", "1 to 55 bytes"),
            ("database: ''", "c.yaml:1:11: error: 'database' cannot be", "private server"),
            ("dataDirectory: ''", "c.yaml:1:16: error:", "name a directory"),
            ("- workers: 3", "c.yaml:1:1: error:", nil), ("workers: [", "c.yaml:2:1: error:", nil),
            ("workers:\n\t3", "c.yaml:2:1: error:", nil),
        ] as [(String, String, String?)])
    func diagnostics(text: String, line: String, help: String?) throws {
        let problems = try problems(text)
        #expect(problems.first?.hasSuffix("c.yaml is not valid") == true)
        #expect(problems.contains { $0.hasPrefix(line) }, "\(problems)")
        if let help {
            #expect(problems.contains { $0.contains("help: ") && $0.contains(help) })
        }
    }

    @Test("all problems of a file are shown at once")
    func allProblems() throws {
        let text = "workers: many\nschema: 1\nlogFormat: x\nnew: 1\nschedules: 5\n"
        let problems = try problems(text).filter { $0.hasPrefix("c.yaml:") }
        #expect(problems.count == 4)
    }

    @Test(
        "a file that says nothing is no error",
        arguments: ["", "\n", "# nothing\n", "---\n", "{}", "workers:\n", "~"])
    func nothing(text: String) throws {
        #expect(try problems(text) == [])
    }

    @Test("the file that comes with the project is valid, and so it is with all its settings on")
    func ownFile() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Config/almanac.yaml")
        let text = try String(contentsOf: root, encoding: .utf8)
        #expect(try problems(text) == [])
        let settings = text.replacing(#/(?m)^# (?=[a-zA-Z]+: )/#, with: "")
        #expect(settings.contains("\nworkers: 8"))
        #expect(try problems(settings) == [])
    }

    @Test("a file that is not UTF-8 or too large is answered, too")
    func bytes() throws {
        let folder = try Folder()
        try Data([0x77, 0xFF, 0xFE, 0x00]).write(to: URL(fileURLWithPath: folder.path("c.yaml")))
        let failure = try #require(throws: CommandFailure.self) {
            try SettingsFile.load(path: folder.path("c.yaml"))
        }
        #expect(failure.message.contains("c.yaml"))
        #expect(failure.status == .usage)
    }

    @Test("a folder in the place of the file is an error, not no file")
    func folder() throws {
        let folder = try Folder(["c.yaml/inner": ""])
        let failure = try #require(throws: CommandFailure.self) {
            try SettingsFile.load(path: folder.path("c.yaml"))
        }
        #expect(failure.message.contains("cannot be read"))
    }
}
