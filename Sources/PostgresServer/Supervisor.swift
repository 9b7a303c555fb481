import Foundation
import Glibc

/// The server, and a shell that ends it when this process is gone.
///
/// The shell holds the reading end of a pipe whose only writing end is ours. The kernel closes
/// that end however this process dies, `kill -9` included; the shell then shuts the server down.
final class Supervisor: Sendable {
    private let shell: ChildProcess
    let lifeline: Lifeline

    /// `$1`: seconds for a fast shutdown; `$2`: a directory to remove at the end, or nothing.
    ///
    /// A shutdown signal is repeated, as a server that has just begun may miss the first one.
    private static let script = """
        trap '' HUP INT TERM
        limit=$(($1 * 5)) leftover=$2
        shift 2
        exec 3<&0 </dev/null
        "$@" 3<&- &
        server=$!
        (
            while read -r _ <&3; do :; done
            while [ "$limit" -gt 0 ] && kill -INT "$server"; do
                sleep 0.2
                limit=$((limit - 1))
            done
            kill -QUIT "$server" && sleep 5 && kill -KILL "$server"
        ) >/dev/null 2>&1 &
        watcher=$!
        exec 3<&-
        wait "$server"
        status=$?
        kill -KILL "$watcher"
        wait "$watcher" 2>/dev/null
        [ -z "$leftover" ] || rm -rf -- "$leftover"
        exit "$status"
        """

    init(
        _ command: [String], account: ServerAccount, log: Int32, stopTimeoutSeconds: Int,
        directoryToRemove: String?
    ) throws {
        let (input, output) = try ChildProcess.pipe()
        defer { close(input) }
        lifeline = Lifeline(descriptor: output)
        let arguments = [
            "/bin/sh", "-c", Self.script, "almanac-postgres", String(max(1, stopTimeoutSeconds)),
            directoryToRemove ?? "",
        ]
        shell = try ChildProcess(
            account.command(arguments + command), input: input, output: log)
    }

    deinit {
        lifeline.cut()
    }

    var isRunning: Bool { shell.isRunning }

    /// Whether that process is one of ours, and not what an earlier server left written.
    func owns(_ process: pid_t) -> Bool {
        getsid(process) == shell.processID
    }

    /// False when the server still runs at the end of that time.
    func waitForExit(seconds: Double) -> Bool {
        shell.waitForExit(seconds: seconds)
    }

    /// Ends the server and waits for it. What does not end in that time is killed.
    func stop(timeoutSeconds: Int) {
        lifeline.cut()
        if shell.waitForExit(seconds: Double(timeoutSeconds) + 8) { return }
        // The postmaster is in the shell's process group; its backends end when they miss it.
        kill(-shell.processID, SIGKILL)
        _ = shell.waitForExit(seconds: 5)
    }
}
