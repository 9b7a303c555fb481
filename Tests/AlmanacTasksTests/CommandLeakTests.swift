import AlmanacCore
import AlmanacTesting
import Foundation
import Glibc
import Testing

/// Other tests of this process open files and start programs meanwhile: what is counted is what
/// these runs are known to have had.
@Suite("What programs leave behind in the scheduler")
struct CommandLeakTests {
    @Test("after 200 runs with all kinds of endings: no file, no child")
    func nothing() async throws {
        let fixture = try await TaskFixture()
        let worker = Worker(number: 1, services: fixture.runner.services)
        // A program says its number and what its standard streams are.
        let report = "echo $$ $(readlink /proc/$$/fd/0) $(readlink /proc/$$/fd/1)"
        let endings = [
            "", "; exit 3", "; kill -9 $$", "; sleep 1000 &", "; exec >&- 2>&-",
            "; head -c 200000 /dev/zero | tr '\\0' x; \(report)",
        ]
        var seen: Set<String> = []
        for turn in 0..<200 {
            let shell = report + endings[turn % endings.count]
            let input = turn % 2 == 0 ? "" : ", stdin: some text"
            let name = turn % 20 == 19 ? "run: [no-such-program]" : "shell: \(shell.quoted)"
            let job = try fixture.job("task: command\nparameters: {\(name)\(input)}")
            guard case .ran(let end) = await fixture.runner.start(job, on: worker) else {
                Issue.record("turn \(turn) was not claimed")
                return
            }
            let output = try fixture.runner.row(of: end.identity.runID).output ?? ""
            let last = output.split(separator: "\n").last {
                !$0.hasPrefix("x") || $0.contains("pipe")
            }
            seen.formUnion((last ?? "").split(separator: " ").map(String.init))
        }
        await worker.stop()
        let pipes = seen.filter { $0.hasPrefix("pipe:") }
        let programs = seen.compactMap { Int32($0.drop { $0 == "x" }) }
        #expect(pipes.count >= 150 && programs.count >= 150, "\(seen.count)")
        #expect(
            Self.openFiles().filter { pipes.contains($0) || $0.contains("almanac-stdin") } == [])
        #expect(Set(Self.watchedProcesses()).intersection(programs) == [])
        #expect(programs.filter { Self.parent(of: $0) == getpid() } == [])
    }

    @Test("after programs that could not be started: no file")
    func notStarted() async throws {
        let fixture = try await TaskFixture()
        try fixture.write("#!/no/such/interpreter\n", to: "lost.sh", permissions: 0o755)
        let before = Self.count()
        for parameters in [
            "run: [no-such-program]", "run: [./lost.sh]", "run: [ls], workingDirectory: /nowhere",
            "run: [/tmp]", "run: [ls], stdin: text, workingDirectory: /nowhere",
        ] {
            for _ in 1...20 {
                let row = try await fixture.run("task: command\nparameters: {\(parameters)}")
                #expect(row.errorType == "CommandFailed")
            }
        }
        // 100 runs that leak have at least a hundred more, whatever other tests have opened.
        #expect(Self.count() < before + 90)
    }

    /// What the descriptors of this process are.
    private static func openFiles() -> [String] {
        let folder = "/proc/self/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)")
        }
    }

    private static func count() -> Int {
        openFiles().filter { $0.hasPrefix("pipe:") || $0.contains("almanac-stdin") }.count
    }

    /// The processes that this one has descriptors of (pidfd_open(2)).
    private static func watchedProcesses() -> [Int32] {
        let folder = "/proc/self/fdinfo"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.compactMap { name in
            let text = try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
            let line = text?.split(separator: "\n").first { $0.hasPrefix("Pid:") }
            return line.flatMap { Int32($0.dropFirst(4).drop { $0 == "\t" || $0 == " " }) }
        }
    }

    /// Nil when there is no such process any more.
    private static func parent(of process: Int32) -> Int32? {
        let text = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        let line = text?.split(separator: "\n").first { $0.hasPrefix("PPid:") }
        return line.flatMap { Int32($0.dropFirst(5).drop { $0 == "\t" }) }
    }
}
