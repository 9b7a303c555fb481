internal import Foundation

/// Finds and reads the files of a schedule.
struct ScheduleFiles {
    let collector: DiagnosticCollector
    var limits = YAMLLimits.standard

    /// A file by what it is, not by what it is called.
    private struct Identity: Hashable {
        var device: UInt64
        var node: UInt64
    }

    /// The files of the paths, in the order of the paths and within a folder by name. A file that
    /// is reached in two ways is read once.
    func read(_ paths: [String]) -> [SourceFile] {
        var seen: Set<Identity> = []
        var sources: [SourceFile] = []
        for path in paths.flatMap(expand) {
            guard let (bytes, identity) = contents(of: path), seen.insert(identity).inserted else {
                continue
            }
            do {
                sources.append(try SourceFile(path: path, bytes: bytes, limits: limits))
            } catch {
                collector.add((error as? DiagnosticsError)?.diagnostics ?? [])
            }
        }
        return sources
    }

    /// The bytes of a single file; reported and `nil` where it cannot be read.
    func bytes(of path: String) -> [UInt8]? {
        guard let bytes = contents(of: path)?.bytes else { return nil }
        guard bytes.count <= limits.fileBytes else {
            collector.add(
                Diagnostic(
                    category: .limit, path: path,
                    message: "the file has more than \(limits.fileBytes) bytes"))
            return nil
        }
        return bytes
    }

    /// The folder that relative paths in a file are relative to.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    // MARK: Folders

    private func expand(_ path: String) -> [String] {
        var status = stat()
        guard stat(path, &status) == 0 else {
            report(path, code: errno)
            return []
        }
        guard isFolder(status) else { return [path] }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            collector.add(
                Diagnostic(
                    path: path, message: "the folder cannot be listed",
                    help: "check its permissions: it has to be readable and searchable"))
            return []
        }
        // Names that begin with a dot are what editors and mounts leave behind.
        let visible = names.filter { !$0.hasPrefix(".") }.sorted()
        let found = visible.filter { $0.hasSuffix(".yaml") }
        report(folder: path, found: found, others: visible.filter { $0.hasSuffix(".yml") })
        let prefix = path.hasSuffix("/") ? path : path + "/"
        return found.map { prefix + $0 }
    }

    private func report(folder path: String, found: [String], others: [String]) {
        if found.isEmpty {
            let help =
                others.first.map { "rename '\($0)' to '\($0.dropLast(4)).yaml'" }
                ?? "put a schedule file there, or name another folder with '--schedules'"
            collector.add(
                Diagnostic(path: path, message: "the folder holds no '*.yaml' file", help: help))
        } else if !others.isEmpty {
            collector.add(
                Diagnostic(
                    severity: .warning, path: path,
                    message: "\(Suggestion.list(others, joinedBy: "and")): only '*.yaml' is read",
                    help: "rename to '.yaml', or move away what is not meant"))
        }
    }

    // MARK: Files

    private func contents(of path: String) -> (bytes: [UInt8], identity: Identity)? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            report(path, code: errno)
            return nil
        }
        // A pipe or a device could keep the reading waiting for ever.
        guard status.st_mode & S_IFMT == S_IFREG else {
            collector.add(
                Diagnostic(
                    path: path,
                    message: isFolder(status)
                        ? "this is a folder, not a file" : "this is not a regular file",
                    help: "folders inside a schedule folder are not read; rename or move it"))
            return nil
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            report(path, code: errno)
            return nil
        }
        defer { close(descriptor) }
        guard let bytes = read(descriptor, path: path, expected: Int(status.st_size)) else {
            return nil
        }
        let identity = Identity(device: UInt64(status.st_dev), node: UInt64(status.st_ino))
        return (bytes, identity)
    }

    /// At most one byte more than the limit, which is enough to see that it is exceeded.
    private func read(_ descriptor: Int32, path: String, expected: Int) -> [UInt8]? {
        let most = limits.fileBytes + 1
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(expected, most))
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < most {
            let count = Foundation.read(descriptor, &chunk, min(chunk.count, most - bytes.count))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                report(path, code: errno)
                return nil
            }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return bytes
    }

    private func isFolder(_ status: stat) -> Bool {
        status.st_mode & S_IFMT == S_IFDIR
    }

    private func report(_ path: String, code: Int32) {
        let (message, help) =
            switch code {
            case ENOENT:
                (
                    "there is no such file or folder",
                    "check the path, or name another with '--schedules'"
                )
            case ENOTDIR: ("a part of this path is not a folder", "check the path")
            case EACCES, EPERM:
                ("the file cannot be read: permission denied", "make it readable for this user")
            case ELOOP:
                (
                    "the path is a loop of symbolic links",
                    "remove the link, or let it point to a file"
                )
            case ENAMETOOLONG: ("the path is too long", "check the path")
            default:
                ("the file cannot be read: \(String(cString: strerror(code)))", "check the disk")
            }
        collector.add(Diagnostic(path: path, message: message, help: help))
    }
}
