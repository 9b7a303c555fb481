import Foundation
import Glibc
import Synchronization
import Testing

@testable import PostgresServer

/// The server must not outlive its owner, whatever becomes of that.
@Suite(.serialized)
struct ServerLifetimeTests {
    /// The kernel closes the lifeline of a process that dies. Here a child holds it in our place,
    /// and is the one that dies.
    @Test("kill -9 of the process that holds the lifeline ends the server")
    func ownerKilled() async throws {
        try await withCluster { base in
            let server = server(base)
            let endpoint = try server.start()
            let supervisor = try #require(server.state.withLock { $0.supervisor })
            let owner = try supervisor.lifeline.withDescriptor {
                try ChildProcess(["/bin/sleep", "600"], input: $0, output: try nullDevice())
            }
            supervisor.lifeline.cut()
            #expect(try query(endpoint, "SELECT pg_sleep(0.5)") == "")
            #expect(supervisor.isRunning)

            kill(owner.processID, SIGKILL)
            #expect(supervisor.waitForExit(seconds: 15))
            #expect(!isAlive(endpoint.processID))
        }
    }

    @Test("neither Ctrl-C nor a hang-up of the owner's terminal reaches the server")
    func ownSession() async throws {
        try await withCluster { base in
            let server = server(base)
            defer { server.stop() }
            let endpoint = try server.start()
            #expect(getsid(endpoint.processID) != getsid(0))
            #expect(getpgid(endpoint.processID) != getpgid(0))
        }
    }

    @Test("signals that hit the supervisor do not end it before the server")
    func supervisorSignalled() async throws {
        try await withCluster { base in
            let server = server(base)
            defer { server.stop() }
            let endpoint = try server.start()
            for signal in [SIGHUP, SIGINT, SIGTERM] {
                kill(getsid(endpoint.processID), signal)
            }
            #expect(try query(endpoint, "SELECT 1") == "1")
            #expect(try #require(server.state.withLock { $0.supervisor }).isRunning)
        }
    }

    @Test("a server that loses its supervisor still ends with its owner")
    func supervisorKilled() async throws {
        try await withCluster { base in
            let server = server(base)
            let endpoint = try server.start()
            kill(getsid(endpoint.processID), SIGKILL)
            #expect(try query(endpoint, "SELECT 1") == "1")
            server.stop()
            #expect(eventually { !isAlive(endpoint.processID) })
        }
    }

    @Test("children inherit nothing but what they are given")
    func descriptors() async throws {
        try await onThread {
            let leak = dup(2)  // dup(2) leaves close-on-exec off, as careless code does
            defer { close(leak) }
            let output = try ChildProcess.run(
                ["/bin/sh", "-c", "ls /proc/$$/fd"], timeoutSeconds: 10)
            let inherited = Set(output.text.split(separator: "\n").compactMap { Int($0) })
            #expect(!inherited.contains(Int(leak)))
            #expect(inherited.isSuperset(of: [0, 1, 2]))
        }
    }

    @Test("a program that does not end in time is ended, and what it said is kept")
    func timeout() async throws {
        try await onThread {
            let output = try ChildProcess.run(
                ["/bin/sh", "-c", "echo said; sleep 600"], timeoutSeconds: 0.3)
            #expect(!output.succeeded)
            #expect(output.text == "said\n")
        }
    }

    @Test("temporary files are gone soon after the object is")
    func temporaryFiles() async throws {
        try await withDirectory { base in
            var server: EmbeddedServer? = server(base, storage: .temporary)
            let first = try #require(try server?.start())
            #expect(first.dataDirectory.hasPrefix(base + "/almanac-"))
            server?.stop()
            let second = try #require(try server?.start())
            #expect(second.dataDirectory == first.dataDirectory)
            server = nil
            #expect(eventually { Directory.entries(base).isEmpty })
        }
    }

    @Test("a postmaster.pid whose number now belongs to another process is no obstacle")
    func reusedProcessNumber() async throws {
        try await withCluster { base in
            let server = server(base)
            let endpoint = try server.start()
            server.stop()
            let path = endpoint.dataDirectory + "/postmaster.pid"
            let account = try ServerAccount(nameForRoot: "postgres")
            // Of the server's own user: Postgres itself sees through a process of another one.
            let stranger = try ChildProcess(
                account.command(["/bin/sleep", "600"]), input: 0, output: try nullDevice())
            defer { kill(stranger.processID, SIGKILL) }
            #expect(eventually { command(of: stranger.processID) == "sleep" })
            let text = """
                \(stranger.processID)
                \(endpoint.dataDirectory)
                1
                5432
                /nowhere

                1 1
                ready

                """
            try text.write(toFile: path, atomically: false, encoding: .utf8)
            try account.own(path)
            defer { server.stop() }
            let answer = try query(server.start(), "SELECT 1")
            #expect(answer == "1")
        }
    }
}

/// For children that are not listened to; left open until the tests end.
func nullDevice() throws -> Int32 {
    let descriptor = open("/dev/null", O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw Directory.error(errno, "/dev/null") }
    return descriptor
}

private func command(of process: pid_t) -> String? {
    let name = try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)
    return name?.trimmingCharacters(in: .whitespacesAndNewlines)
}
