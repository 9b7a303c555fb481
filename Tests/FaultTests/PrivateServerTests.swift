import Foundation
import Glibc
import Testing

@Suite("The private server of a node", .serialized)
struct PrivateServerTests {
    private let folder: Folder

    init() throws {
        folder = try Folder([
            "Schedules/a.yaml": Surroundings.file(Jobs.sql("tick", "SELECT 1"))
        ])
    }

    private func start(_ arguments: [String] = ["run"]) throws -> AlmanacProcess {
        try AlmanacProcess(arguments, in: folder)
    }

    private var isServerGone: Bool { processes(in: folder.path + "/.almanac").isEmpty }

    @Test("it ends with its node however that ends, and its data are there again")
    func life() async throws {
        let first = try start()
        try await eventually("runs", seconds: 60) { first.output.contains("\"succeeded\"") }
        #expect(!isServerGone)
        first.send(SIGTERM)
        #expect(try await first.waitForEnd() == .exited(0))
        #expect(isServerGone)

        let second = try start()
        try await eventually("runs") { second.output.contains("\"succeeded\"") }
        let history = try await AlmanacProcess.run(["history", "--json"], in: folder)
        #expect(history.end == .exited(0))
        let rows = try JSONSerialization.jsonObject(with: Data(history.output.utf8))
        let list = try #require(rows as? [[String: Any]])
        #expect(Set(list.compactMap { $0["node"] as? String }).count == 2)
        #expect(second.end == nil)
        second.send(SIGKILL)
        #expect(try await second.waitForEnd() == .killed(SIGKILL))
        try await eventually("the server is gone", seconds: 15) { isServerGone }

        let third = try await AlmanacProcess.run(["run", "--until-idle"], in: folder)
        #expect(third.end == .exited(0))
        #expect(isServerGone)
        #expect(third.output.contains("private Postgres in \(folder.path)/.almanac"))
    }

    @Test("a second node shares the server of the first, and outlives no data")
    func shared() async throws {
        let first = try start()
        try await eventually("runs", seconds: 60) { first.output.contains("\"succeeded\"") }
        let second = try start(["run", "--for", "1s"])
        #expect(try await second.waitForEnd() == .exited(0))
        #expect(second.output.contains("private Postgres of another process"))
        #expect(first.end == nil)
        #expect(!isServerGone)
        let before = first.output.components(separatedBy: "\"succeeded\"").count
        try await eventually("the first goes on") {
            first.output.components(separatedBy: "\"succeeded\"").count > before
        }
        first.send(SIGINT)
        #expect(try await first.waitForEnd() == .exited(0))
        #expect(isServerGone)
    }

    @Test("a node whose private server dies says so and ends, and starts again on the same data")
    func deadServer() async throws {
        let node = try start()
        try await eventually("runs", seconds: 60) { node.output.contains("\"succeeded\"") }
        let file = folder.text(".almanac/postgres/postmaster.pid")
        let postmaster = try #require(file.split(separator: "\n").first.flatMap { Int32($0) })
        kill(postmaster, SIGQUIT)
        #expect(try await node.waitForEnd() == .exited(1))
        #expect(node.errors.contains("the private Postgres has ended, and this node with it"))
        #expect(node.errors.contains(".almanac/postgres.log"))
        try await eventually("nothing runs") { isServerGone }
        let next = try await AlmanacProcess.run(["run", "--until-idle"], in: folder)
        #expect(next.end == .exited(0))
    }

    @Test("Ctrl-C while the first server is being made leaves nothing behind that runs")
    func interruptedStart() async throws {
        let node = try start()
        try await eventually("it has begun") { folder.exists(".almanac") }
        node.send(SIGINT)
        #expect(try await node.waitForEnd(seconds: 60) == .exited(0))
        try await eventually("nothing runs") { isServerGone }
        let next = try await AlmanacProcess.run(["run", "--for", "0s"], in: folder, seconds: 60)
        #expect(next.end == .exited(0))
        let entries = try FileManager.default.contentsOfDirectory(
            atPath: folder.path(".almanac"))
        #expect(entries.filter { $0.contains(".new-") } == [])
    }
}
