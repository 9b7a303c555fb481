import Foundation
import Glibc

/// A directory that is gone when this object or this process is, however the process ends.
final class TemporaryDirectory: Sendable {
    let path: String
    private let lifeline: Lifeline

    /// Waits for the end of its input, then for a server that is shutting down in `$1`, a while.
    private static let script = """
        cd /
        trap '' HUP INT TERM
        while read -r _; do :; done
        tries=300
        while [ "$tries" -gt 0 ] && read -r server 2>/dev/null <"$1/postgres/postmaster.pid" &&
            kill -0 "$server" 2>/dev/null
        do
            sleep 0.1
            tries=$((tries - 1))
        done
        rm -rf -- "$1" || { sleep 1; rm -rf -- "$1"; }
        """

    init(in parent: String) throws {
        path = try Directory.makePrivate(prefix: parent + "/almanac-")
        chmod(path, 0o755)  // the server's user has to pass; what is inside is private again
        let (input, output) = try ChildProcess.pipe()
        lifeline = Lifeline(descriptor: output)
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        defer {
            close(input)
            close(null)
        }
        _ = try ChildProcess(
            ["/bin/sh", "-c", Self.script, "almanac-cleanup", path], input: input, output: null)
    }
}
