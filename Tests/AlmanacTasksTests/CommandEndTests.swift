import AlmanacCore
import Foundation
import Testing

@Suite("How a program ends")
struct CommandEndTests {
    @Test("with 0 the run has succeeded, and what was printed is its output")
    func success() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            "task: command\nparameters: {run: [echo, one, 'two  three']}")
        #expect(row.state == .succeeded)
        #expect(row.output == "one two  three\n")
        #expect(row.errorMessage == nil)
        #expect(row.rowsAffected == nil)
    }

    @Test(
        "with anything else it has failed, and says how",
        arguments: [
            ("exit 1", "ended with exit code 1"),
            ("exit 255", "ended with exit code 255"),
            ("no-such-program-at-all", "ended with exit code 127"),
            ("false; true; exit 3", "ended with exit code 3"),
            (
                "kill -9 $$",
                "was ended by signal 9 (SIGKILL), as by the kernel when memory runs out"
            ),
            ("kill -15 $$", "was ended by signal 15 (SIGTERM)"),
            ("kill -s SEGV $$", "was ended by signal 11 (SIGSEGV)"),
            ("kill -s PIPE $$", "was ended by signal 13 (SIGPIPE)"),
            ("kill -s USR1 $$", "was ended by signal 10"),
        ])
    func failure(shell: String, problem: String) async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run("task: command\nparameters: {shell: \(shell.quoted)}")
        #expect(row.state == .failed)
        #expect(row.errorType == "CommandFailed")
        #expect(
            row.errorMessage
                == "the program /bin/sh \(problem); what it printed is in the run's output")
    }

    @Test("a failure keeps what was printed, and never shows arguments in the message")
    func failureOutput() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            "task: command\nparameters: {run: [sh, -c, 'echo before; exit 7', secret-argument]}")
        #expect(row.state == .failed)
        #expect(row.output == "before\n")
        #expect(row.errorMessage?.contains("secret-argument") == false)
    }

    struct Start: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var parameters: String
        var problem: String

        init(_ name: String, _ parameters: String, _ problem: String) {
            testDescription = name
            self.parameters = parameters
            self.problem = problem
        }
    }

    static let starts = [
        Start(
            "not in PATH", "run: [no-such-program]",
            "no folder of PATH has such a program; write its path, or set PATH in `environment`"),
        Start(
            "not in a PATH of its own", "run: [ls]\nenvironment: {PATH: /nowhere}",
            "no folder of PATH has such a program; write its path, or set PATH in `environment`"),
        Start("no file", "run: [./absent.sh]", "there is no file FOLDER/./absent.sh"),
        Start("a folder", "run: [/tmp]", "/tmp is not a file"),
        Start(
            "not executable", "run: [./plain.sh]",
            "FOLDER/./plain.sh may not be executed; allow it with chmod +x, or name its "
                + "interpreter, as in run: [sh, script.sh]"),
        Start(
            "no interpreter", "run: [./lost.sh]",
            "the interpreter that the first line of FOLDER/./lost.sh names is not there"),
        Start(
            "no first line", "run: [./text.sh]",
            "Exec format error; a script's first line names its interpreter, as in #!/bin/sh"),
        Start(
            "an argument too long", "run: [echo, '${file:long.txt}']", "Argument list too long"),
    ]

    @Test("a program that cannot be started says why, and what to do", arguments: starts)
    func start(example: Start) async throws {
        let fixture = try await TaskFixture()
        try fixture.write("#!/bin/sh\n", to: "plain.sh", permissions: 0o644)
        try fixture.write("#!/no/such/interpreter\n", to: "lost.sh", permissions: 0o755)
        try fixture.write("echo hello\n", to: "text.sh", permissions: 0o755)
        try fixture.write(String(repeating: "x", count: 300_000), to: "long.txt")
        let row = try await fixture.run(
            "task: command\nparameters:\n\(example.parameters.indented(by: 2))")
        let problem = example.problem.replacing("FOLDER", with: fixture.folder.path)
        #expect(row.state == .failed)
        #expect(row.errorType == "CommandFailed")
        #expect(
            row.errorMessage?.hasSuffix(" could not be started: \(problem)") == true,
            "\(row.errorMessage ?? "")")
    }

    @Test(
        "a folder to run in that is none is named",
        arguments: [
            ("absent", "FOLDER/absent: No such file or directory"),
            ("/etc/passwd", "/etc/passwd: Not a directory"),
        ])
    func folder(name: String, problem: String) async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            "task: command\nparameters: {run: [pwd], workingDirectory: \(name)}")
        #expect(
            row.errorMessage
                == "the program pwd could not be started in the folder "
                + problem.replacing("FOLDER", with: fixture.folder.path))
    }

    @Test("a program is not told of a text with NUL in it, which would be cut short")
    func nul() async throws {
        let fixture = try await TaskFixture()
        try fixture.write("a\0b", to: "value")
        for (parameters, name) in [
            ("{run: [echo, '${file:value}']}", "run"), ("{shell: 'echo ${file:value}'}", "shell"),
            ("{run: ['true'], environment: {A: '${file:value}'}}", "A"),
        ] {
            let row = try await fixture.run("task: command\nparameters: \(parameters)")
            #expect(row.state == .failed)
            #expect(row.errorType == "InvalidParameter")
            #expect(row.errorMessage?.contains("'\(name)' holds a NUL") == true)
        }
    }
}
