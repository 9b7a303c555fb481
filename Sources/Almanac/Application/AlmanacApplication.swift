public import AlmanacCore
import AlmanacTasks
import ArgumentParser
import Foundation

/// A program of tasks: the whole command line of `almanac`, with tasks of its own.
///
/// ```swift
/// @main struct Nightly: AlmanacApplication {
///     static let tasks: [any BatchTask.Type] = [RestockBook.self]
/// }
/// ```
public protocol AlmanacApplication: SendableMetatype {
    /// The tasks that schedule files can name beside the built-in ones.
    static var tasks: [any BatchTask.Type] { get }
}

extension AlmanacApplication {
    /// Runs the command line and ends the process with its exit code: 0 done, 1 the answer is "no"
    /// or something failed, 2 wrong usage or an invalid file.
    @concurrent public static func main() async {
        Signals.ignoreBrokenPipes()
        let code = await CommandLineRun(arguments: Array(CommandLine.arguments.dropFirst()))
            .perform(tasks: BuiltInTasks.types + tasks)
        // Not a return: other threads may be in the middle of something that nobody waits for.
        exit(code.rawValue)
    }
}

/// One call of the command line.
struct CommandLineRun {
    let arguments: [String]

    func perform(tasks: [any BatchTask.Type]) async -> ExitStatus {
        do {
            let registry = try TaskRegistry(tasks)
            return try await CommandContext.$current.withValue(CommandContext(registry: registry)) {
                try await run()
            }
        } catch let failure as CommandFailure {
            Console.error(failure.message)
            return failure.status
        } catch {
            return report(error)
        }
    }

    private func run() async throws -> ExitStatus {
        try checkName()
        var command = try RootCommand.parseAsRoot(arguments)
        if var asynchronous = command as? any AsyncParsableCommand {
            try await asynchronous.run()
        } else {
            try command.run()
        }
        return .done
    }

    /// The argument parser calls a command that it does not know an unexpected argument.
    private func checkName() throws {
        guard let name = arguments.first, !name.hasPrefix("-") else { return }
        let known = RootCommand.configuration.subcommands.map { $0._commandName } + ["help"]
        guard !known.contains(name) else { return }
        if UpcomingCommands.names.contains(name) {
            throw CommandFailure(
                "`\(name)` is not in version \(AlmanacVersion.text); "
                    + "`\(ProgramName.text) --help` lists what is", status: .usage)
        }
        let hint = Suggestion.question(for: name, among: known).map { "\($0) " } ?? ""
        throw CommandFailure(
            "there is no command '\(name)'; \(hint)`\(ProgramName.text) --help` lists them all",
            status: .usage)
    }

    /// What is left: exit codes, the argument parser's own messages, and errors that nobody has
    /// caught.
    private func report(_ error: any Error) -> ExitStatus {
        // A command that has said all there is to say.
        if let code = error as? ExitCode { return ExitStatus(rawValue: code.rawValue) ?? .failed }
        let code = RootCommand.exitCode(for: error)
        let message = RootCommand.fullMessage(for: error)
        if code == .success {
            Console.print(message)
            return .done
        }
        if code == .validationFailure {
            let mark = "Error: "
            Console.error(
                message.hasPrefix(mark) ? String(message.dropFirst(mark.count)) : message)
            return .usage
        }
        Console.error(String(describing: error))
        return .failed
    }
}

/// The exit codes of the command line.
enum ExitStatus: Int32, Sendable {
    /// Done; the answer is yes.
    case done = 0
    /// Something failed, or the answer is no.
    case failed = 1
    /// Wrong usage or an invalid file.
    case usage = 2
}

/// A command cannot do what it was asked to.
struct CommandFailure: Error {
    let message: String
    let status: ExitStatus

    /// - Parameter message: what happened and what to do, in one sentence.
    init(_ message: String, status: ExitStatus = .failed) {
        self.message = message
        self.status = status
    }
}

/// What every command can reach: the tasks of the program.
struct CommandContext: Sendable {
    @TaskLocal static var current: CommandContext?

    let registry: TaskRegistry

    /// The context of the running command.
    static func required() throws -> CommandContext {
        guard let current else {
            throw CommandFailure("commands run through AlmanacApplication.main() only")
        }
        return current
    }
}
