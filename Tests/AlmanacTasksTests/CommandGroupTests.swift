import AlmanacCore
import AlmanacTesting
import Foundation
import Testing

/// Whoever holds the file `signal` open is there until it has ended; see ``Signal``.
@Suite("The processes of a program")
struct CommandGroupTests {
    @Test("what it leaves in the background ends with the run")
    func background() async throws {
        let fixture = try await TaskFixture()
        let signal = try Signal(in: fixture.folder)
        let row = try await fixture.run(
            "task: command\nparameters: {shell: 'exec 3> signal; sleep 1000 & echo started'}")
        #expect(row.state == .succeeded)
        #expect(row.output == "started\n")
        #expect(row.durationMilliseconds ?? 99_999 < 20_000)
        #expect(signal.isLetGo())
    }

    @Test("a background process that holds the output open keeps nobody waiting")
    func heldOutput() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            "task: command\nparameters: {shell: 'sleep 1000 & echo started'}")
        #expect(row.output == "started\n")
        #expect(row.durationMilliseconds ?? 99_999 < 20_000)
    }

    @Test("a pipeline ends as a whole when its run fails")
    func pipeline() async throws {
        let fixture = try await TaskFixture()
        let signal = try Signal(in: fixture.folder)
        let row = try await fixture.run(
            "task: command\nparameters: {shell: 'exec 3> signal; sleep 1000 | sleep 1000 & "
                + "exit 9'}")
        #expect(row.errorMessage?.contains("exit code 9") == true)
        #expect(signal.isLetGo())
    }

    @Test("one that makes itself a session of its own escapes, and does not hang the run")
    func ownSession() async throws {
        let fixture = try await TaskFixture()
        let signal = try Signal(in: fixture.folder)
        // It holds the pipe of the output open as well.
        try fixture.write(
            "echo $$ > pid\nexec 3> signal\necho up >&3\nexec sleep 1000\n", to: "escape.sh")
        let row = try await fixture.run(
            "task: command\nparameters: {shell: 'setsid sh escape.sh & "
                + "until [ -s pid ]; do :; done; echo started'}")
        let pid = try #require(
            Int32(
                String(contentsOf: fixture.folder.appending(path: "pid"), encoding: .utf8)
                    .trimmingCharacters(in: .whitespacesAndNewlines)))
        #expect(row.state == .succeeded)
        #expect(row.output == "started\n")
        #expect(row.durationMilliseconds ?? 99_999 < 20_000)
        #expect(signal.arrives())
        #expect(kill(pid, 0) == 0, "it was to escape")
        kill(pid, SIGKILL)
        #expect(signal.isLetGo())
    }

    @Test("one that has escaped and prints for ever does not keep the run from ending")
    func endlessOutput() async throws {
        let fixture = try await TaskFixture()
        let signal = try Signal(in: fixture.folder)
        try fixture.write("exec 3> signal\necho up >&3\necho $$ > pid\nexec yes\n", to: "escape.sh")
        let row = try await fixture.run(
            "task: command\nparameters: {shell: 'setsid sh escape.sh & "
                + "until [ -s pid ]; do :; done'}")
        #expect(row.state == .succeeded)
        #expect(signal.arrives())
        // Its reader is gone, so SIGPIPE ends it.
        #expect(signal.isLetGo())
    }

    @Test("its deadline ends all of its group, and the run is timed out")
    func deadline() async throws {
        let fixture = try await TaskFixture()
        let signal = try Signal(in: fixture.folder)
        let row = try await fixture.run(
            """
            task: command
            activeDeadlineSeconds: 1
            parameters: {shell: 'exec 3> signal; sleep 1000 | sleep 1000 & sleep 1000'}
            """)
        #expect(row.state == .timedOut)
        #expect(row.errorType == "RunStopped")
        #expect(row.errorMessage == "stopped at its deadline of 1 s")
        #expect((900...15_000).contains(row.durationMilliseconds ?? 0))
        #expect(signal.isLetGo())
    }

    @Test("one that ignores SIGTERM is killed, with what it has started")
    func ignoresTermination() async throws {
        let fixture = try await TaskFixture()
        let signal = try Signal(in: fixture.folder)
        let row = try await fixture.run(
            """
            task: command
            activeDeadlineSeconds: 1
            parameters:
              shell: 'exec 3> signal; trap "echo asked" TERM; while :; do sleep 0.1; done'
            """)
        #expect(row.state == .timedOut)
        #expect(row.output?.contains("asked\n") == true)
        #expect(row.durationMilliseconds ?? 99_999 < 15_000)
        #expect(signal.isLetGo())
    }

    @Test("one that cleans up on SIGTERM has the time to, and is still stopped")
    func cleansUp() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            """
            task: command
            activeDeadlineSeconds: 1
            parameters: {shell: 'trap "echo cleaned up; exit 0" TERM; sleep 1000 & wait'}
            """)
        #expect(row.state == .timedOut)
        #expect(row.output == "cleaned up\n")
    }

    @Test("the end of the node stops it, and the run is cancelled")
    func shutdown() async throws {
        let fixture = try await TaskFixture()
        let signal = try Signal(in: fixture.folder)
        let control = RunControl()
        async let end = fixture.run(
            "task: command\nparameters: {shell: 'exec 3> signal; echo up >&3; sleep 1000'}",
            control: control)
        #expect(await Self.waiting { signal.arrives() })
        control.stop(.shutdown)
        let row = try await end
        #expect(row.state == .cancelled)
        #expect(row.errorMessage == "stopped because its node shuts down")
        #expect(signal.isLetGo())
    }

    @Test("a run that was stopped before it began starts no program, or ends it")
    func stoppedBefore() async throws {
        let fixture = try await TaskFixture()
        let control = RunControl()
        control.stop(.shutdown)
        let row = try await fixture.run(
            "task: command\nparameters: {run: [sleep, '1000']}", control: control)
        #expect(row.state == .cancelled)
        #expect(row.durationMilliseconds ?? 99_999 < 20_000)
    }

    /// Waits on a thread that async code does not share.
    private static func waiting(_ body: @escaping @Sendable () -> Bool) async -> Bool {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: body()) }
        }
    }
}
