import Foundation
import Glibc

/// The operating system's user that the server runs as: this process's own, or, as Postgres
/// refuses to run as root, another one when this process is root.
struct ServerAccount {
    let userID: uid_t
    let groupID: gid_t

    /// What comes before a command so that it runs as that user; empty when nothing must change.
    private let prefix: [String]

    /// The user that this process is, or the named one if it is root.
    init(nameForRoot name: String) throws {
        guard geteuid() == 0 else {
            (userID, groupID, prefix) = (geteuid(), getegid(), [])
            return
        }
        guard let entry = getpwnam(name)?.pointee else {
            throw ServerError(
                code: .accountMissing,
                message: "Postgres does not run as root, and there is no user \"\(name)\" to run "
                    + "it as: create one with `useradd --system \(name)`, or start as another user")
        }
        (userID, groupID) = (entry.pw_uid, entry.pw_gid)
        prefix = try Self.prefix(name: name, userID: userID, groupID: groupID)
    }

    /// The command as this user runs it, in a directory that every user may be in.
    func command(_ arguments: [String]) -> [String] {
        prefix + ["/bin/sh", "-c", "cd / && exec \"$@\"", "sh"] + arguments
    }

    /// Whether this user gets into the directory; asked of the kernel, so that ACLs count too.
    func canEnter(_ directory: String) throws -> Bool {
        if prefix.isEmpty { return access(directory, X_OK) == 0 }
        let test = ["/bin/sh", "-c", "cd -- \"$1\"", "sh", directory]
        return try ChildProcess.run(command(test), timeoutSeconds: 10).succeeded
    }

    /// Hands a directory of ours to this user.
    func own(_ path: String) throws {
        guard !prefix.isEmpty else { return }
        guard lchown(path, userID, groupID) == 0 else { throw Directory.error(errno, path) }
    }

    private static func prefix(name: String, userID: uid_t, groupID: gid_t) throws -> [String] {
        if let setpriv = find(program: "setpriv") {
            return [
                setpriv, "--reuid=\(userID)", "--regid=\(groupID)", "--clear-groups", "--",
            ]
        }
        if let runuser = find(program: "runuser") { return [runuser, "-u", name, "--"] }
        throw ServerError(
            code: .accountMissing,
            message: "neither setpriv nor runuser is installed, one of which is needed to start "
                + "Postgres as root: `apt-get install util-linux`, or start as another user")
    }
}

/// The first executable of that name in `PATH` and the usual places.
func find(program: String) -> String? {
    let path = getenv("PATH").map { String(cString: $0) } ?? ""
    return
        (path.split(separator: ":").map(String.init) + ["/usr/sbin", "/usr/bin", "/sbin", "/bin"])
        .lazy.map { $0 + "/" + program }.first { access($0, X_OK) == 0 }
}
