import Foundation
import Glibc
import SystemPackage

extension FileDescriptor {
    /// What a program reads a text from.
    ///
    /// A file and not a pipe: a program that does not read all of it would end us with SIGPIPE, or
    /// keep us waiting. It has no name, so nobody else reads it and nothing is left of it.
    ///
    /// - Throws: `Errno`.
    static func input(_ text: String) throws -> FileDescriptor {
        guard !text.isEmpty else { return try .open("/dev/null", .readOnly, options: .closeOnExec) }
        let folder = FileManager.default.temporaryDirectory.path
        var template = Array((folder + "/almanac-stdin-XXXXXX").utf8CString)
        let descriptor = FileDescriptor(rawValue: mkstemp(&template))
        guard descriptor.rawValue >= 0 else { throw Errno(rawValue: errno) }
        unlink(template)
        _ = fcntl(descriptor.rawValue, F_SETFD, FD_CLOEXEC)
        do {
            try descriptor.writeAll(text.utf8)
            try descriptor.seek(offset: 0, from: .start)
            return descriptor
        } catch {
            try? descriptor.close()
            throw error
        }
    }
}
