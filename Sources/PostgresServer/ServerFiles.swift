import Foundation
import Glibc

/// Where everything of one server is.
struct ServerFiles {
    let base: String
    let note: String?

    var data: DataDirectory { DataDirectory(path: base + "/postgres") }
    var log: ServerLog { ServerLog(path: base + "/postgres.log") }
    var lockPath: String { base + "/postgres.lock" }

    /// Makes the base directory, elsewhere if the server's user cannot reach the wanted one.
    init(_ wanted: String, account: ServerAccount) throws {
        try Directory.make(wanted)
        let path = Directory.resolved(wanted)
        if try account.canEnter(path) {
            (base, note) = (path, nil)
            return
        }
        let other = "/var/lib/almanac/" + Self.fingerprint(path)
        try Directory.make(other)
        guard try account.canEnter(other) else {
            throw ServerError(
                code: .directoryNotWritable,
                message: "the user that the server runs as can reach neither \(path) nor \(other): "
                    + "give it the right to pass the directories above one of them")
        }
        base = other
        note =
            "user \(account.userID), as whom Postgres runs, cannot reach \(path); "
            + "the database is in \(other)"
    }

    /// A fresh, empty and private directory for the socket.
    ///
    /// Beside the data where the path allows it, else under /tmp with a name nobody can guess.
    func makeSocketDirectory(account: ServerAccount) throws -> (path: String, isElsewhere: Bool) {
        let beside = base + "/socket"
        if UnixSocket.canLive(in: beside) {
            // Called when no server runs: what is in it was left by a crash.
            Directory.remove(beside)
            try Directory.make(beside, mode: 0o700)
            try account.own(beside)
            return (beside, false)
        }
        let elsewhere = try Directory.makePrivate(prefix: Self.socketPrefix)
        try account.own(elsewhere)
        return (elsewhere, true)
    }

    /// Removes the socket directory under /tmp that a server which was killed has left.
    func removeStaleSocketDirectory(account: ServerAccount) {
        guard let path = PostmasterFile(dataDirectory: data.path)?.socketDirectory,
            path.hasPrefix(Self.socketPrefix), !path.contains("/../"),
            Directory.owner(path) == account.userID
        else { return }
        Directory.remove(path)
    }

    private static let socketPrefix = "/tmp/almanac-socket-"

    /// FNV-1a of 64 bits: the same path always has the same name.
    static func fingerprint(_ path: String) -> String {
        let hash = path.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01b3
        }
        let text = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }
}
