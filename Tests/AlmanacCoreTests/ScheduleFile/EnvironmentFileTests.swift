import Testing

@testable import AlmanacCore

@Suite("The environment of a schedule")
struct EnvironmentFileTests {
    private func load(_ texts: [String]) throws -> Schedule {
        let sources = try texts.enumerated().map { index, text in
            try SourceFile(
                path: "\(index).yaml", bytes: Array(("version: 1\n" + text + "jobs: {}\n").utf8))
        }
        return try ScheduleLoader(tasks: FakeTasks()).load(sources: sources).schedule
    }

    @Test(
        "is what one of its files says",
        arguments: [
            ([""], nil), (["environment: production\n"], "production"),
            (["", "environment: eu-1_a.b\n", ""], "eu-1_a.b"),
            (["environment: test\n", "environment: test\n"], "test"),
        ] as [([String], String?)])
    func said(texts: [String], environment: String?) throws {
        #expect(try load(texts).environment == environment)
    }

    @Test(
        "is refused where it is no name, or another one than in the file before",
        arguments: [
            (["environment: a b\n"], "'environment' cannot be that"),
            (["environment: ''\n"], "'environment' cannot be that"),
            (["environment: [a]\n"], "environment"), (["environment: \n"], "environment"),
            (
                ["environment: test\n", "environment: production\n"],
                "the environment is 'production' here and 'test' in another file"
            ),
        ])
    func refused(texts: [String], message: String) throws {
        let error = try #require(throws: DiagnosticsError.self) { try load(texts) }
        #expect(error.diagnostics.count == 1)
        #expect(error.diagnostics.first?.message.contains(message) == true, "\(error)")
    }
}
