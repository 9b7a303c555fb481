import Foundation
import Glibc

/// The terminal, or whatever stands in its place.
enum Console {
    /// Where texts go: to their descriptor, unless the running task has set something else.
    @TaskLocal static var sink: @Sendable (String, Int32) -> Void = { write($0, to: $1) }

    /// Writes a line to standard output.
    static func print(_ text: String) { sink(text + "\n", STDOUT_FILENO) }

    /// Writes an error to standard error, in one line with its mark.
    static func error(_ message: String) {
        let mark = useColour(on: STDERR_FILENO) ? "\u{1B}[31merror:\u{1B}[0m " : "error: "
        sink(mark + message.printable(lineBreaks: .kept) + "\n", STDERR_FILENO)
    }

    /// Writes a text to standard error as it is.
    static func errorVerbatim(_ text: String) { sink(text + "\n", STDERR_FILENO) }

    /// Whether a descriptor is a terminal that wants colour (see no-color.org).
    static func useColour(on descriptor: Int32) -> Bool {
        isTerminal(descriptor) && ProcessInfo.processInfo.environment["NO_COLOR"]?.isEmpty ?? true
            && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    /// Whether a terminal knows the codes that move the cursor.
    static var canMoveCursor: Bool { ProcessInfo.processInfo.environment["TERM"] != "dumb" }

    /// Whether a descriptor is a terminal.
    static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Writes all of a text, also when the reader is slow; a reader that is gone is nobody's loss.
    static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}

/// Signals that mean nothing to this program.
enum Signals {
    /// A write to a reader that is gone becomes an error of that write, instead of the end of the
    /// process with all its runs: a log that is piped to `head`, a program that does not read its
    /// input. Programs that are started do not inherit it.
    static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }
}
