import ArgumentParser
import Foundation
import Testing

@testable import Almanac

private let goodFile = """
    version: 1
    jobs:
      rollup:
        every: 1h
        task: sql
        activeDeadlineSeconds: 60
        parameters: {statement: SELECT 1}

    """

private let badFile = """
    version: 1
    jobs:
      rollup:
        evry: 1h
        task: sq

    """

@Suite("The command line")
struct CommandLineTests {
    private let folder: Folder

    init() throws {
        folder = try Folder(["good/a.yaml": goodFile, "bad/a.yaml": badFile, "empty/a.txt": ""])
    }

    private func call(_ arguments: String...) async -> CommandCall {
        await CommandCall(arguments.map { $0.replacing("@", with: folder.path + "/") })
    }

    @Test(
        "wrong usage is code 2, said on standard error alone, with what to do",
        arguments: [
            (["frobnicate"], "there is no command 'frobnicate'"),
            (["runn"], "did you mean 'run'?"), (["histroy"], "did you mean 'history'?"),
            (["run", "--frob"], "Unknown option '--frob'"),
            (["run", "--worker", "3"], "Did you mean '--workers'?"),
            (["run", "--workers"], "--workers"), (["run", "--workers", "x"], "'x' is invalid"),
            (["run", "--workers", "0"], "--workers is '0'; it takes a whole number"),
            (["run", "--for", "5"], "--for: the duration '5' has no unit"),
            (["run", "--for", "soon"], "--for: 'soon' is not a duration"),
            (["run", "--for", "-5s"], "--for"), (["run", "extra"], "Unexpected argument 'extra'"),
            (["exec"], "Missing expected argument '<job>'"), (["show"], "<run>"),
            (["show", "abc"], "at least four characters"),
            (["cancel"], "<run>"), (["cancel", "abc"], "at least four characters"),
            (["cancel", "abcd", "--note", " "], "--note takes a text that says why"),
            (["history", "--state", "runing"], "did you mean 'running'?"),
            (["history", "--state", "x"], "queued, running, succeeded"),
            (["history", "--since", "yesterday"], "2026-11-22T02:30:00Z nor a time like 2h"),
            (["history", "--limit", "0"], "--limit takes a number from 1 to 10000"),
            (["history", "--limit", "-1"], "--limit takes a number from 1 to 10000"),
            (["history", "--limit", "10001"], "--limit takes a number from 1 to 10000"),
            (["next", "--schedules", "@good", "--count", "0"], "--count takes a number from 1"),
            (["next", "--schedules", "@good", "--from", "noon"], "--from: 'noon' is no instant"),
            (["next", "rolup", "--schedules", "@good"], "did you mean 'rollup'?"),
            (["exec", "rolup", "--schedules", "@good"], "did you mean 'rollup'?"),
            (["exec", "x", "--schedules", "@good"], "the schedule has no job 'x'"),
            (["exec", "rollup", "--at", "noon", "--schedules", "@good"], "--at: 'noon' is no"),
            (
                ["exec", "rollup", "--at", "2096-01-01T00:00:00Z", "--schedules", "@good"],
                "--at is in the future; what is still to come is the schedule's"
            ),
            (["next", "--config", "@missing.yaml"], "missing.yaml cannot be read"),
            (["migrate", "--database", ""], "--database is empty"),
            (["history", "--database", "host='x"], "cannot be parsed"),
            (["history", "--database", "postgresql://u:SECRET/db"], "invalid integer value"),
        ])
    func usage(arguments: [String], expected: String) async {
        let arguments = arguments.map { $0.replacing("@", with: folder.path + "/") }
        let call = await CommandCall(arguments)
        #expect(call.status == .usage)
        #expect(call.errors.contains(expected), "\(call.errors)")
        #expect(call.errors.hasPrefix("error: "))
        #expect(!call.errors.contains("SECRET"))
        #expect(call.output == "")
    }

    @Test(
        "an invalid file is code 2 with all errors, and nothing is started",
        arguments: [["run"], ["exec", "rollup"], ["next"]])
    func invalidFile(command: [String]) async {
        let call = await CommandCall(command + ["--schedules", folder.path("bad")])
        #expect(call.status == .usage)
        #expect(call.errors.contains("a.yaml:4:5: error: unknown key 'evry'"))
        #expect(call.errors.contains("did you mean 'every'?"))
        #expect(call.errors.contains("a.yaml:5:11: error: there is no task 'sq'"))
        #expect(call.errors.hasSuffix("error: the schedule has 2 errors; nothing was done\n"))
        #expect(call.output == "")
    }

    @Test(
        "a schedule that is not there is code 2 with what to do",
        arguments: [("missing", "there is no such file or folder"), ("empty", "no '*.yaml' file")])
    func noFile(name: String, expected: String) async {
        let call = await CommandCall(["run", "--schedules", folder.path(name)])
        #expect(call.status == .usage)
        #expect(call.errors.contains(expected) && call.errors.contains("--schedules"))
    }

    @Test("check says what is wrong, and that all is well")
    func check() async {
        let bad = await call("check", "@bad")
        #expect(bad.status == .usage)
        #expect(bad.errors.contains("2 errors, 0 warnings"))
        #expect(!bad.errors.contains("ExitCode"))
        #expect(bad.output == "")
        let good = await call("check", "@good")
        #expect(good.status == .done)
        #expect(good.output == "ok: 1 job in 1 file, 0 warnings\n")
        #expect(good.errors == "")
        let byOption = await call("check", "--schedules", "@bad")
        #expect(byOption.status == .usage)
    }

    @Test("check --json is one document, whatever it finds")
    func checkJSON() async throws {
        for (name, errors) in [("bad", 2), ("good", 0), ("missing", 1)] {
            let call = await call("check", "--json", "@\(name)")
            #expect(call.status == (errors == 0 ? .done : .usage))
            let object = try JSONSerialization.jsonObject(with: Data(call.output.utf8))
            let document = try #require(object as? [String: Any])
            #expect(document["errors"] as? Int == errors)
            #expect((document["diagnostics"] as? [[String: Any]])?.count == errors)
            #expect(call.errors == "")
        }
    }

    @Test("next shows a table, or JSON")
    func next() async throws {
        let from = "2026-11-22T12:00:00Z"
        let table = await call("next", "--schedules", "@good", "--from", from, "--count", "2")
        #expect(table.status == .done)
        let lines = table.output.split(separator: "\n").map { $0.split(separator: " ") }
        #expect(lines.compactMap { $0.first.map(String.init) } == ["JOB", "rollup", "rollup"])
        #expect(lines.last?.contains("2026-11-22T14:00:00Z") == true)
        let json = await call("next", "--json", "--schedules", "@good", "--from", from)
        let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8))
        #expect((object as? [[String: Any]])?.count == 10)
        let none = await call("next", "--schedules", "@good", "--from", "2199-12-31T23:59:00Z")
        #expect(none.output == "nothing comes due\n")
    }

    @Test(
        "--version and --help are code 0 and on standard output",
        arguments: [
            ["--version"], ["run", "--version"], ["--help"], ["-h"], ["help"], ["help", "run"], [],
        ])
    func answers(arguments: [String]) async {
        let call = await CommandCall(arguments)
        #expect(call.status == .done)
        #expect(call.errors == "")
        let isVersion = arguments.last == "--version"
        #expect(isVersion == (call.output == AlmanacVersion.text + "\n"))
        #expect(isVersion || call.output.contains("USAGE: "))
    }

    @Test("a command of a later version says so", arguments: UpcomingCommands.names.sorted())
    func upcoming(name: String) async {
        let call = await CommandCall([name, "--whatever", "x"])
        #expect(call.status == .usage)
        #expect(call.errors.hasPrefix("error: `\(name)` is not in version \(AlmanacVersion.text)"))
        #expect(call.errors.contains("--help"))
    }

    @Test("no command is both here and to come")
    func commandNames() {
        let names = RootCommand.configuration.subcommands.map { $0._commandName }
        #expect(Set(names).isDisjoint(with: UpcomingCommands.names))
        #expect(Set(names).count == names.count)
    }

    @Test(
        "to look at a private server that is not there makes none",
        arguments: [
            ["history"], ["show", "abcd"],
        ])
    func noPrivateServer(command: [String]) async throws {
        let data = folder.path("data")
        try folder.write("dataDirectory: \(data)\n", to: "c.yaml")
        let call = await CommandCall(command + ["--config", folder.path("c.yaml")])
        #expect(call.status == .failed)
        #expect(call.errors.contains("there is no private Postgres in \(data) yet; `run` makes"))
        #expect(!FileManager.default.fileExists(atPath: data))
    }

    @Test("two task types of one name are an error of the program")
    func duplicateTask() async {
        let tape = ConsoleTape()
        let status = await Console.$sink.withValue({ tape.note($0, on: $1) }) {
            await CommandLineRun(arguments: ["check"]).perform(tasks: [Twin.self, OtherTwin.self])
        }
        #expect(status == .failed)
        #expect(tape.errors.contains("the task name 'twin'"))
    }
}

private struct Twin: BatchTask {
    static let name = "twin"
    func run(_ context: TaskContext) async throws {}
}

private struct OtherTwin: BatchTask {
    static let name = "twin"
    func run(_ context: TaskContext) async throws {}
}

@Suite("Help for a newcomer")
struct HelpTests {
    static let commands = [
        "run", "check", "next", "explain", "plan", "exec", "history", "show", "migrate",
    ]

    private func help(_ command: String) async -> String {
        await CommandCall([command, "--help"]).output
    }

    @Test("each command says what it does, how it is written, and its options", arguments: commands)
    func parts(command: String) async {
        let text = await help(command)
        #expect(text.hasPrefix("OVERVIEW: "))
        #expect(text.contains("\nUSAGE: \(ProgramName.text) \(command) "))
        for option in ["--config", "--schedules", "--database", "--workers", "--help"] {
            #expect(text.contains("  \(option)") || text.contains(", \(option)"))
        }
    }

    @Test(
        "what must be given stands before the options",
        arguments: ["exec", "show", "explain", "plan"])
    func argumentsFirst(command: String) async {
        let usage = await help(command).split(separator: "\n").first { $0.hasPrefix("USAGE") }
        #expect(usage?.contains("\(command) <") == true)
    }

    @Test("a default is said once", arguments: commands)
    func defaults(command: String) async {
        let text = await help(command)
        #expect(!text.contains(#/Default: \d+\.\s+\(default/#))
    }

    @Test(
        "the commands that decide a script say their exit codes",
        arguments: ["check", "exec", "plan"])
    func exitCodes(command: String) async {
        #expect(await help(command).contains("Exit code"))
    }

    @Test("the first page leads a newcomer to the first run, and names the settings")
    func rootHelp() async {
        let text = await CommandCall(["--help"]).output
        for command in Self.commands { #expect(text.contains("  \(command) ")) }
        for word in ["check", "next", "run", "history"] {
            #expect(text.contains("  \(ProgramName.text) \(word) "))
        }
        for word in ["ALMANAC_DATABASE_URL", "Config/almanac.yaml", "private Postgres"] {
            #expect(text.contains(word))
        }
        #expect(text.contains("Exit code: 0 done, 1 something failed"))
    }

    @Test("run tells its signals")
    func signals() async {
        let text = await help("run")
        for word in ["SIGTERM", "Ctrl-C", "SIGHUP", "ALMANAC_GRACE_PERIOD_SECONDS"] {
            #expect(text.contains(word))
        }
    }
}
