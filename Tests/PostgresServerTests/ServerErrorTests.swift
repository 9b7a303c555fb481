import Foundation
import Glibc
import Testing

@testable import PostgresServer

/// What stands in a server's way is said with a code, and with what to do.
@Suite(.serialized)
struct ServerErrorTests {
    @Test("without binaries the message says what to install")
    func noBinaries() async throws {
        try await withDirectory { base in
            let error = failure { try server(base, bin: base).start() }
            #expect(error?.code == .binariesMissing)
            #expect(error?.message.contains("apt-get install postgresql") == true)
            #expect(error?.message.contains("make deps") == true)
        }
    }

    @Test("data of another major version are refused by name, and left alone")
    func otherVersion() async throws {
        try await withCluster { base in
            let server = server(base)
            let directory = try server.start().dataDirectory
            server.stop()
            let path = directory + "/PG_VERSION"
            try "9\n".write(toFile: path, atomically: false, encoding: .utf8)
            let error = failure { try server.start() }
            #expect(error?.code == .versionMismatch)
            #expect(error?.message.contains("made by Postgres 9") == true)
            #expect(error?.message.contains(directory) == true)
            #expect(Directory.isDirectory(directory + "/base"))
        }
    }

    @Test("data of another user are refused", .enabled(if: geteuid() == 0, "needs root"))
    func otherOwner() async throws {
        try await withDirectory { base in
            try Directory.make(base + "/postgres")
            #expect(failure { try server(base).start() }?.code == .wrongOwner)
        }
    }

    @Test("a directory that cannot be made is named", arguments: ["/proc/almanac", "/dev/null/x"])
    func notWritable(path: String) async throws {
        try await onThread {
            let error = failure { try server(path).start() }
            #expect(error?.code == .directoryNotWritable)
            #expect(error?.message.contains(path) == true)
        }
    }

    @Test("a read-only file system is said to be one", .enabled(if: canMount, "needs mount(8)"))
    func readOnly() async throws {
        try await withMount("size=1m,ro,mode=755") { base in
            let error = failure { try server(base).start() }
            #expect(error?.code == .directoryNotWritable)
            #expect(error?.message.contains("Read-only file system") == true)
        }
    }

    @Test(
        "a full disk is called that, and nothing half-made stays",
        .enabled(if: canMount, "needs mount(8)"), arguments: ["3m", "20m", "30m"])
    func fullDisk(size: String) async throws {
        try await withMount("size=\(size),mode=755") { base in
            let error = failure { try server(base).start() }
            #expect(error?.code == .diskFull, "\(String(describing: error))")
            #expect(Directory.entries(base).allSatisfy { !$0.contains(".new-") })
        }
    }

    @Test("what a killed initdb has left is cleared away")
    func remains() async throws {
        try await withDirectory { base in
            try Directory.make(base + "/postgres.new-abcdef/base")
            let server = server(base)
            defer { server.stop() }
            try server.start()
            #expect(Directory.entries(base).allSatisfy { !$0.contains(".new-") })
        }
    }

    @Test("a setting that the server refuses is answered with the end of its log")
    func badSetting() async throws {
        try await withCluster { base in
            let error = failure { try server(base, settings: ["work_mem": "lots"]).start() }
            #expect(error?.code == .notReady)
            #expect(error?.logTail.contains { $0.contains("work_mem") } == true)
            #expect(error?.description.contains("work_mem") == true)
        }
    }

    @Test("an unknown account is named", .enabled(if: geteuid() == 0, "needs root"))
    func unknownAccount() throws {
        let error = failure { try ServerAccount(nameForRoot: "nobody-of-that-name") }
        #expect(error?.code == .accountMissing)
        #expect(error?.message.contains("useradd --system nobody-of-that-name") == true)
    }

    @Test(
        "a directory that the server's user cannot reach leads to another, with a note",
        .enabled(if: geteuid() == 0, "needs root"))
    func unreachable() async throws {
        try await withDirectory { base in
            chmod(base, 0o700)
            let account = try ServerAccount(nameForRoot: "postgres")
            let files = try ServerFiles(base + "/data", account: account)
            defer { Directory.remove(files.base) }
            #expect(files.base.hasPrefix("/var/lib/almanac/"))
            #expect(files.note?.contains(base + "/data") == true)
            #expect(files.note?.contains(files.base) == true)
        }
    }

    @Test(
        "the log's own words decide on the code",
        arguments: [
            ("FATAL: could not write lock file: No space left on device", "diskFull"),
            ("PANIC: Disk quota exceeded", "diskFull"),
            ("FATAL: lock file \"postmaster.pid\" already exists", "socketInUse"),
            ("LOG: could not bind Unix address: Address already in use", "socketInUse"),
            ("FATAL: something else", "notReady"), ("", "notReady"),
        ])
    func classification(text: String, code: String) {
        let error = ServerLog(path: "/log").error(text, dataDirectory: "/data")
        #expect(error.code.rawValue == code)
        #expect(error.message.contains("/data"))
    }

    @Test("a description is the message, then the log's last lines")
    func description() {
        let error = ServerError(code: .notReady, message: "It failed:", logTail: ["one", "two"])
        #expect(error.description == "It failed:\n    one\n    two")
        #expect(ServerError(code: .notReady, message: "It failed").description == "It failed")
    }

    @Test("the last lines are few, not blank, and cut to a bearable length")
    func tail() {
        #expect(lastLines(of: "a\n\nb\nc\n", count: 2) == ["b", "c"])
        #expect(lastLines(of: String(repeating: "x", count: 900), count: 3).map(\.count) == [500])
        #expect(lastLines(of: "", count: 3) == [])
    }

    private func failure<Value>(_ body: () throws -> Value) -> ServerError? {
        do {
            _ = try body()
            return nil
        } catch {
            return error as? ServerError
        }
    }
}

/// Whether this process may mount a file system: root in a container often may not.
private let canMount: Bool = {
    guard let path = try? Directory.makePrivate(prefix: "/tmp/almanac-tests-") else { return false }
    defer { Directory.remove(path) }
    guard mount(path, "size=1m") else { return false }
    unmount(path)
    return true
}()

private func mount(_ path: String, _ options: String) -> Bool {
    let command = ["mount", "-t", "tmpfs", "-o", options, "almanac-tests", path]
    return (try? ChildProcess.run(command, timeoutSeconds: 10).succeeded) ?? false
}

private func unmount(_ path: String) {
    _ = try? ChildProcess.run(["umount", path], timeoutSeconds: 10)
}

/// Runs on a small file system of its own.
private func withMount(_ options: String, _ body: @escaping @Sendable (String) throws -> Void)
    async throws
{
    try await withDirectory { base in
        guard mount(base, options) else { throw QueryFailure(text: "mount failed") }
        defer { unmount(base) }
        try body(base)
    }
}
