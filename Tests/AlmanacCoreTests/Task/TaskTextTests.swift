import Foundation
import PostgresSession
import Testing

@testable import AlmanacCore

@Suite("Names and texts of runs")
struct TaskTextTests {
    @Test(
        "a type's name becomes the task's in kebab case",
        arguments: [
            ("RestockBook", "restock-book"), ("SQLExport", "sql-export"), ("A", "a"),
            ("AB", "ab"), ("Load2Facts", "load2-facts"), ("already", "already"),
            ("LoadCSVFile", "load-csv-file"),
        ])
    func kebab(type: String, name: String) {
        #expect(kebabCase(type) == name)
    }

    @Test("output keeps its tail and says how much came before")
    func tail() {
        var tail = OutputTail()
        #expect(tail.isEmpty)
        tail.append(String(repeating: "x", count: 100_000))
        tail.append("the end")
        let text = tail.description
        #expect(text.hasSuffix("the end"))
        #expect(text.hasPrefix("… (83623 bytes before this)\n"))
        #expect(text.utf8.count < OutputTail.limitBytes + 100)
    }

    @Test("a tail that was cut inside a character begins with the next one")
    func cutCharacter() {
        var tail = OutputTail()
        tail.append(String(repeating: "é", count: 20_000) + "!")
        #expect(!tail.description.contains("\u{FFFD}"))
    }

    @Test("NUL and broken UTF-8 in output do no harm")
    func hostileOutput() {
        var tail = OutputTail()
        tail.append(contentsOf: [0x61, 0x00, 0xFF, 0x62])
        #expect(tail.description == "a\u{FFFD}b")
    }

    @Test(
        "an error means what the one who asked to stop meant by it",
        arguments: [
            (StopCause?.none, RunState.failed), (.deadline(seconds: 1), .timedOut),
            (.shutdown, .cancelled),
        ])
    func outcome(cause: StopCause?, state: RunState) {
        #expect(TaskOutcome(error: ProbeError(description: "x"), stop: cause).state == state)
        #expect(TaskOutcome(error: Ignore("x"), stop: cause).state == .skipped)
    }

    @Test(
        "a stop is told by who asked for it and what it interrupted, not as the server has it",
        arguments: [
            (
                StopCause.deadline(seconds: 2), RunState.timedOut,
                "stopped at its deadline of 2 s; it was at: SELECT pg_sleep(30) [sql/a.sql:3]"
            ),
            (
                .shutdown, .cancelled,
                "stopped because its node shuts down; it was at: SELECT pg_sleep(30) [sql/a.sql:3]"
            ),
            (
                .request(by: "ada@desk", reason: "too long"), .cancelled,
                "cancelled by ada@desk: too long"
            ),
        ])
    func stopped(cause: StopCause, state: RunState, text: String) {
        for code in [PostgresError.Code.cancelled, .statementTimeout] {
            var error = PostgresError(
                code, "canceling statement due to user request", sqlState: "57014")
            (error.statement, error.file, error.line) = ("SELECT\n  pg_sleep(30)", "sql/a.sql", 3)
            let failure = Failure(outcome: TaskOutcome(error: error, stop: cause))
            #expect(failure.state == state)
            #expect(failure.message == text)
            #expect(text.hasPrefix(failure.summary ?? "none"))
            #expect(["RunStopped", "Cancelled"].contains(failure.errorType))
            #expect(failure.sqlState == (failure.errorType == "Cancelled" ? nil : "57014"))
        }
    }

    @Test("what a task has to say of its own at a stop stays as it is")
    func ownError() {
        let stop = StopCause.deadline(seconds: 2)
        for error in [ProbeError(description: "x"), Reject("x"), Retry("x")] as [any Error] {
            let failure = Failure(outcome: TaskOutcome(error: error, stop: stop))
            #expect(failure.message == "x")
            #expect(failure.state == .timedOut)
        }
        let other = PostgresError(.serverError, "no", sqlState: "23505")
        let failure = Failure(outcome: TaskOutcome(error: other, stop: stop))
        #expect(failure.message == "stopped at its deadline of 2 s; \(other)")
        let nothing = Failure(outcome: TaskOutcome(error: CancellationError(), stop: stop))
        #expect(nothing.message == "stopped at its deadline of 2 s")
    }

    @Test("an error's text loses NUL and what goes beyond the limit")
    func failureText() {
        let long = "a\0" + String(repeating: "b", count: 20_000)
        let failure = Failure(outcome: .failed(ProbeError(description: long)))
        #expect(failure.message?.count == Failure.messageLimit + 1)
        #expect(failure.message?.contains("\0") == false)
        #expect(failure.errorType == "ProbeError")
    }

    @Test("two types of one name are refused")
    func duplicateNames() throws {
        struct One: BatchTask {
            static let name = "same"
            func run(_ context: TaskContext) async throws {}
        }
        struct Two: BatchTask {
            static let name = "same"
            func run(_ context: TaskContext) async throws {}
        }
        #expect(throws: DuplicateTask.self) { try TaskRegistry([One.self, Two.self]) }
        #expect(try TaskRegistry([One.self, One.self]).taskNames == ["same"])
    }

    @Test(
        "an instant as RFC 3339 has a fraction only where it has one",
        arguments: [(0.0, "1970-01-01T00:00:00Z"), (0.5, "1970-01-01T00:00:00.500Z")])
    func rfc3339(seconds: Double, text: String) {
        #expect(PlaceholderValues.rfc3339(Date(timeIntervalSince1970: seconds)) == text)
    }

    @Test("placeholders are replaced wherever a text stands, and left alone where escaped")
    func placeholders() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try Data("secret\n".utf8).write(to: directory.appending(path: "token"))
        let values = PlaceholderValues(
            scheduledFor: Date(timeIntervalSince1970: 60), baseDirectory: directory.path,
            environment: ["HOST": "db1"])
        let node = try #require(
            try YAMLParser.parse(
                text: "a: ['${scheduledFor}', {b: 'on ${env:HOST}: ${file:token}'}, '$${x}', 5]",
                path: "test"))
        let expanded = CanonicalJSON(try values.expand(node)).rendered
        #expect(
            expanded == #"{"a":["1970-01-01T00:01:00Z",{"b":"on db1: secret"},"${x}",5]}"#)
    }

    @Test("variables are those of the process unless others are given")
    func processEnvironment() throws {
        let values = PlaceholderValues(
            scheduledFor: Date(timeIntervalSince1970: 0), baseDirectory: "/")
        let path = try #require(ProcessInfo.processInfo.environment["PATH"])
        #expect(try values.value(of: .environment(name: "PATH")) == path)
        let name = "ALMANAC_NOBODY_SETS_THIS"
        let error = #expect(throws: UnresolvedPlaceholder.self) {
            try values.value(of: .environment(name: name))
        }
        #expect(error?.message.contains(name) == true)
    }

    @Test("a placeholder's value is text, whatever it looks like")
    func placeholderText() throws {
        let values = PlaceholderValues(
            scheduledFor: Date(timeIntervalSince1970: 0), baseDirectory: "/",
            environment: ["N": "5", "Y": "a: b\n- c"])
        let node = try #require(
            try YAMLParser.parse(text: "{n: '${env:N}', y: '${env:Y}'}", path: "test"))
        #expect(
            CanonicalJSON(try values.expand(node)).rendered == #"{"n":"5","y":"a: b\n- c"}"#)
    }
}
