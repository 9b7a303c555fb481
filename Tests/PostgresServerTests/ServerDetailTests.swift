import Foundation
import Glibc
import Testing

@testable import PostgresServer

struct ServerDetailTests {
    @Test(
        "values are quoted as libpq reads them",
        arguments: [
            ("plain", "plain"), ("/a/b-c.d", "/a/b-c.d"), ("", "''"), ("a b", "'a b'"),
            ("it's", "'it\\'s'"), ("back\\slash", "'back\\\\slash'"), ("a\tb", "'a\tb'"),
            ("ümlaut", "ümlaut"),
        ])
    func quoting(value: String, quoted: String) {
        #expect(ServerEndpoint.quoted(value) == quoted)
    }

    @Test("a connection string names all that the environment could change")
    func connectionString() {
        let endpoint = ServerEndpoint(
            socketDirectory: "/my data/socket", databaseName: "almanac", processID: 1,
            isOwned: true, dataDirectory: "/data", logFile: "/log", binaryDirectory: "/bin",
            note: nil)
        #expect(
            endpoint.connectionString
                == "host='/my data/socket' port=5432 user=almanac dbname=almanac")
        #expect(endpoint.connectionString(database: "a b").hasSuffix("dbname='a b'"))
    }

    @Test(
        "the version is read from what postgres prints",
        arguments: [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", 15),
            ("postgres (PostgreSQL) 9.6.24", 9), ("postgres (PostgreSQL) 19devel", 19),
            ("postgres (PostgreSQL) 18beta1", 18), ("something else 15", nil), ("", nil),
        ] as [(String, Int?)])
    func version(text: String, version: Int?) {
        #expect(ServerBinaries.majorVersion(text) == version)
    }

    @Test("a complete postmaster.pid is read to its status")
    func postmasterFile() throws {
        let text = "4711\n/data\n1700000000\n5432\n/data/socket\n\n  1234  5678\nready   \n"
        let file = try #require(PostmasterFile(text))
        #expect(file.processID == 4711)
        #expect(file.socketDirectory == "/data/socket")
        #expect(file.isReady)
    }

    @Test(
        "a postmaster.pid that is still being written is not ready",
        arguments: [
            "4711\n", "4711\n/data\n1\n5432\n/s\n", "4711\n/data\n1\n5432\n/s\n\n1 1\nstarting\n",
            "4711\n/data\n1\n5432\n/s\n\n1 1\nstopping\n",
        ])
    func unfinishedPostmasterFile(text: String) throws {
        #expect(try #require(PostmasterFile(text)).isReady == false)
    }

    @Test("what is no postmaster.pid is not read", arguments: ["", "\n", "x\n", "-5\n", "0\n"])
    func noPostmasterFile(text: String) {
        #expect(PostmasterFile(text) == nil)
    }

    @Test("a living process that is no Postgres is not taken for one")
    func otherProcess() throws {
        #expect(try #require(PostmasterFile("\(getpid())\n")).isAlive == false)
    }

    @Test(
        "a socket's directory is measured with the socket's name",
        arguments: [
            ("/short", true), ("/" + String(repeating: "x", count: 92), true),
            ("/" + String(repeating: "x", count: 93), false), ("/a,b", false), ("/a\"b", false),
            ("/a\nb", false), ("/a b'c", true), ("/" + String(repeating: "ü", count: 47), false),
        ])
    func socketPaths(path: String, isGood: Bool) {
        #expect(UnixSocket.canLive(in: path) == isGood)
    }

    @Test("nobody accepts on a path where nothing is", arguments: ["/nowhere", "/dev/null"])
    func nobodyThere(path: String) {
        #expect(!UnixSocket.accepts(path))
        #expect(!UnixSocket.accepts(String(repeating: path, count: 50)))
    }

    @Test("the same path always has the same fingerprint, another path another one")
    func fingerprint() {
        #expect(ServerFiles.fingerprint("") == "cbf29ce484222325")
        #expect(ServerFiles.fingerprint("a") == "af63dc4c8601ec8c")
        #expect(ServerFiles.fingerprint("/a") != ServerFiles.fingerprint("/b"))
    }

    @Test("settings of the configuration win over those of this module")
    func settings() {
        let configuration = EmbeddedServerConfiguration(settings: ["port": "1", "work_mem": "1MB"])
        let settings = configuration.serverSettings(socketDirectory: "/s")
        let values = Dictionary(uniqueKeysWithValues: settings.map { ($0.name, $0.value) })
        #expect(values["port"] == "1")
        #expect(values["work_mem"] == "1MB")
        #expect(values["listen_addresses"] == "")
        #expect(values["unix_socket_directories"] == "\"/s\"")
        #expect(settings.map(\.name) == settings.map(\.name).sorted())
    }

    @Test("only tests go without fsync, and commits are written at once all the same")
    func durability() {
        let names = { (durability: EmbeddedServerConfiguration.Durability) in
            EmbeddedServerConfiguration(durability: durability)
                .serverSettings(socketDirectory: "/s").map(\.name)
        }
        #expect(!names(.safe).contains("fsync"))
        #expect(names(.unsafeForTests).contains("fsync"))
        #expect(!names(.unsafeForTests).contains("synchronous_commit"))
    }

    @Test("directories are made with their parents, and a file in the way is an error")
    func directories() async throws {
        try await withDirectory { base in
            try Directory.make(base + "/a/b/c")
            try Directory.make(base + "/a/b/c")
            #expect(Directory.isDirectory(base + "/a/b/c"))
            try "".write(toFile: base + "/file", atomically: false, encoding: .utf8)
            #expect(throws: ServerError.self) { try Directory.make(base + "/file") }
            #expect(throws: ServerError.self) { try Directory.make(base + "/file/x") }
        }
    }

    @Test("a lock is waited for, and had when its holder lets go")
    func lock() async throws {
        try await withDirectory { base in
            let path = base + "/lock"
            do {
                let held = try FileLock(path: path, timeoutSeconds: 1)
                #expect(throws: ServerError.self) {
                    _ = try FileLock(path: path, timeoutSeconds: 0.05)
                }
                withExtendedLifetime(held) {}
            }
            _ = try FileLock(path: path, timeoutSeconds: 1)
        }
    }

    @Test("a symbolic link in the lock's place is not followed")
    func lockThroughLink() async throws {
        try await withDirectory { base in
            symlink(base + "/elsewhere", base + "/lock")
            #expect(throws: ServerError.self) {
                _ = try FileLock(path: base + "/lock", timeoutSeconds: 1)
            }
            #expect(Directory.owner(base + "/elsewhere") == nil)
        }
    }
}
