import Foundation
import Testing

@Suite("Processes that are stopped", .serialized)
struct SuspicionTests {
    private static let impatient = ["ALMANAC_SUSPECT_AFTER_SECONDS": "2"]

    private func running(_ place: Surroundings, on node: AlmanacProcess) throws -> Int {
        try place.books.number(
            """
            SELECT count(*) FROM almanac.runs WHERE state = 'running' \
            AND node LIKE '%:\(node.processID):%'
            """)
    }

    private func succeeded(_ place: Surroundings, on node: AlmanacProcess) throws -> Int {
        try place.books.number(
            """
            SELECT count(*) FROM almanac.runs WHERE state = 'succeeded' \
            AND node LIKE '%:\(node.processID):%'
            """)
    }

    @Test("another node ends their runs, with the evidence; they wake up fenced, and work on")
    func stopped() async throws {
        let place = try await Surroundings(Jobs.count("count", sleepSeconds: 1.5))
        let nodes = try (1...2).map { _ in try place.start(environment: Self.impatient) }
        defer { for node in nodes { node.send(SIGCONT) } }
        try await eventually("both know the schedule") {
            nodes.allSatisfy { $0.output.contains("schedule in force") }
        }
        for round in 1...4 {
            let node = nodes[round % 2]
            try await eventually("round \(round): a run of the node", seconds: 60) {
                try running(place, on: node) == 1
            }
            node.send(SIGSTOP)
            try await eventually("round \(round): the run is found orphaned", seconds: 60) {
                try place.books.count("count", "orphaned") == round
            }
            let message = try #require(
                place.books.rows("count").last { $0.state == "orphaned" }?.message)
            #expect(message.contains("had not been seen since"), "\(message)")
            #expect(message.contains(":\(node.processID):"), "\(message)")
            #expect(message.contains("is gone, found by node"), "\(message)")
            let before = try succeeded(place, on: nodes[(round + 1) % 2])
            try await eventually("round \(round): the other goes on") {
                try succeeded(place, on: nodes[(round + 1) % 2]) > before
            }
            let own = try succeeded(place, on: node)
            node.send(SIGCONT)
            try await eventually("round \(round): it works on", seconds: 60) {
                try succeeded(place, on: node) > own
            }
        }
        for node in nodes { node.send(SIGTERM) }
        for node in nodes { #expect(try await node.waitForEnd() == .exited(0)) }
        #expect(try place.books.count("orphaned") == 4)
        #expect(try place.books.count("running") == 0)
        #expect(try place.books.errors("count", everySeconds: 1) == [])
        #expect(try place.counted() == place.books.count("succeeded"))
        for node in nodes { #expect(node.output.contains("orphaned")) }
    }

    @Test("the retry policy follows, and the occurrence has its effect once")
    func retried() async throws {
        let place = try await Surroundings(
            Jobs.count("retried", every: "1h", sleepSeconds: 3).replacing(
                "task:", with: "backoffLimit: 2, backoff: {initial: 1s}, task:"))
        #expect(try await place.run(["run", "--for", "0s"]).end == .exited(0))
        try place.books.pretendEnd(before: "1s")
        let one = try place.start(environment: Self.impatient)
        defer { one.send(SIGCONT) }
        try await eventually("a node") { one.output.contains("schedule in force") }
        try await eventually("the run") { try running(place, on: one) == 1 }
        let two = try place.start(environment: Self.impatient)
        one.send(SIGSTOP)
        try await eventually("another attempt succeeds", seconds: 60) {
            try place.books.count("retried", "succeeded") == 1
        }
        one.send(SIGCONT)
        try await eventually("it knows that it lost the run") { one.output.contains("orphaned") }
        for node in [one, two] {
            node.send(SIGTERM)
            #expect(try await node.waitForEnd() == .exited(0))
        }
        #expect(try place.books.rows("retried").map(\.state) == ["orphaned", "succeeded"])
        #expect(try place.counted() == 1)
    }

    @Test("an attempt that a stopped process waits for in the foreground is given up")
    func foreground() async throws {
        let place = try await Surroundings(
            Jobs.sql("waits", every: "1h", "SELECT 1/0").replacing(
                "task:",
                with: "suspend: true, backoffLimit: 1, backoff: {initial: 12s}, "
                    + "retryPolicy: {rules: [{action: Retry, sqlstates: ['22012']}]}, task:"))
        let node = try place.start(environment: Self.impatient)
        try await eventually("a node") { node.output.contains("schedule in force") }
        let exec = try place.start(["exec", "waits"], environment: Self.impatient)
        defer { exec.send(SIGCONT) }
        try await eventually("it waits") { try place.books.count("waits", "queued") == 1 }
        try await eventually("it is known") {
            try place.books.number("SELECT count(*) FROM almanac.nodes WHERE kind = 'exec'") == 1
        }
        exec.send(SIGSTOP)
        try await eventually("it is given up", seconds: 60) {
            try place.books.count("waits", "cancelled") == 1
        }
        let message = try #require(
            place.books.rows("waits").first { $0.state == "cancelled" }?.message)
        #expect(message.contains("process that waited for this attempt"), "\(message)")
        #expect(message.contains("had not been seen since"), "\(message)")
        exec.send(SIGCONT)
        #expect(try await exec.waitForEnd() == .exited(1))
        node.send(SIGTERM)
        #expect(try await node.waitForEnd() == .exited(0))
        #expect(
            try place.books.number("SELECT count(*) FROM almanac.nodes WHERE kind = 'exec'") == 0)
    }
}
