import Foundation
import Testing

@Suite("Several nodes, and none for a while", .serialized)
struct NodesTests {
    @Test("two nodes run each instant once, and one of them loses none when the other is killed")
    func twoNodes() async throws {
        let place = try await Surroundings(Jobs.count())
        let nodes = try [place.start(), place.start()]
        try await eventually("both know the schedule") {
            nodes.allSatisfy { $0.output.contains("schedule in force") }
        }
        try await eventually("four seconds of runs") {
            try place.books.count("count", "succeeded") >= 4
        }
        nodes[0].send(SIGKILL)
        let before = try place.books.count("count", "succeeded")
        try await eventually("four more") {
            try place.books.count("count", "succeeded") >= before + 4
        }
        nodes[1].send(SIGTERM)
        #expect(try await nodes[1].waitForEnd() == .exited(0))
        #expect(try place.books.errors("count", everySeconds: 1) == [])
        #expect(try place.counted() == place.books.count("count", "succeeded"))
        #expect(try place.books.count("running") == 0)
        #expect(try place.books.count("skipped") == 0)
    }

    @Test("two nodes make one schema and one account when they start on nothing at once")
    func startTogether() async throws {
        let place = try await Surroundings(Jobs.count(every: "1h"))
        let nodes = try (1...3).map { _ in try place.start(["run", "--for", "1s"]) }
        for node in nodes { #expect(try await node.waitForEnd() == .exited(0)) }
        #expect(try place.books.number("SELECT count(*) FROM almanac.schedule_versions") == 1)
        #expect(try place.books.number("SELECT count(*) FROM almanac.accounts") == 1)
    }

    @Test(
        "after a time without a node the latest runs and the rest are coalesced, all accounted for",
        arguments: [(1, 36), (60, 2_160)])
    func missed(perHour: Int, count: Int) async throws {
        let step = 3_600 / perHour
        let place = try await Surroundings(Jobs.count(every: "\(step)s"))
        #expect(try await place.run(["run", "--for", "0s"]).end == .exited(0))
        // As if the node had ended 36 hours before the hour that has begun.
        try place.books.pretendEnd(before: "36h")
        let minutes = try place.books.number("SELECT extract(minute FROM now())::int")
        #expect(try await place.run(["run", "--until-idle"]).end == .exited(0))

        let rows = try place.books.rows("count")
        let ran = rows.filter { $0.state == "succeeded" }
        let skipped = rows.filter { $0.state == "skipped" }
        #expect(ran.count == 1)
        #expect(ran.first?.trigger == "catch-up")
        #expect(try place.counted() == 1)
        #expect(Set(skipped.map(\.reason)) == ["coalesced"])
        let instants = skipped.reduce(1) { $0 + ($1.count ?? 1) }
        // The clock may have passed a minute or an hour since.
        let expected = count + (perHour == 60 ? minutes : 0)
        #expect((expected...expected + 2).contains(instants), "\(instants)")
        #expect(try place.books.errors("count", everySeconds: step) == [])
        #expect(skipped.count == (count > 100 ? 1 : instants - 1))
    }

    @Test("what was claimed when its node was killed is not run again")
    func claimedAndKilled() async throws {
        let place = try await Surroundings(
            Jobs.shell("claimed", every: "1h", "echo ran >> runs.txt; sleep 30"))
        #expect(try await place.run(["run", "--for", "0s"]).end == .exited(0))
        try place.books.pretendEnd(before: "1s")
        let first = try place.start()
        try await eventually("the program runs") { place.folder.exists("Schedules/runs.txt") }
        first.send(SIGKILL)
        let second = try place.start()
        try await eventually("it is found orphaned") {
            try place.books.count("claimed", "orphaned") == 1
        }
        second.send(SIGTERM)
        #expect(try await second.waitForEnd() == .exited(0))
        #expect(place.folder.text("Schedules/runs.txt") == "ran\n")
        #expect(try place.books.rows("claimed").count == 1)
    }
}
