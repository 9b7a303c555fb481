internal import Dispatch
import Foundation
import Glibc

/// A child that inherits nothing but the three descriptors it is given, and is always reaped.
final class ChildProcess: Sendable {
    let processID: pid_t
    private let exited = DispatchGroup()

    /// Starts a program in a session of its own, so that a Ctrl-C in the terminal passes it by.
    ///
    /// Signals are reset: a caller that ignores or blocks SIGTERM does not hand that down.
    init(_ arguments: [String], input: Int32, output: Int32) throws {
        processID = try Self.spawn(arguments, input: input, output: output)
        exited.enter()
        let (child, exited) = (processID, exited)
        Thread.detachNewThread {
            var status: Int32 = 0
            while waitpid(child, &status, 0) < 0 && errno == EINTR {}
            exited.leave()
        }
    }

    var isRunning: Bool { !waitForExit(seconds: 0) }

    /// False when the child still runs at the end of that time.
    func waitForExit(seconds: Double) -> Bool {
        exited.wait(timeout: .now() + seconds) == .success
    }

    /// The environment of every child: nothing of PG* and no language but C leads it astray.
    static var environment: [String] {
        let path = getenv("PATH").map { String(cString: $0) + ":" } ?? ""
        return [
            "PATH=\(path)/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/",
            "PGCONNECT_TIMEOUT=10",
        ]
    }

    static func spawn(_ arguments: [String], input: Int32, output: Int32) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        for descriptor in inheritableDescriptors() {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | newSession
        posix_spawnattr_setflags(&attributes, Int16(flags))

        return try withCStrings(arguments) { argv in
            try withCStrings(environment) { envp in
                var child: pid_t = 0
                let code = posix_spawnp(
                    &child, arguments.first ?? "", &actions, &attributes, argv, envp)
                guard code == 0 else {
                    throw ServerError(
                        code: code == ENOSPC ? .diskFull : .processNotStarted,
                        message: "cannot start \(arguments.first ?? ""): \(systemError(code))")
                }
                return child
            }
        }
    }

    /// `POSIX_SPAWN_SETSID` of glibc's and musl's spawn.h, which show it with _GNU_SOURCE only.
    private static let newSession: Int32 = 0x80

    /// Descriptors that some code of this process left open for children, as ours are not.
    private static func inheritableDescriptors() -> [Int32] {
        Directory.entries("/proc/self/fd").compactMap(Int32.init).filter { descriptor in
            let flags = fcntl(descriptor, F_GETFD)
            return descriptor > 2 && flags >= 0 && flags & FD_CLOEXEC == 0
        }
    }

    /// Lends a null-terminated array of C strings, as `argv` and `envp` are.
    private static func withCStrings<Result>(
        _ strings: [String],
        _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) throws -> Result
    ) throws -> Result {
        var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
        pointers.append(nil)
        defer { pointers.forEach { free($0) } }
        return try pointers.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else {
                throw ServerError(code: .processNotStarted, message: "no program to start")
            }
            return try body(base)
        }
    }
}

/// What the operating system calls that error.
func systemError(_ code: Int32) -> String {
    String(cString: strerror(code))
}
