import Foundation
import Testing

@Suite("SIGHUP", .serialized)
struct ReloadTests {
    @Test("a changed file is in force at once, a broken one changes nothing and is reported")
    func reload() async throws {
        let place = try await Surroundings(Jobs.count("old"))
        let node = try place.start()
        try await eventually("the old job") { try place.books.count("old", "succeeded") > 0 }

        try place.folder.write(Surroundings.file(Jobs.count("new")), to: "Schedules/a.yaml")
        node.send(SIGHUP)
        try await eventually("the new job") { try place.books.count("new", "succeeded") > 0 }
        let old = try place.books.rows("old").count
        let before = try place.books.count("new", "succeeded")

        try place.folder.write("version: 1\njobs:\n  x: {evry: 1s}\n", to: "Schedules/a.yaml")
        node.send(SIGHUP)
        try await eventually("the error") { node.output.contains("unknown key 'evry'") }
        try await eventually("what is in force goes on") {
            try place.books.count("new", "succeeded") > before + 1
        }
        #expect(try place.books.rows("old").count == old)

        node.send(SIGTERM)
        #expect(try await node.waitForEnd() == .exited(0))
        try check(node.output)
        let change = try node.output.split(separator: "\n").map { try json($0) }
            .first { $0["message"] as? String == "the schedule has changed" }
        #expect(change?["added"] as? String == "new")
        #expect(change?["removed"] as? String == "old")
        #expect(try place.books.errors("old", everySeconds: 1) == [])
        #expect(try place.books.errors("new", everySeconds: 1) == [])
        #expect(try place.counted() == place.books.count("succeeded"))
        #expect(try place.books.number("SELECT count(*) FROM almanac.schedule_versions") == 2)
    }

    private func check(_ log: String) throws {
        let errors = try log.split(separator: "\n").map { try json($0) }
            .filter { $0["level"] as? String == "error" }
        #expect(
            errors.first?["message"] as? String
                == "the schedule files are not valid; what is in force stays")
        let place = errors.first { ($0["message"] as? String)?.contains("'evry'") == true }
        #expect((place?["message"] as? String)?.contains("a.yaml:3:7: error:") == true)
        #expect((place?["help"] as? String)?.contains("every") == true)
    }

    @Test("a job that runs is left alone, also when the file has lost it")
    func removedWhileRunning() async throws {
        let place = try await Surroundings(
            Jobs.count("goes", sleepSeconds: 1.5) + Jobs.count("stays"))
        let node = try place.start()
        try await eventually("a run") { try place.books.count("goes", "running") > 0 }
        try place.folder.write(Surroundings.file(Jobs.count("stays")), to: "Schedules/a.yaml")
        node.send(SIGHUP)
        try await eventually("it ends well") { try place.books.count("goes", "succeeded") == 1 }
        try await eventually("nothing of it is left") {
            try place.books.count("goes", "running") == 0
        }
        let rows = try place.books.rows("goes").count
        let before = try place.books.count("stays", "succeeded")
        try await eventually("the other goes on") {
            try place.books.count("stays", "succeeded") > before + 1
        }
        #expect(try place.books.rows("goes").count == rows)
        node.send(SIGTERM)
        #expect(try await node.waitForEnd() == .exited(0))
        #expect(try place.counted() == place.books.count("succeeded"))
    }

    @Test("a job that is suspended skips, and runs again when it is resumed")
    func suspended() async throws {
        let place = try await Surroundings(Jobs.count())
        let node = try place.start()
        try await eventually("runs") { try place.books.count("count", "succeeded") > 0 }
        let suspended = Surroundings.file(
            Jobs.count().replacing("task:", with: "suspend: true, task:"))
        try place.folder.write(suspended, to: "Schedules/a.yaml")
        node.send(SIGHUP)
        try await eventually("skips") {
            try place.books.rows("count").filter { $0.reason == "suspended" }.count >= 2
        }
        let before = try place.books.count("count", "succeeded")
        try place.folder.write(Surroundings.file(Jobs.count()), to: "Schedules/a.yaml")
        node.send(SIGHUP)
        try await eventually("runs again") {
            try place.books.count("count", "succeeded") > before
        }
        node.send(SIGTERM)
        #expect(try await node.waitForEnd() == .exited(0))
        #expect(try place.books.errors("count", everySeconds: 1) == [])
    }
}
