import Foundation
import Glibc

/// The terminal, or whatever stands in its place.
enum Console {
    /// Writes a line to standard output.
    static func print(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

    /// Writes an error to standard error, in one line with its mark.
    static func error(_ message: String) {
        let mark = useColour(on: STDERR_FILENO) ? "\u{1B}[31merror:\u{1B}[0m " : "error: "
        write(mark + message + "\n", to: STDERR_FILENO)
    }

    /// Writes a text to standard error as it is.
    static func errorVerbatim(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    /// Whether a descriptor is a terminal that wants colour (see no-color.org).
    static func useColour(on descriptor: Int32) -> Bool {
        isTerminal(descriptor) && ProcessInfo.processInfo.environment["NO_COLOR"]?.isEmpty ?? true
            && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

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
