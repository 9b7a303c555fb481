import AlmanacTesting
import Foundation
import Testing

@Suite("A database that comes and goes", .serialized)
struct ServerFaultTests {
    @Test("a server that crashes during runs is gone on with: nothing twice, nothing lost")
    func crash() async throws {
        let server = try await TestServer.start()
        let place = try Surroundings(
            Jobs.count() + Jobs.count("other", sleepSeconds: 0.5), on: server)
        let node = try place.start()
        for _ in 1...2 {
            let before = try place.books.count("succeeded")
            try await eventually("runs") { try place.books.count("succeeded") > before + 2 }
            try await eventually("a run is on") { try place.books.count("running") > 0 }
            try await server.stopImmediately()
            try await server.start()
        }
        try await finish(place, node)
        let otherErrors = try place.books.errors("other", everySeconds: 1)
        #expect(otherErrors == [])
        let lost = try place.books.rows("count").filter { $0.state == "failed" }
        #expect(lost.allSatisfy { $0.message?.isEmpty == false })
    }

    @Test("a server that is down for seconds is caught up with: the latest runs, the rest do not")
    func downTime() async throws {
        let server = try await TestServer.start()
        let place = try Surroundings(Jobs.count(), on: server)
        let node = try place.start()
        try await eventually("runs") { try place.books.count("count", "succeeded") > 0 }
        try await server.stop()
        try await eventually("it has noticed", seconds: 10) {
            node.output.contains("the database cannot be reached; nothing is lost, trying again")
        }
        try await Task.sleep(for: .seconds(4))
        #expect(node.end == nil)
        try await server.start()
        try await finish(place, node)
        let skipped = try place.books.rows("count").filter { $0.state == "skipped" }
        #expect(skipped.filter { $0.reason == "coalesced" }.count >= 3)
        // The one that was about to be claimed when the server went.
        #expect(skipped.filter { $0.reason != "coalesced" }.allSatisfy { $0.reason == "deadline" })
        #expect(skipped.filter { $0.reason == "deadline" }.count <= 2)
        let messages = try node.output.split(separator: "\n").map {
            try json($0)["message"] as? String ?? ""
        }
        #expect(messages.filter { $0.hasPrefix("the database cannot be reached") }.count <= 3)
        #expect(messages.contains("the database is back"))
    }

    /// The node runs again, ends well, and its books are right.
    private func finish(_ place: Surroundings, _ node: AlmanacProcess) async throws {
        let before = try place.books.count("count", "succeeded")
        try await eventually("runs again") {
            try place.books.count("count", "succeeded") > before + 1
        }
        #expect(node.end == nil)
        node.send(SIGTERM)
        #expect(try await node.waitForEnd() == .exited(0))
        #expect(try place.books.count("running") == 0)
        #expect(try place.counted() == place.books.count("succeeded"))
        let countErrors = try place.books.errors("count", everySeconds: 1)
        #expect(countErrors == [])
    }

    @Test("connections that are cut fail their run alone")
    func cutConnections() async throws {
        let place = try await Surroundings(Jobs.count(sleepSeconds: 0.3))
        let node = try place.start()
        for _ in 1...4 {
            try await eventually("a run") { try place.books.count("running") > 0 }
            try place.books.execute(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                WHERE datname = current_database() AND pid <> pg_backend_pid() \
                AND application_name LIKE 'almanac%'
                """)
            let ended = try place.books.number("SELECT count(*) FROM almanac.runs")
            try await eventually("the next run") {
                try place.books.number("SELECT count(*) FROM almanac.runs") > ended
            }
        }
        try await finish(place, node)
    }

    @Test("a node stops well while its database is away")
    func stopWithoutServer() async throws {
        let server = try await TestServer.start()
        let place = try Surroundings(Jobs.count(), on: server)
        let node = try place.start(environment: ["ALMANAC_GRACE_PERIOD_SECONDS": "1"])
        try await eventually("runs") { try place.books.count("count", "succeeded") > 0 }
        try await server.stop()
        try await eventually("it has noticed", seconds: 10) {
            node.output.contains("the database cannot be reached")
        }
        let start = ContinuousClock.now
        node.send(SIGTERM)
        #expect(try await node.waitForEnd(seconds: 40) == .exited(0))
        #expect(ContinuousClock.now - start < .seconds(10))
        try await server.start()
        let next = try place.start()
        try await finish(place, next)
    }
}
