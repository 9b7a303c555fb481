import Foundation
import Glibc

extension ChildProcess {
    /// What a finished program left behind.
    struct Output {
        var succeeded: Bool
        var text: String

        /// The last lines, for an error.
        var tail: [String] { lastLines(of: text, count: 10) }
    }

    /// Runs a program to its end: standard output and error together, input at most 64 KiB.
    static func run(_ arguments: [String], input: String = "", timeoutSeconds: Double) throws
        -> Output
    {
        let (inputRead, inputWrite) = try pipe()
        let (outputRead, outputWrite) = try pipe()
        defer { close(outputRead) }
        // Written before the child exists, while both ends are ours: no SIGPIPE can come of it.
        let bytes = Array(input.utf8)
        _ = bytes.withUnsafeBytes { write(inputWrite, $0.baseAddress, $0.count) }
        close(inputWrite)
        let child: pid_t
        do {
            defer {
                close(inputRead)
                close(outputWrite)
            }
            child = try spawn(arguments, input: inputRead, output: outputWrite)
        }
        let deadline = Deadline(secondsFromNow: timeoutSeconds)
        let (data, isComplete) = readAll(outputRead, until: deadline)
        if !isComplete { kill(-child, SIGKILL) }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 && errno == EINTR {}
        return Output(
            succeeded: isComplete && status == 0, text: String(decoding: data, as: UTF8.self))
    }

    /// A pipe whose ends no child inherits.
    ///
    /// A socket pair in truth, which can be marked so in the same step; between `pipe` and `fcntl`
    /// another thread's child could come away with an end, and hold it open.
    static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            throw ServerError(
                code: .processNotStarted, message: "cannot make a pipe: \(systemError(errno))")
        }
        return (ends[0], ends[1])
    }

    private static func readAll(_ descriptor: Int32, until deadline: Deadline) -> (Data, Bool) {
        var data = Data()
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&request, 1, deadline.remainingMilliseconds)
            if ready < 0 && errno == EINTR { continue }
            guard ready > 0 else { return (data, false) }
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return (data, true) }
            data.append(contentsOf: buffer[..<count])
        }
    }
}

/// The last lines that are not blank.
func lastLines(of text: String, count: Int) -> [String] {
    text.split(separator: "\n").suffix(count).map { String($0.suffix(500)) }
}
