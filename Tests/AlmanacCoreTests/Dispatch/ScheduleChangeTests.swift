import AlmanacTesting
import PostgresSession
import Testing

@testable import AlmanacCore

@Suite("The difference that a reload makes")
struct ScheduleChangeTests {
    private static func jobs(_ lines: [String]) throws -> [String: JobDefinition] {
        let text = "version: 1\njobs:\n" + lines.map { "  \($0)\n" }.joined()
        let source = try SourceFile(path: "test.yaml", bytes: Array(text.utf8))
        let schedule = try ScheduleLoader(tasks: TaskRegistry([ProbeTask.self]))
            .load(sources: [source]).schedule
        return Dictionary(uniqueKeysWithValues: schedule.jobs.map { ($0.name, $0) })
    }

    private static func line(_ name: String, every: String = "1h", more: String = "") -> String {
        "\(name): {every: \(every), task: probe, parameters: {journal: x, deed: succeed}\(more)}"
    }

    @Test("names what came, went and changed; places and comments are no change")
    func kinds() throws {
        let old = try Self.jobs([
            Self.line("goes"), Self.line("same"), Self.line("slower"), Self.line("words"),
        ])
        let new = try Self.jobs([
            "# a comment", Self.line("words", more: ", description: new"), Self.line("same"),
            Self.line("slower", every: "2h"), Self.line("comes"),
        ])
        let change = ScheduleChange(from: old, to: new)
        #expect(change.added == ["comes"])
        #expect(change.removed == ["goes"])
        #expect(change.changed == ["slower", "words"])
        #expect(
            change.metadata.mapValues { "\($0)" }
                == ["added": "comes", "removed": "goes", "changed": "slower, words"])
        #expect(ScheduleChange(from: old, to: old).metadata.isEmpty)
    }

    @Test("what puts a schedule in force knows how it differs from the one before")
    func activation() async throws {
        let fixture = try await LedgerFixture()
        let connection = try fixture.connect()
        defer { connection.close() }
        func change(_ jobs: [JobDefinition]) throws -> ScheduleChange? {
            try fixture.services.ledger.activate(
                Schedule(jobs: jobs, files: []), on: connection
            ).change
        }
        let (a, b, c) = (try fixture.job("a"), try fixture.job("b"), try fixture.job("c"))
        #expect(try change([a, b]) == nil)
        #expect(try change([a, b])?.isEmpty == true)
        let slower = try fixture.runner.makeJob(
            task: "probe", parameters: "{journal: x, deed: succeed}", keys: "suspend: true",
            name: "b")
        #expect(
            try change([slower, c])
                == ScheduleChange(added: ["c"], removed: ["a"], changed: ["b"]))
    }

    @Test("long lists are cut, with how many more there are")
    func long() throws {
        let new = try Self.jobs((10..<35).map { Self.line("job\($0)") })
        let text = try #require(ScheduleChange(from: [:], to: new).metadata["added"])
        #expect("\(text)".hasPrefix("job10, job11, "))
        #expect("\(text)".hasSuffix("job29, … 5 more"))
    }
}
