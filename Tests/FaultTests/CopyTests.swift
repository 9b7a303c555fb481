import AlmanacTesting
import Foundation
import Testing

@Suite("A copy of the database", .serialized)
struct CopyTests {
    /// Copies a database as operators do.
    private func copy(_ source: String, to target: String) async throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
            "-c", "pg_dump -d \"$1\" | psql -Xq -v ON_ERROR_STOP=1 -d \"$2\"", "sh", source, target,
        ]
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        try await eventually("the copy") { !process.isRunning }
        #expect(process.terminationStatus == 0)
    }

    /// A ledger with some runs, and a copy of it elsewhere.
    private func original() async throws -> Surroundings {
        let place = try await Surroundings(Jobs.count())
        #expect(try await place.run(["run", "--for", "2s"]).end == .exited(0))
        return place
    }

    private func check(
        _ place: Surroundings, copy: String, differs part: String
    ) async throws {
        let there = ["ALMANAC_DATABASE_URL": copy]
        let books = Books(copy)
        let before = try books.number("SELECT count(*) FROM almanac.runs")
        for command in [["run", "--for", "2s"], ["run", "--until-idle"], ["exec", "count"]] {
            let refused = try await place.run(command, environment: there)
            #expect(refused.end == .exited(1), "\(command)")
            let said = refused.errors + refused.output
            #expect(said.contains(part), "\(said)")
            #expect(said.contains("almanac migrate --adopt"), "\(said)")
        }
        #expect(try books.number("SELECT count(*) FROM almanac.runs") == before)
        let adopted = try await place.run(["migrate", "--adopt"], environment: there)
        #expect(adopted.end == .exited(0), "\(adopted.errors)")
        #expect(adopted.output.contains("the ledger belongs to database"))
        #expect(adopted.output.contains("before: database"))
        #expect(
            try books.number("SELECT count(*) FROM almanac.identity WHERE adopted_by LIKE '%@%'")
                == 1)
        #expect(try await place.run(["run", "--for", "1s"], environment: there).end == .exited(0))
        #expect(try await place.run(["exec", "count"], environment: there).end == .exited(0))
    }

    @Test("in another database of the server runs nothing before it is adopted")
    func otherDatabase() async throws {
        let place = try await original()
        let target = try await TestDatabase.make()
        try await copy(place.connectionString, to: target.connectionString)
        try await check(place, copy: target.connectionString, differs: "and this is \(target.name)")
        #expect(try await place.run(["run", "--for", "1s"]).end == .exited(0))
    }

    @Test("on another server runs nothing before it is adopted, also under the same name")
    func otherServer() async throws {
        let server = try await TestServer.start()
        let other = try await TestServer.start()
        let place = try Surroundings(Jobs.count(), on: server)
        #expect(try await place.run(["run", "--for", "2s"]).end == .exited(0))
        try await copy(server.connectionString, to: other.connectionString)
        try await check(place, copy: other.connectionString, differs: "its server is ")
        try await server.stop()
        try await other.stop()
    }

    @Test("is told by the environment where nothing else differs, as in a copy of the disks")
    func environment() async throws {
        let place = try await Surroundings(Jobs.count())
        let file = Surroundings.file(Jobs.count())
        try place.folder.write("environment: production\n" + file, to: "Schedules/a.yaml")
        #expect(try await place.run(["run", "--for", "1s"]).end == .exited(0))
        #expect(
            try await place.run(
                ["run", "--for", "1s"], environment: ["ALMANAC_ENVIRONMENT": "staging"]
            ).end == .exited(2))

        try place.folder.write("environment: staging\n" + file, to: "Schedules/a.yaml")
        let staging = try await place.run(["exec", "count"])
        #expect(staging.end == .exited(1))
        #expect(
            staging.errors.contains("its environment is production, and this process is staging"))
        try place.folder.write(file, to: "Schedules/a.yaml")
        let without = try await place.run(["run", "--for", "1s"])
        #expect(without.end == .exited(1))
        #expect(
            (without.errors + without.output).contains("and this process has none"),
            "\(without.errors)")
        #expect(
            try await place.run(
                ["run", "--for", "1s"], environment: ["ALMANAC_ENVIRONMENT": "production"]
            ).end == .exited(0))
    }

    @Test("SIGHUP with files of another environment changes nothing")
    func reload() async throws {
        let place = try await Surroundings(Jobs.count())
        let file = Surroundings.file(Jobs.count())
        try place.folder.write("environment: production\n" + file, to: "Schedules/a.yaml")
        let node = try place.start()
        try await eventually("runs") { try place.books.count("count", "succeeded") > 0 }
        try place.folder.write("environment: staging\n" + file, to: "Schedules/a.yaml")
        node.send(SIGHUP)
        try await eventually("the refusal") {
            node.output.contains("the schedule files are for another environment")
        }
        let before = try place.books.count("count", "succeeded")
        try await eventually("it goes on") {
            try place.books.count("count", "succeeded") > before + 1
        }
        node.send(SIGTERM)
        #expect(try await node.waitForEnd() == .exited(0))
        #expect(try place.books.number("SELECT count(*) FROM almanac.schedule_versions") == 1)
    }
}
