import AlmanacCore
import Foundation
import Testing

@Suite("What a program prints")
struct CommandOutputTests {
    @Test("standard output and standard error come in the order they were written")
    func order() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            "task: command\nparameters: {shell: 'for i in 1 2 3; do echo $i; echo e$i >&2; done'}")
        #expect(row.output == "1\ne1\n2\ne2\n3\ne3\n")
    }

    @Test("of 100 MB the tail is kept, to the last byte, and what went before is counted")
    func bounded() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            "task: command\nparameters: {shell: \"head -c 100000000 /dev/zero | tr '\\\\0' x; "
                + "echo end\"}")
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        let output = try #require(row.output)
        let dropped = 100_000_004 - OutputTail.limitBytes
        #expect(output.hasPrefix("… (\(dropped) bytes before this)\nxxx"))
        #expect(output.hasSuffix("xxxend\n"))
        #expect(output.utf8.count < OutputTail.limitBytes + 100)
    }

    @Test("what comes in the last moment is not lost", arguments: [1, 4_096, 16_000, 60_000])
    func lastMoment(count: Int) async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            "task: command\nparameters: {shell: 'head -c \(count) /dev/zero | tr \"\\\\0\" x; "
                + "printf z; kill -9 $$'}")
        let output = try #require(row.output)
        #expect(output.hasSuffix("xz"))
        #expect(output.utf8.count { $0 == UInt8(ascii: "x") } == min(count, 16_383))
    }

    @Test("bytes that are no text do no harm")
    func binary() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            "task: command\nparameters: {run: [printf, 'a\\000b\\377c\\342\\202\\254\\033[31m']}")
        #expect(row.output == "ab\u{FFFD}c€\u{1B}[31m")
        let random = try await fixture.run(
            "task: command\nparameters: {run: [head, -c, '70000', /dev/urandom]}")
        #expect(random.state == .succeeded, "\(random.errorMessage ?? "")")
        #expect(random.output?.isEmpty == false)
    }

    @Test("a program that prints nothing has no output")
    func nothing() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run("task: command\nparameters: {run: ['true']}")
        #expect(row.output ?? "" == "")
    }

    @Test("a program that closes its output early is waited for")
    func closesEarly() async throws {
        let fixture = try await TaskFixture()
        let signal = try Signal(in: fixture.folder)
        let row = try await fixture.run(
            "task: command\nparameters: {shell: 'echo first; exec >&- 2>&-; echo up > signal; "
                + "exit 4'}")
        #expect(row.output == "first\n")
        #expect(row.errorMessage?.contains("exit code 4") == true)
        #expect(signal.arrives())
    }

    @Test("a stopped run keeps what it had printed")
    func stopped() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            """
            task: command
            activeDeadlineSeconds: 1
            parameters: {shell: 'echo working; sleep 1000'}
            """)
        #expect(row.state == .timedOut)
        #expect(row.output == "working\n")
    }
}
