public import AlmanacCore
import Foundation
import Subprocess
import SystemPackage

/// Runs a program: the built-in task `command`.
///
/// The program is started directly (`run`) or by `/bin/sh -c` (`shell`). It fails the run when it ends
/// with anything but 0. It is the leader of a process group of its own, which is ended with the run,
/// also what the program has left behind in the background; what makes itself a session of its own
/// escapes. Standard output and standard error go to the run's `output`.
///
/// The program gets the scheduler's environment, and `ALMANAC_RUN_ID`, `ALMANAC_JOB`,
/// `ALMANAC_SCHEDULED_FOR` (RFC 3339), `ALMANAC_ATTEMPT` and `ALMANAC_DATABASE_URL`.
///
/// Not guaranteed: the end of the program when the scheduler itself is killed with SIGKILL.
public struct CommandTask: BatchTask {
    /// The name in a schedule file.
    public static let name = "command"

    /// The program, found through PATH unless it has a slash, and its arguments.
    public var run: [String]?
    /// A text for `/bin/sh -c`; instead of `run`.
    public var shell: String?
    /// Added to the environment, or changed in it.
    public var environment: [String: String]?
    /// Where it runs; relative to the schedule file. By default the schedule file's folder.
    public var workingDirectory: String?
    /// What it reads on standard input. By default nothing.
    public var stdin: String?

    /// How long a program may take to end after SIGTERM, before it gets SIGKILL.
    static let patience = Duration.seconds(2)

    /// Exactly one of `run` and `shell`, and a program in it.
    public func validate(_ definition: TaskDefinition) throws {
        switch (run, shell) {
        case (nil, nil): throw InvalidCommand("the task command needs `run` or `shell`")
        case (_?, _?): throw InvalidCommand("the task command takes `run` or `shell`, not both")
        case (let run?, nil) where run.first?.isEmpty ?? true:
            throw InvalidCommand("`run` needs a program: run: [program, argument, …]")
        default: break
        }
    }

    /// Runs the program and waits for its end.
    ///
    /// - Throws: `CommandFailed` when it ends with anything but 0 or cannot be started.
    public func run(_ context: TaskContext) async throws {
        let collector = try OutputCollector()
        let child = ChildGroup()
        defer { context.output = collector.finish(after: child) }
        let status = try await start(context, collector: collector, child: child)
        child.end()
        if let cause = status.problem {
            try context.checkStopped()
            throw CommandFailed(command: commandLine, problem: cause)
        }
    }

    private var commandLine: [String] { run ?? ["/bin/sh", "-c", shell ?? ""] }

    private func start(
        _ context: TaskContext, collector: OutputCollector, child: ChildGroup
    ) async throws -> TerminationStatus {
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [
            .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: Self.patience)
        ]
        let configuration = Configuration(
            executable: executable(), arguments: Arguments(Array(commandLine.dropFirst())),
            environment: .inherit.updating(variables(context)),
            workingDirectory: FilePath(
                workingDirectory.map(context.resolve) ?? context.baseDirectory),
            platformOptions: options)
        let (output, error) = try collector.writingEnds()
        do {
            return try await Subprocess.run(
                configuration, input: .string(stdin ?? ""),
                output: .fileDescriptor(output, closeAfterSpawningProcess: true),
                error: .fileDescriptor(error, closeAfterSpawningProcess: true)
            ) { execution in
                child.began(execution.processIdentifier.value)
            }.terminationStatus
        } catch let error as SubprocessError {
            throw CommandFailed(command: commandLine, problem: "could not be started: \(error)")
        }
    }

    private func executable() -> Executable {
        let program = commandLine.first ?? ""
        return program.contains("/") ? .path(FilePath(program)) : .name(program)
    }

    private func variables(_ context: TaskContext) -> [Environment.Key: String?] {
        var variables: [Environment.Key: String?] = [
            "ALMANAC_RUN_ID": context.runID.uuidString.lowercased(),
            "ALMANAC_JOB": context.job,
            "ALMANAC_SCHEDULED_FOR": context.scheduledFor.formatted(.iso8601),
            "ALMANAC_ATTEMPT": String(context.attempt),
            "ALMANAC_DATABASE_URL": context.connectionString,
        ]
        for (name, value) in environment ?? [:] { variables[.init(stringLiteral: name)] = value }
        return variables
    }
}

extension TerminationStatus {
    /// What is wrong with it; nil when the program ended well.
    var problem: String? {
        switch self {
        case .exited(0): nil
        case .exited(let code): "ended with exit code \(code)"
        case .signaled(let signal): "was ended by signal \(signal)"
        }
    }
}

/// The parameters of a command make no sense.
public struct InvalidCommand: Error, CustomStringConvertible {
    /// What is wrong, and what is right.
    public let description: String

    init(_ description: String) { self.description = description }
}

/// A program did not do what it was asked to.
public struct CommandFailed: Error, CustomStringConvertible {
    /// The program and its arguments.
    public let command: [String]
    /// How it ended.
    public let problem: String

    /// The program and how it ended; its arguments may hold secrets and are left out.
    public var description: String {
        let program = command.first ?? ""
        return "the program \(program) \(problem); what it printed is in the run's output"
    }
}
