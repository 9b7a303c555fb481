import Foundation
import Glibc

/// A Postgres data directory: absent, or complete.
struct DataDirectory {
    let path: String

    var exists: Bool { Directory.isDirectory(path) }

    /// The major version that made it; nil when there is none, or it cannot be read.
    var majorVersion: Int? {
        let text = try? String(contentsOfFile: path + "/PG_VERSION", encoding: .utf8)
        return text.flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }

    /// Throws when the server could not read it.
    func check(account: ServerAccount, binaries: ServerBinaries) throws {
        guard exists else { return }
        if let owner = Directory.owner(path), owner != account.userID {
            throw ServerError(
                code: .wrongOwner,
                message: "\(path) belongs to user \(owner), and the server would run as user "
                    + "\(account.userID): start as the user that made it, or remove the directory "
                    + "if its data are not needed")
        }
        guard let version = majorVersion, version != binaries.majorVersion else { return }
        throw ServerError(
            code: .versionMismatch,
            message: "the data in \(path) were made by Postgres \(version), and "
                + "\(binaries.directory) has Postgres \(binaries.majorVersion): run "
                + "`apt-get install postgresql-\(version)`, or dump and restore the data, or "
                + "remove the directory if they are not needed")
    }

    /// Makes it beside its place and moves it there when complete, so that a crash or a full
    /// disk leaves nothing half-made behind.
    func initialize(
        _ configuration: EmbeddedServerConfiguration, account: ServerAccount,
        binaries: ServerBinaries
    ) throws {
        removeRemains()
        let draft = try Directory.makePrivate(prefix: path + ".new-")
        do {
            try account.own(draft)
            try runInitdb(in: draft, configuration, account: account, binaries: binaries)
            guard rename(draft, path) == 0 else { throw Directory.error(errno, path) }
            if configuration.durability == .safe { synchronizeParent() }
        } catch {
            Directory.remove(draft)
            throw error
        }
    }

    private func runInitdb(
        in draft: String, _ configuration: EmbeddedServerConfiguration, account: ServerAccount,
        binaries: ServerBinaries
    ) throws {
        var command = [
            binaries.path("initdb"), "-D", draft, "-U", ServerEndpoint.userName, "-E", "UTF8",
            "--locale=\(Self.locale)", "--lc-messages=C", "--data-checksums",
            // Whoever gets into the socket's directory, which is private, is trusted.
            "--auth-local=trust", "--auth-host=reject",
        ]
        if configuration.durability == .unsafeForTests { command.append("--no-sync") }
        let output = try ChildProcess.run(account.command(command), timeoutSeconds: 300)
        if output.succeeded { return }
        if ServerLog.tellsOfFullDisk(output.text) {
            throw Directory.diskFull(draft, tail: output.tail)
        }
        throw ServerError(
            code: .initializationFailed,
            message: "initdb could not make a database cluster in \(draft); it said:",
            logTail: output.tail)
    }

    /// What a start that was killed has left; called under the lock, so nobody is at work there.
    private func removeRemains() {
        let parent = (path as NSString).deletingLastPathComponent
        let prefix = (path as NSString).lastPathComponent + ".new-"
        for entry in Directory.entries(parent) where entry.hasPrefix(prefix) {
            Directory.remove(parent + "/" + entry)
        }
    }

    private func synchronizeParent() {
        let parent = open((path as NSString).deletingLastPathComponent, O_RDONLY | O_CLOEXEC)
        guard parent >= 0 else { return }
        fsync(parent)
        close(parent)
    }

    private static var locale: String {
        guard let locale = newlocale(1 << LC_CTYPE, "C.UTF-8", nil) else { return "C" }
        freelocale(locale)
        return "C.UTF-8"
    }
}

extension DataDirectory {
    /// Clears the way after a crash, where Postgres by itself would refuse to start.
    ///
    /// Backends that outlive a killed postmaster hold its shared memory for a moment; and the
    /// number in a stale `postmaster.pid` may meanwhile belong to an unrelated process.
    func recoverFromCrash() {
        let deadline = Deadline(secondsFromNow: 10)
        let isFree = deadline.wait { !isInUse }
        guard isFree, let stale = PostmasterFile(dataDirectory: path), !stale.isAlive else {
            return
        }
        unlink(path + "/postmaster.pid")
    }

    /// Whether a process works in it: every server process does, and shows it in /proc.
    private var isInUse: Bool {
        let directory = Directory.resolved(path)
        return Directory.entries("/proc").contains { entry in
            Int(entry) != nil && Directory.link("/proc/\(entry)/cwd") == directory
        }
    }
}
