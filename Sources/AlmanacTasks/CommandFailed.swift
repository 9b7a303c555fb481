import Foundation
import Glibc
import Subprocess
import SystemPackage

/// A program did not do what it was asked to.
public struct CommandFailed: Error, CustomStringConvertible {
    /// The program and its arguments.
    public let command: [String]
    /// How it ended, or why it did not begin.
    public let problem: String

    /// The program and what went wrong; its arguments may hold secrets and are left out.
    public var description: String { "the program \(command.first ?? "") \(problem)" }
}

extension TerminationStatus {
    /// What is wrong with it; nil when the program ended well.
    var problem: String? {
        switch self {
        case .exited(0): nil
        case .exited(let code): "ended with exit code \(code)"
        case .signaled(let signal): "was ended by signal \(signal)\(Self.name(of: signal))"
        }
    }

    /// The signals that end programs.
    private static func name(of signal: Int32) -> String {
        switch signal {
        case SIGHUP: " (SIGHUP)"
        case SIGINT: " (SIGINT)"
        case SIGQUIT: " (SIGQUIT)"
        case SIGILL: " (SIGILL)"
        case SIGTRAP: " (SIGTRAP)"
        case SIGABRT: " (SIGABRT)"
        case SIGBUS: " (SIGBUS)"
        case SIGFPE: " (SIGFPE)"
        case SIGKILL: " (SIGKILL), as by the kernel when memory runs out"
        case SIGSEGV: " (SIGSEGV)"
        case SIGPIPE: " (SIGPIPE)"
        case SIGALRM: " (SIGALRM)"
        case SIGTERM: " (SIGTERM)"
        case SIGXCPU: " (SIGXCPU)"
        default: ""
        }
    }
}

extension CommandTask {
    /// Does what has to be done before the program can start.
    ///
    /// - Throws: `CommandFailed`.
    func started<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            throw CommandFailed(command: commandLine, problem: "could not be started: \(error)")
        }
    }

    /// Why a program could not be started, and what to do.
    func startProblem(_ error: SubprocessError, _ configuration: Configuration) -> String {
        let cause = error.underlyingError.map { ": \($0)" } ?? ""
        let directory = configuration.workingDirectory?.string ?? "."
        switch error.code {
        case .failedToChangeWorkingDirectory:
            return "could not be started in the folder \(directory)\(cause)"
        case .executableNotFound:
            return "could not be started: \(absence(of: commandLine.first ?? "", in: directory))"
        case .spawnFailed where error.underlyingError?.rawValue == ENOEXEC:
            return "could not be started\(cause); a script's first line names its interpreter, as "
                + "in #!/bin/sh"
        case .spawnFailed: return "could not be started\(cause)"
        default: return "was lost: \(error)"
        }
    }

    /// The system says no more than that there is none that it may run.
    private func absence(of program: String, in directory: String) -> String {
        guard program.contains("/") else {
            return "no folder of PATH has such a program; write its path, or set PATH in "
                + "`environment`"
        }
        let path = program.hasPrefix("/") ? program : directory + "/" + program
        var status = stat()
        guard stat(path, &status) == 0 else { return "there is no file \(path)" }
        guard status.st_mode & S_IFMT == S_IFREG else { return "\(path) is not a file" }
        guard access(path, X_OK) == 0 else {
            return
                "\(path) may not be executed; allow it with chmod +x, or name its interpreter, as "
                + "in run: [sh, script.sh]"
        }
        return "the interpreter that the first line of \(path) names is not there"
    }
}
