import Foundation
import Testing

@testable import AlmanacCore

@Suite("Placeholders of what a channel tells")
struct MessagePlaceholderTests {
    static let message = NotificationMessage(
        fields: [
            .event: "failure", .job: "rollup", .subject: "rollup failed",
            .text: "rollup failed\n\"no\" \\ \t\u{1}", .count: "1",
        ], json: #"{"event":"failure"}"#)

    private func values(_ message: NotificationMessage?) -> PlaceholderValues {
        PlaceholderValues(
            scheduledFor: Date(timeIntervalSince1970: 0), message: message, baseDirectory: "/",
            environment: ["A": "b"])
    }

    private func expanded(_ text: String, _ message: NotificationMessage?) throws -> String? {
        let node = try yaml("{a: \(CanonicalJSON.text(text).rendered)}")
        return try values(message).expand(node)["a"]?.scalar?.text
    }

    @Test(
        "stand for its fields, for a field as JSON, and for the whole",
        arguments: [
            ("${subject}", "rollup failed"), ("[${event}] ${job}", "[failure] rollup"),
            ("${text}", "rollup failed\n\"no\" \\ \t\u{1}"), ("${count}", "1"),
            ("${json:text}", #""rollup failed\n\"no\" \\ \t\u0001""#),
            ("{\"text\": ${json:subject}}", #"{"text": "rollup failed"}"#),
            ("${message}", #"{"event":"failure"}"#), ("${owner}", ""), ("${json:owner}", "\"\""),
            ("${scheduledFor} ${env:A} $${subject}", "1970-01-01T00:00:00Z b ${subject}"),
        ])
    func values(text: String, expected: String) throws {
        #expect(try expanded(text, Self.message) == expected)
    }

    @Test("have a name each, by which they are read", arguments: MessageField.allCases)
    func names(field: MessageField) throws {
        #expect(
            try PlaceholderText("${\(field.rawValue)}").placeholders == [.message(.text(field))])
        #expect(
            try PlaceholderText("${json:\(field.rawValue)}").placeholders
                == [.message(.json(field))])
        #expect(MessagePart.json(field).name == "json:\(field.rawValue)")
    }

    @Test(
        "have no value in a run of a job", arguments: ["${subject}", "${json:text}", "${message}"])
    func jobs(text: String) {
        let error = #expect(throws: UnresolvedPlaceholder.self) { try expanded(text, nil) }
        #expect(error?.placeholder == text)
    }

    @Test(
        "that there are not are answered with those that there are",
        arguments: [
            ("${json:message}", "'${message}' is JSON already", "write '${message}'"),
            (
                "${json:subjekt}", "there is no field 'subjekt' of a message",
                "did you mean 'subject'?"
            ),
            (
                "${json:}", "there is no field '' of a message",
                "there are 'event', 'job', 'subject', 'text', 'runId', 'state', 'reason', 'error', "
                    + "'count', 'owner', 'environment' and 'description'"
            ),
            ("${runid}", "there is no placeholder '${runid}'", "did you mean '${runId}'?"),
            ("${Subject}", "there is no placeholder '${Subject}'", "did you mean '${subject}'?"),
        ])
    func refused(text: String, message: String, help: String) {
        let error = #expect(throws: YAMLValueError.self) { try PlaceholderText(text) }
        #expect(error?.message == message)
        #expect(error?.help == help)
        #expect(error?.offset == 0)
        #expect(error?.length == text.unicodeScalars.count)
    }

    private struct Echo: BatchTask {
        var say: [String]
        func run(_ context: TaskContext) async throws {}
    }

    @Test(
        "are refused in the parameters of a job, and windows in those of a channel",
        arguments: [
            (
                "['a ${subject}']", false,
                [
                    "'${subject}' has no value: it is for the parameters of a channel (a job has "
                        + "'${scheduledFor}', '${env:NAME}' and '${file:PATH}')"
                ]
            ),
            ("['a ${subject}', '${json:text}', '${message}', '${env:X}']", true, []),
            (
                "['${windowStart}']", true,
                [
                    "'${windowStart}' has no value: a channel has no 'window' (use "
                        + "'${scheduledFor}', or a part of the message such as '${subject}')"
                ]
            ),
        ] as [(String, Bool, [String])])
    func load(list: String, isChannel: Bool, answers: [String]) throws {
        let registry = try TaskRegistry([Echo.self])
        let found = registry.check(
            task: "echo", parameters: try yaml("{say: \(list)}"),
            definition: TaskDefinition(
                baseDirectory: ".", transaction: .perRun, isChannel: isChannel))
        #expect(found.map { "\($0.message) (\($0.help ?? ""))" } == answers)
    }

    private struct Steps: ChunkedTask {
        func step(_ context: TaskContext, from checkpoint: Int?) async throws -> Chunk<Int> {
            .finished(done: 0)
        }
    }

    @Test("a task in chunks has no place in a channel, which keeps no checkpoint") func chunks()
        throws
    {
        let registry = try TaskRegistry([Steps.self])
        let found = registry.check(
            task: "steps", parameters: try yaml("{}"),
            definition: TaskDefinition(
                baseDirectory: ".", transaction: .perRun, isChannel: true))
        #expect(found.map(\.message).first?.contains("keeps its checkpoints") == true)
    }
}
