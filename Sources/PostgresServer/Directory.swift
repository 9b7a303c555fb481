import Foundation
import Glibc

/// Directories made and judged with the operating system's own errors.
enum Directory {
    /// Makes a directory and its parents; those that exist are left as they are.
    static func make(_ path: String, mode: mode_t = 0o755) throws {
        if mkdir(path, mode) == 0 {
            chmod(path, mode)  // whatever the umask says: the server's user has to get through
            return
        }
        switch errno {
        case EEXIST where isDirectory(path): return
        case ENOENT:
            let parent = (path as NSString).deletingLastPathComponent
            guard !parent.isEmpty, parent != path else { throw error(ENOENT, path) }
            try make(parent)
            guard mkdir(path, mode) == 0 || errno == EEXIST else { throw error(errno, path) }
            chmod(path, mode)
        case let code: throw error(code, path)
        }
    }

    /// A fresh private directory whose name nobody can guess.
    static func makePrivate(prefix: String) throws -> String {
        let template = strdup(prefix + "XXXXXX")
        defer { free(template) }
        guard let template, mkdtemp(template) != nil else { throw error(errno, prefix) }
        return String(cString: template)
    }

    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Nil when there is nothing, or nothing we may look at.
    static func owner(_ path: String) -> uid_t? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_uid : nil
    }

    /// The path without links and relative parts.
    static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    /// What a symbolic link says; nil when it is none, or not for us to read.
    static func link(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &buffer, buffer.count)
        return count < 0
            ? nil
            : String(
                decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    static func entries(_ path: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    }

    static func remove(_ path: String) {
        try? FileManager.default.removeItem(atPath: path)
    }

    static func error(_ code: Int32, _ path: String) -> ServerError {
        switch code {
        case ENOSPC, EDQUOT: return diskFull(path)
        default:
            return ServerError(
                code: .directoryNotWritable,
                message: "cannot write to \(path): \(systemError(code)). Choose a directory that "
                    + "you can write to, or name a database of your own with --database")
        }
    }

    static func diskFull(_ path: String, tail: [String] = []) -> ServerError {
        ServerError(
            code: .diskFull,
            message: "the disk that holds \(path) is full; a new server needs about 60 MB. "
                + "Make room there, or choose a directory on another disk",
            logTail: tail)
    }
}
