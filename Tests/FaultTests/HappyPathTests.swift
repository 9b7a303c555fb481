import Foundation
import Testing

@Suite("A node and the commands around it", .serialized)
struct HappyPathTests {
    @Test("a node runs for its time and says so as JSON, and the next one goes on where it ended")
    func runForJSON() async throws {
        let place = try await Surroundings(Jobs.count())
        let first = try await place.run(["run", "--for", "2s"])
        #expect(first.end == .exited(0))
        #expect(first.errors == "")
        let lines = try first.output.split(separator: "\n").map { try json($0) }
        #expect(lines.allSatisfy { $0["time"] != nil && $0["level"] != nil })
        let messages = lines.compactMap { $0["message"] as? String }
        #expect(messages.first == "almanac 0.1.0")
        #expect(messages.last == "stopped")
        let succeeded = lines.filter { $0["message"] as? String == "succeeded" }
        #expect(succeeded.count == (try place.books.count("count", "succeeded")))
        #expect(succeeded.allSatisfy { $0["job"] as? String == "count" && $0["rows"] as? Int == 1 })
        #expect(!first.output.contains("password"))

        let before = try place.counted()
        #expect(before >= 1)
        let second = try await place.run(["run", "--for", "2s"])
        #expect(second.end == .exited(0))
        #expect(try place.counted() > before)
        #expect(try place.counted() == place.books.count("count", "succeeded"))
        #expect(try place.books.errors("count", everySeconds: 1) == [])
        let versions = try place.books.number("SELECT count(*) FROM almanac.schedule_versions")
        #expect(versions == 1)
    }

    @Test("text is for people, and stopping when idle leaves nothing that was due")
    func untilIdleText() async throws {
        let place = try await Surroundings(Jobs.count())
        let made = try await place.run(["run", "--for", "0s"])
        #expect(made.end == .exited(0))
        try await eventually("something is due") {
            try place.books.number(
                "SELECT extract(epoch FROM now() - accounted_from)::int FROM almanac.accounts") >= 2
        }
        let text = ["ALMANAC_LOG_FORMAT": "text", "ALMANAC_LOG_LEVEL": "info"]
        let node = try await place.run(["run", "--until-idle"], environment: text)
        #expect(node.end == .exited(0))
        #expect(try place.books.count("count", "succeeded") >= 1)
        #expect(try place.books.count("running") == 0)
        #expect(node.output.contains("✓  succeeded  count  "))
        #expect(!node.output.contains("\u{1B}"))
        #expect(!node.output.contains("{"))
    }

    @Test("exec, history, show, check, next and migrate answer with their codes and as JSON")
    func commands() async throws {
        let place = try await Surroundings(
            Jobs.count(every: "1h") + Jobs.sql("broken", every: "1h", "SELECT 1 / 0"))
        let migrated = try await place.run(["migrate"])
        #expect(migrated.end == .exited(0))
        #expect(migrated.output.hasPrefix("version 1: "))
        #expect(try await place.run(["migrate"]).output.contains("has the current version"))

        let exec = ["exec", "count", "--at", "2026-01-01T00:00:00Z"]
        #expect(try await place.run(exec).end == .exited(0))
        let again = try await place.run(exec)
        #expect(again.end == .exited(0))
        #expect(again.errors.contains("this occurrence has its row already: succeeded"))
        #expect(!again.errors.contains("none of the instants"))
        let broken = try await place.run(["exec", "broken"])
        #expect(broken.end == .exited(1))
        #expect(broken.errors.contains("22012"))
        #expect(!broken.errors.contains("ExitCode"))
        #expect(broken.output == "")
        try await showHistory(place)
        let beside = try await place.run(["exec", "count", "--at", "2026-01-01T00:00:30Z"])
        #expect(beside.end == .exited(0))
        #expect(
            beside.errors.hasPrefix(
                "warning: 2026-01-01 00:00:30Z is none of the instants of 'count'; it runs"))
        #expect(try place.counted() == 2)
        #expect(try await place.run(["check"]).end == .exited(0))
        let next = try await place.run(["next", "--json", "--count", "4"])
        #expect(next.end == .exited(0))
        let list = try JSONSerialization.jsonObject(with: Data(next.output.utf8)) as? [Any]
        #expect(list?.count == 4)
    }

    private func showHistory(_ place: Surroundings) async throws {
        let history = try await place.run(["history", "--json"])
        #expect(history.end == .exited(0))
        let rows = try #require(
            try JSONSerialization.jsonObject(with: Data(history.output.utf8)) as? [[String: Any]])
        #expect(rows.compactMap { $0["state"] as? String } == ["failed", "succeeded"])
        let failed = try await place.run(["history", "--state", "failed", "--limit", "5"])
        #expect(failed.output.split(separator: "\n").count == 2)
        #expect(failed.output.contains("DivisionByZero") || failed.output.contains("broken"))

        let id = try #require(rows.last?["run_id"] as? String)
        #expect(id == id.lowercased())
        let shown = try await place.run(["show", String(id.prefix(8)), "--json"])
        #expect(shown.end == .exited(0))
        let row = try json(shown.output)
        #expect(row["run_id"] as? String == id)
        #expect(row["trigger"] as? String == "exec")
        #expect((row["parameters"] as? [String: String])?["statement"]?.isEmpty == false)
        let text = try await place.run(["show", id])
        #expect(text.output.contains("state           succeeded"))
        let missing = try await place.run(["show", "00000000-1111"])
        #expect(missing.end == .exited(1))
        #expect(missing.errors.contains("there is no run '00000000-1111'"))
    }

    @Test("a reader of the log that goes away does not end the node")
    func brokenPipe() async throws {
        let place = try await Surroundings(Jobs.count())
        let pipe = Pipe()
        let node = try AlmanacProcess(
            ["run"], in: place.folder,
            environment: ["ALMANAC_DATABASE_URL": place.connectionString],
            output: pipe.fileHandleForWriting)
        try pipe.fileHandleForWriting.close()
        _ = pipe.fileHandleForReading.availableData
        try pipe.fileHandleForReading.close()
        try await eventually("runs go on") { try place.books.count("count", "succeeded") >= 2 }
        node.send(SIGTERM)
        #expect(try await node.waitForEnd() == .exited(0))
    }
}
