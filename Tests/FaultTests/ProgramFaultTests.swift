import Foundation
import Testing

/// A run that waits for a program has an idle connection, and a process that may be killed.
@Suite("Programs and their runs", .timeLimit(.minutes(3)))
struct ProgramFaultTests {
    @Test("a program that is longer than idle sessions may be runs once, to its end")
    func idleSessions() async throws {
        let place = try await Surroundings(
            Jobs.shell("slow", every: "1d", "echo start >> log; sleep 4; echo end >> log"))
        try place.books.execute(
            """
            DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET idle_session_timeout = ''1s''', \
            current_database()); END $$
            """)
        let exec = try await place.run(["exec", "slow"])
        #expect(exec.end == .exited(0), "\(exec.output + exec.errors)")
        #expect(place.folder.text("Schedules/log") == "start\nend\n")
        #expect(try place.books.rows("slow").map(\.state) == ["succeeded"])
    }

    @Test("what a process has started ends with it when it is killed")
    func killed() async throws {
        let place = try await Surroundings(
            Jobs.shell("slow", every: "1d", "sleep 300 & echo $! > child; echo $$ > leader; wait"))
        let exec = try place.start(["exec", "slow"])
        try await eventually("the program") { !place.folder.text("Schedules/leader").isEmpty }
        let programs = ["leader", "child"].compactMap { name in
            Int32(place.folder.text("Schedules/\(name)").trimmingCharacters(in: .newlines))
        }
        #expect(programs.count == 2)
        #expect(programs.allSatisfy(Self.lives))
        exec.send(SIGKILL)
        _ = try await exec.waitForEnd()
        try await eventually("the end of the program", seconds: 10) {
            !programs.contains(where: Self.lives)
        }
    }

    /// Whether a process is there that nobody has only to collect.
    private static func lives(_ process: Int32) -> Bool {
        let line = FileManager.default.contents(atPath: "/proc/\(process)/stat") ?? Data()
        let state = String(decoding: line, as: UTF8.self).split(separator: ")").last?.first {
            $0 != " "
        }
        return state != nil && state != "Z"
    }
}
