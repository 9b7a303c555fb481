public import AlmanacCore
import Foundation
import Subprocess
import SystemPackage

/// Runs a program: the built-in task `command`.
///
/// The program is started directly (`run`) or by `/bin/sh -c` (`shell`). It fails the run when it
/// ends with anything but 0. It is the leader of a process group of its own, which is ended with
/// the run, also what the program has left behind in the background; what makes itself a session
/// of its own escapes, and what that prints later is lost. Standard output and standard error go to
/// the run's `output`. A run that is stopped sends SIGTERM to the group, and SIGKILL 0.2 seconds
/// later to what is left of it.
///
/// The program gets the scheduler's environment, and `ALMANAC_RUN_ID`, `ALMANAC_JOB`,
/// `ALMANAC_SCHEDULED_FOR` (RFC 3339), `ALMANAC_ATTEMPT` and `ALMANAC_DATABASE_URL`; what
/// `environment` says wins. Of a job with a `window` it gets `ALMANAC_WINDOW_START` and
/// `ALMANAC_WINDOW_END` as well.
///
/// In a channel it gets `ALMANAC_EVENT`, `ALMANAC_SUBJECT`, `ALMANAC_TEXT`, `ALMANAC_JOB` (the job
/// that the message is about) and `ALMANAC_MESSAGE` (all of it as JSON), and reads the text where
/// there is no `stdin`.
///
/// When the scheduler itself is killed with SIGKILL, a small shell that it has begun sends SIGKILL
/// to the groups that are left. Not guaranteed where that shell is killed first.
public struct CommandTask: BatchTask {
    /// The name in a schedule file.
    public static let name = "command"

    /// The program and its arguments. Without a slash the program is found through PATH, that of
    /// `environment` if it has one; with one it is a path that starts at `workingDirectory`.
    public var run: [String]?
    /// A text for `/bin/sh -c`; instead of `run`.
    public var shell: String?
    /// Added to the environment, or changed in it.
    public var environment: [String: String]?
    /// Where it runs; relative to the schedule file. By default the schedule file's folder.
    public var workingDirectory: String?
    /// What it reads on standard input. By default nothing.
    public var stdin: String?

    /// How long a program may take to end after SIGTERM, before it gets SIGKILL. Short, for a run
    /// is to be over within half a second of its deadline.
    static let patience = Duration.milliseconds(200)

    /// Exactly one of `run` and `shell`, a program in it, and names that an environment can have.
    public func validate(_ definition: TaskDefinition) throws {
        switch (run, shell) {
        case (nil, nil):
            throw InvalidParameter(
                "'command' needs 'run' or 'shell'",
                help: "add 'run: [program, argument, …]', or 'shell: …' for a line of shell")
        case (_?, _?):
            throw InvalidParameter(
                "shell", "'command' takes 'run' or 'shell', not both", help: "remove one of them")
        case (let run?, nil) where run.first?.isEmpty ?? true:
            throw InvalidParameter(
                "run", "'run' names no program", help: "write 'run: [program, argument, …]'")
        case (nil, let shell?) where shell.allSatisfy(\.isWhitespace):
            throw InvalidParameter(
                "shell", "'shell' is empty", help: "write what the shell is to do")
        default: try checkTexts()
        }
        if definition.isChannel { try checkShell() }
    }

    /// A program takes texts up to their first NUL, so that one in the middle would cut them short
    /// in silence.
    private func checkTexts() throws {
        let texts = [("run", run ?? []), ("shell", [shell ?? ""])]
        for (name, texts) in texts where texts.contains(where: { $0.utf8.contains(0) }) {
            throw InvalidParameter(name, "'\(name)' holds a NUL", help: "no program can be told it")
        }
        for (name, value) in environment ?? [:] {
            guard let first = name.utf8.first, !(0x30...0x39).contains(first),
                !name.utf8.contains(where: { $0 == 0 || $0 == UInt8(ascii: "=") })
            else {
                throw InvalidParameter(
                    "environment", "'\(name)' cannot be the name of an environment variable",
                    help: "use letters, digits and '_', a letter first")
            }
            if value.utf8.contains(0) {
                throw InvalidParameter(
                    "environment", "the value of '\(name)' holds a NUL",
                    help: "no program can be told it")
            }
        }
    }

    /// Runs the program and waits for its end.
    ///
    /// - Throws: `CommandFailed` when it ends with anything but 0 or cannot be started.
    public func run(_ context: TaskContext) async throws {
        // Once more: now the placeholders have their values.
        try checkTexts()
        let output = try started { try OutputPipe() }
        defer { context.output = output.finish() }
        let status = try await start(context, output: output)
        if let problem = status.problem {
            try context.checkStopped()
            throw CommandFailed(
                command: commandLine,
                problem: "\(problem); what it printed is in the run's output")
        }
    }

    var commandLine: [String] { run ?? ["/bin/sh", "-c", shell ?? ""] }

    private func start(
        _ context: TaskContext, output: OutputPipe
    ) async throws -> TerminationStatus {
        let text = stdin ?? context.placeholderValues.message?.text(of: .text(.text)) ?? ""
        let input = try started { try FileDescriptor.input(text) }
        defer { try? input.close() }
        let configuration = try configuration(context)
        defer { context.noteStop(.endProcesses) }
        do {
            return try await Subprocess.run(
                configuration, input: .fileDescriptor(input, closeAfterSpawningProcess: false),
                output: .fileDescriptor(output.writing, closeAfterSpawningProcess: false),
                error: .fileDescriptor(output.writing, closeAfterSpawningProcess: false)
            ) { execution in
                await ProcessGroup(leader: execution.processIdentifier.value).endAfterLeader()
            }.terminationStatus
        } catch let error as SubprocessError {
            try context.checkStopped()
            throw CommandFailed(
                command: commandLine, problem: startProblem(error, configuration))
        }
    }

    private func configuration(_ context: TaskContext) throws -> Configuration {
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [
            .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: Self.patience)
        ]
        let program = commandLine.first ?? ""
        let directory = workingDirectory.map { context.resolve(path: $0) } ?? context.baseDirectory
        return Configuration(
            executable: program.contains("/") ? .path(FilePath(program)) : .name(program),
            arguments: Arguments(Array(commandLine.dropFirst())),
            environment: .inherit.updating(try variables(context)),
            workingDirectory: FilePath(directory), platformOptions: options)
    }

    private func variables(_ context: TaskContext) throws -> [Environment.Key: String?] {
        let values = context.placeholderValues
        var variables: [Environment.Key: String?] = [
            "ALMANAC_RUN_ID": context.runID.uuidString.lowercased(),
            "ALMANAC_JOB": context.job,
            "ALMANAC_SCHEDULED_FOR": try values.value(of: .scheduledFor),
            "ALMANAC_ATTEMPT": String(context.attempt),
            "ALMANAC_DATABASE_URL": context.connectionString,
        ]
        if context.window != nil {
            variables["ALMANAC_WINDOW_START"] = try values.value(of: .windowStart)
            variables["ALMANAC_WINDOW_END"] = try values.value(of: .windowEnd)
        }
        for (name, value) in values.message?.variables ?? [:] {
            variables[.init(stringLiteral: name)] = value
        }
        for (name, value) in environment ?? [:] { variables[.init(stringLiteral: name)] = value }
        return variables
    }
}
