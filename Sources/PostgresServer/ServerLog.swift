import Foundation
import Glibc

/// The server's log: one file, and the one before it.
struct ServerLog {
    let path: String

    /// A start finds at most so much in the log; more goes to the file before it.
    private static let maximumBytes: off_t = 1 << 20

    /// Opens it for appending; a long one is put aside first, in place of the previous one.
    func open() throws -> Int32 {
        var status = stat()
        if stat(path, &status) == 0, status.st_size > Self.maximumBytes {
            rename(path, path + ".1")
        }
        let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW
        let descriptor = Glibc.open(path, flags, 0o600)
        guard descriptor >= 0 else { throw Directory.error(errno, path) }
        return descriptor
    }

    /// What was written to it since it had so many bytes.
    func text(from offset: UInt64) -> String {
        guard let file = FileHandle(forReadingAtPath: path) else { return "" }
        defer { try? file.close() }
        try? file.seek(toOffset: offset)
        let data = try? file.read(upToCount: Int(Self.maximumBytes))
        return String(decoding: data ?? Data(), as: UTF8.self)
    }

    /// The error that a server ended with which said this.
    func error(_ text: String, dataDirectory: String) -> ServerError {
        let tail = lastLines(of: text, count: 10)
        if Self.tellsOfFullDisk(text) { return Directory.diskFull(dataDirectory, tail: tail) }
        let inUse = ["Address already in use", "already exists", "Is another postmaster"]
        if inUse.contains(where: text.contains) {
            return ServerError(
                code: .socketInUse,
                message: "another server already uses \(dataDirectory) or its socket; stop it, "
                    + "then try again. Log: \(path)",
                logTail: tail)
        }
        return ServerError(
            code: .notReady,
            message: "the server on \(dataDirectory) did not become ready. The end of its log, "
                + "\(path):",
            logTail: tail)
    }

    /// The words of the C library, as every child runs in the C locale.
    static func tellsOfFullDisk(_ text: String) -> Bool {
        text.contains("No space left on device") || text.contains("Disk quota exceeded")
    }
}
