import Foundation
import Glibc
import Testing

@testable import PostgresServer

@Suite("Directories")
struct DirectoryTests {
    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }

    @Test("the last directory has the mode, those above it let everybody pass, whatever the umask")
    func modes() async throws {
        try await withDirectory { base in
            try Directory.make(base + "/a/b/c", mode: 0o700)
            #expect(["/a", "/a/b", "/a/b/c"].map { mode(base + $0) } == [0o755, 0o755, 0o700])
            // One that is there keeps its mode.
            try Directory.make(base + "/a", mode: 0o700)
            #expect(mode(base + "/a") == 0o755)
            let secret = try Directory.makePrivate(prefix: base + "/p-")
            #expect(mode(secret) == 0o700 && secret.hasPrefix(base + "/p-"))
            #expect(try Directory.makePrivate(prefix: base + "/p-") != secret)
        }
    }

    @Test("links are followed to what they stand for, or read as they are")
    func links() async throws {
        try await withDirectory { base in
            try Directory.make(base + "/real")
            symlink(base + "/real", base + "/link")
            symlink("nowhere", base + "/broken")
            #expect(
                Directory.resolved(base + "/link/../link") == Directory.resolved(base + "/real"))
            #expect(Directory.resolved(base + "/missing") == base + "/missing")
            #expect(Directory.link(base + "/broken") == "nowhere")
            #expect(Directory.link(base + "/real") == nil && Directory.link(base + "/x") == nil)
            #expect(
                Directory.isDirectory(base + "/link") && !Directory.isDirectory(base + "/broken"))
            #expect(
                Directory.owner(base + "/broken") == geteuid()
                    && Directory.owner(base + "/x") == nil)
            #expect(Directory.entries(base).sorted() == ["broken", "link", "real"])
            Directory.remove(base + "/link")
            #expect(Directory.isDirectory(base + "/real") && Directory.entries(base + "/x").isEmpty)
        }
    }

    static let errors: [(code: Int32, expected: ServerError.Code, words: String)] = [
        (ENOSPC, .diskFull, "needs about 60 MB"), (EDQUOT, .diskFull, "Make room"),
        (EACCES, .directoryNotWritable, "Permission denied"),
        (EROFS, .directoryNotWritable, "Read-only"),
        (ENOTDIR, .directoryNotWritable, "--database"),
    ]

    @Test("the system's error decides on the code, and the path is named", arguments: errors)
    func error(code: Int32, expected: ServerError.Code, words: String) {
        let error = Directory.error(code, "/the/path")
        #expect(error.code == expected)
        #expect(error.message.contains("/the/path") && error.message.contains(words))
    }
}

@Suite("A server's files")
struct ServerFileTests {
    @Test("everything has its place in the base directory")
    func places() async throws {
        try await withDirectory { base in
            let account = try ServerAccount(nameForRoot: "postgres")
            let files = try ServerFiles(base + "/new/../deep", account: account)
            #expect(files.base == base + "/deep" && files.note == nil)
            #expect(files.data.path == base + "/deep/postgres")
            #expect(files.log.path == base + "/deep/postgres.log")
            #expect(files.lockPath == base + "/deep/postgres.lock")
            #expect(!files.data.exists && files.data.majorVersion == nil)
        }
    }

    @Test("a socket directory is fresh, empty and private, and what a crash has left is gone")
    func socketDirectory() async throws {
        try await withDirectory { base in
            let account = try ServerAccount(nameForRoot: "postgres")
            let files = try ServerFiles(base, account: account)
            try Directory.make(base + "/socket/left")
            let (path, isElsewhere) = try files.makeSocketDirectory(account: account)
            #expect(path == base + "/socket" && !isElsewhere)
            #expect(Directory.entries(path).isEmpty && Directory.owner(path) == account.userID)
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_mode & 0o7777 == 0o700)
        }
    }

    static let leftovers: [(path: String, isOurs: Bool)] = [
        ("/tmp/almanac-socket-AbCdEf", true), ("/tmp/other-socket-AbCdEf", false),
        ("/tmp/almanac-socket-x/../almanac-victim", false),
    ]

    @Test("only a socket directory of this server's own making is removed", arguments: leftovers)
    func stale(path: String, isOurs: Bool) async throws {
        try await withDirectory { base in
            let account = try ServerAccount(nameForRoot: "postgres")
            let files = try ServerFiles(base, account: account)
            // Names of one test run only.
            let unique =
                path.replacingOccurrences(of: "/tmp/", with: "/tmp/")
                + UUID().uuidString.prefix(6)
            if unique.contains("/../") { try Directory.make("/tmp/almanac-socket-x") }
            try Directory.make(unique)
            defer { Directory.remove(unique) }
            try account.own(unique)
            try Directory.make(files.data.path)
            try "1\n\(files.data.path)\n1\n5432\n\(unique)\n\n1 1\nready\n".write(
                toFile: files.data.path + "/postmaster.pid", atomically: false, encoding: .utf8)
            files.removeStaleSocketDirectory(account: account)
            #expect(Directory.isDirectory(unique) == !isOurs)
            guard isOurs, geteuid() == 0 else { return }
            // Another user's directory of such a name is left alone.
            try Directory.make(unique)
            files.removeStaleSocketDirectory(account: account)
            #expect(Directory.isDirectory(unique))
        }
    }

    static let versions: [(text: String?, version: Int?)] = [
        ("15\n", 15), ("9.6\n", nil), ("", nil), ("x", nil), (" 17 \n", 17), (nil, nil),
    ]

    @Test("the version of the data is read from their own file", arguments: versions)
    func version(text: String?, version: Int?) async throws {
        try await withDirectory { base in
            try text?.write(toFile: base + "/PG_VERSION", atomically: false, encoding: .utf8)
            #expect(DataDirectory(path: base).majorVersion == version)
        }
    }

    @Test("a log is opened for appending, and read from where a start began")
    func log() async throws {
        try await withDirectory { base in
            let log = ServerLog(path: base + "/log")
            #expect(log.text(from: 0) == "")
            for word in ["one\n", "two\n"] {
                let descriptor = try log.open()
                defer { close(descriptor) }
                #expect(write(descriptor, word, word.utf8.count) == word.utf8.count)
            }
            #expect(log.text(from: 0) == "one\ntwo\n")
            #expect(log.text(from: 4) == "two\n" && log.text(from: 99) == "")
            var status = stat()
            #expect(stat(log.path, &status) == 0 && status.st_mode & 0o777 == 0o600)
            let error = #expect(throws: ServerError.self) {
                _ = try ServerLog(path: base + "/no/log").open()
            }
            #expect(error?.message.contains(base + "/no/log") == true)
        }
    }

    @Test(
        "a log of a megabyte stays, a byte more is put aside",
        arguments: [(1 << 20, false), ((1 << 20) + 1, true)])
    func rotation(bytes: Int, isPutAside: Bool) async throws {
        try await withDirectory { base in
            let log = ServerLog(path: base + "/log")
            try Data(count: bytes).write(to: URL(fileURLWithPath: log.path))
            close(try log.open())
            #expect(Directory.entries(base).contains("log.1") == isPutAside)
        }
    }

    @Test("a link in the log's place is not followed")
    func logThroughLink() async throws {
        try await withDirectory { base in
            symlink(base + "/elsewhere", base + "/log")
            #expect(throws: ServerError.self) { _ = try ServerLog(path: base + "/log").open() }
            #expect(Directory.owner(base + "/elsewhere") == nil)
        }
    }

    @Test("a socket is found while somebody listens on it, and not a moment longer")
    func accepting() async throws {
        try await withDirectory { base in
            let path = base + "/s"
            let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
            let listener = socket(AF_UNIX, kind, 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let isBound = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
                }
            }
            #expect(isBound && !UnixSocket.accepts(path))
            listen(listener, 1)
            // More knock than the listener has room for: somebody is there all the same.
            for _ in 0..<5 { #expect(UnixSocket.accepts(path)) }
            // Other tests start programs, and one that is between fork and exec has it as well.
            shutdown(listener, Int32(SHUT_RDWR))
            close(listener)
            #expect(!UnixSocket.accepts(path))
        }
    }

    @Test("a postmaster that is a zombie, or a number nobody has, is not alive")
    func deadPostmaster() async throws {
        try await onThread {
            let output = try ChildProcess.run(["/bin/sh", "-c", "echo $$"], timeoutSeconds: 10)
            let gone = try #require(PostmasterFile(output.text))
            #expect(!gone.isAlive && !gone.acceptsConnections && !gone.isReady)
        }
    }
}

@Suite("A restart with other settings")
struct ServerRestartTests {
    @Test("one object stops and starts with its data, and with the socket where it was")
    func restart() async throws {
        try await withCluster { base in
            let server = server(base)
            defer { server.stop() }
            let first = try server.start()
            _ = try query(first, "CREATE TABLE kept AS SELECT 1 AS a")
            #expect(first.isAlive && server.endpoint == first)
            server.stop()
            #expect(!first.isAlive && server.endpoint == nil)
            let second = try server.start()
            #expect(second.connectionString == first.connectionString)
            #expect(second.processID != first.processID && !first.isAlive && second.isAlive)
            #expect(try query(second, "SELECT a FROM kept") == "1")
        }
    }

    @Test("a database that cannot be made ends the server again, and says what psql said")
    func databaseNotCreated() async throws {
        try await withCluster { base in
            let server = server(base, database: "")
            defer { server.stop() }
            let error = #expect(throws: ServerError.self) { try server.start() }
            #expect(error?.code == .databaseNotCreated)
            #expect(error?.logTail.isEmpty == false)
            #expect(server.endpoint == nil)
            #expect(
                eventually { PostmasterFile(dataDirectory: base + "/postgres")?.isAlive != true })
        }
    }
}
