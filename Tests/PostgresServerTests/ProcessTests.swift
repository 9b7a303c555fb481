import Foundation
import Glibc
import Testing

@testable import PostgresServer

@Suite("Child processes")
struct ProcessTests {
    private func run(_ script: String, _ arguments: [String] = [], input: String = "") async throws
        -> ChildProcess.Output
    {
        try await onThread {
            try ChildProcess.run(
                ["/bin/sh", "-c", script, "sh"] + arguments, input: input, timeoutSeconds: 10)
        }
    }

    static let scripts: [(script: String, succeeded: Bool, text: String)] = [
        ("exit 0", true, ""), ("exit 3", false, ""), ("echo out; echo err >&2", true, "out\nerr\n"),
        ("kill -9 $$", false, ""), ("printf 'no newline'", true, "no newline"), ("cat", true, ""),
        ("echo said; exit 1", false, "said\n"),
    ]

    @Test("a program's end and what it said are told, from both of its outputs", arguments: scripts)
    func outcome(script: String, succeeded: Bool, text: String) async throws {
        let output = try await run(script)
        #expect(output.succeeded == succeeded)
        #expect(output.text == text)
    }

    @Test(
        "arguments and input arrive as they are",
        arguments: [
            "plain", "", "it's \"odd\" \\ $HOME `x`", "a\nb", "ümläut 👩‍👩‍👧‍👦", "-n", "*",
        ])
    func argument(text: String) async throws {
        #expect(try await run("printf %s \"$1\"", [text]).text == text)
        #expect(try await run("cat", input: text).text == text)
    }

    @Test("more output than a pipe holds is read to its end")
    func large() async throws {
        let output = try await run("head -c 3000000 /dev/zero | tr '\\0' x")
        #expect(output.text.utf8.count == 3_000_000 && output.succeeded)
    }

    @Test("a program that is not there is an error that names it")
    func missing() async throws {
        try await onThread {
            let error = #expect(throws: ServerError.self) {
                try ChildProcess.run(["/nowhere/at-all"], timeoutSeconds: 1)
            }
            #expect(error?.code == .processNotStarted)
            #expect(error?.message == "cannot start /nowhere/at-all: No such file or directory")
            #expect(throws: ServerError.self) { try ChildProcess.run([], timeoutSeconds: 1) }
        }
    }

    @Test("no variable of the caller's environment leads a program astray")
    func environment() async throws {
        let names = try await run("env | cut -d= -f1 | sort | tr '\\n' ' '").text
        let allowed: Set<Substring> = [
            "HOME", "LC_ALL", "PATH", "PGCONNECT_TIMEOUT", "PWD", "_", "SHLVL", "OLDPWD",
        ]
        #expect(Set(names.split(separator: " ")).isSubset(of: allowed))
        #expect(try await run("echo $LC_ALL $HOME $PGCONNECT_TIMEOUT").text == "C / 10\n")
        #expect(try await run("echo $PATH").text.hasSuffix(":/usr/sbin:/usr/bin:/sbin:/bin\n"))
    }

    @Test("a child is in a session of its own, with no signal blocked or ignored")
    func signals() async throws {
        #expect(try await run("test $(ps -o sid= -p $$) = $$ && echo own").text == "own\n")
        let masks = try await run("grep -E '^Sig(Blk|Ign)' /proc/self/status | cut -f2").text
        // The C library keeps two signals above the usual 31 to itself.
        let usual = masks.split(separator: "\n").map { (UInt64($0, radix: 16) ?? 1) & 0x7FFF_FFFF }
        #expect(usual == [0, 0])
    }

    @Test("a child is running until it has ended, and its end is waited for")
    func waiting() async throws {
        try await onThread {
            let (read, write) = try ChildProcess.pipe()
            let child = try ChildProcess(["/bin/cat"], input: read, output: try nullDevice())
            close(read)
            #expect(child.isRunning && !child.waitForExit(seconds: 0.02))
            let lifeline = Lifeline(descriptor: write)
            lifeline.cut()
            lifeline.cut()
            #expect(lifeline.withDescriptor { $0 } == -1)
            #expect(child.waitForExit(seconds: 10) && !child.isRunning)
            #expect(!isAlive(child.processID))
        }
    }

    @Test("a lifeline that is let go is cut")
    func released() async throws {
        try await onThread {
            let (read, write) = try ChildProcess.pipe()
            defer { close(read) }
            do { _ = Lifeline(descriptor: write) }
            var byte: UInt8 = 0
            #expect(Glibc.read(read, &byte, 1) == 0)
        }
    }
}

@Suite("Deadlines")
struct DeadlineTests {
    @Test("what is left is never negative, and rounded up so that poll does not spin")
    func remaining() {
        #expect(Deadline(secondsFromNow: -5).hasPassed)
        #expect(Deadline(secondsFromNow: -5).remainingMilliseconds == 0)
        #expect(Deadline(secondsFromNow: 0).remainingMilliseconds == 0)
        #expect((9_000...10_001).contains(Deadline(secondsFromNow: 10).remainingMilliseconds))
        #expect(Deadline(secondsFromNow: 1e9).remainingMilliseconds == .max)
        #expect(!Deadline(secondsFromNow: 10).hasPassed)
    }

    @Test("a condition is asked at least once, and until it holds")
    func wait() {
        var asked = 0
        #expect(
            Deadline(secondsFromNow: 0).wait {
                asked += 1; return true
            })
        #expect(
            !Deadline(secondsFromNow: 0).wait {
                asked += 1; return false
            })
        #expect(asked == 2)
        let isMet = Deadline(secondsFromNow: 10).wait(everyMilliseconds: 1) {
            asked += 1
            return asked == 6
        }
        #expect(isMet && asked == 6)
        #expect(throws: QueryFailure.self) {
            try Deadline(secondsFromNow: 10).wait { throw QueryFailure(text: "x") }
        }
    }
}

@Suite("Accounts")
struct AccountTests {
    @Test("a command of the server's user runs as that user, in the root, its arguments whole")
    func command() async throws {
        try await onThread {
            let account = try ServerAccount(nameForRoot: "postgres")
            let command = account.command([
                "/bin/sh", "-c", "id -u; pwd; printf %s \"$1\"", "x", "a b\"$c",
            ])
            let output = try ChildProcess.run(command, timeoutSeconds: 10)
            #expect(output.text == "\(account.userID)\n/\na b\"$c")
            #expect((account.userID == 0) == false)
        }
    }

    @Test(
        "whether the server's user gets into a directory is asked of the kernel",
        .enabled(if: geteuid() == 0, "needs root"),
        arguments: [(0o755, true), (0o711, true), (0o700, false)])
    func canEnter(mode: Int, isReachable: Bool) async throws {
        try await withDirectory { base in
            let account = try ServerAccount(nameForRoot: "postgres")
            chmod(base, mode_t(mode))
            #expect(try account.canEnter(base) == isReachable)
            #expect(try !account.canEnter(base + "/missing"))
            try account.own(base)
            #expect(Directory.owner(base) == account.userID)
            #expect(try account.canEnter(base))
        }
    }

    @Test("what cannot be handed over is named", .enabled(if: geteuid() == 0, "needs root"))
    func notOwned() throws {
        let account = try ServerAccount(nameForRoot: "postgres")
        let error = #expect(throws: ServerError.self) { try account.own("/nowhere/x") }
        #expect(error?.message.contains("/nowhere/x: No such file") == true)
    }

    @Test("a program is found in the usual places, and nil is said for one that is nowhere")
    func finding() {
        #expect(find(program: "sh")?.hasSuffix("/sh") == true)
        #expect(find(program: "no-such-program-at-all") == nil)
    }
}
