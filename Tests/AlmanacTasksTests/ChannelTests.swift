import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@testable import AlmanacCore
@testable import AlmanacTasks

/// Runs the first channel of a schedule file with a message, as the task of a run.
struct Telling: BatchTask {
    var file: String

    static let message = NotificationMessage(
        fields: [
            .event: "failure", .job: "rollup", .subject: "rollup failed & fell",
            .text: "rollup failed\n'; DROP TABLE marks; -- \"$(date)\"\n", .count: "1",
        ], json: #"{"event":"failure","job":"rollup"}"#)

    func run(_ context: TaskContext) async throws {
        let registry = try TaskRegistry(BuiltInTasks.types)
        let schedule = try ScheduleLoader(tasks: registry).load(paths: [file]).schedule
        guard let channel = schedule.channels.first, let type = registry.type(named: channel.task)
        else { return }
        context.message = Self.message
        let task = try registry.makeTask(
            of: type, parameters: channel.parameters, values: context.placeholderValues)
        try await task.run(context)
    }
}

@Suite("The tasks of a channel", .timeLimit(.minutes(1)))
struct ChannelTests {
    private let fixture: TaskFixture
    private let runner: TaskRunner

    init() async throws {
        fixture = try await TaskFixture()
        runner = try await TaskRunner(fixture.database.connectionString, tasks: [Telling.self])
    }

    private static func file(_ channel: String) -> String {
        let lines = channel.split(separator: "\n").map { "    \($0)\n" }.joined()
        return "version: 1\njobs: {}\nchannels:\n  ops:\n" + lines
    }

    /// Tells the message by a channel with these keys.
    private func tell(_ channel: String) async throws -> RunRecord {
        try fixture.write(Self.file(channel), to: "channels.yaml")
        let path = fixture.folder.path + "/channels.yaml"
        let row = try await runner.run("telling", parameters: "file: '\(path)'")
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        return row
    }

    // MARK: http

    @Test("http sends the message as JSON where there is no body") func wholeMessage() async throws
    {
        let server = try TinyServer { _, _ in .init() }
        _ = try await tell("task: http\nparameters: {url: '\(server.url)/hook'}")
        let request = try #require(server.requests.first)
        #expect(request.method == "POST")
        #expect(request.body == Telling.message.json)
        #expect(request.headers["content-type"] == "application/json")
    }

    @Test("http leaves the headers, the body and a GET without one as they are") func ownWords()
        async throws
    {
        let server = try TinyServer { _, _ in .init() }
        _ = try await tell(
            """
            task: http
            parameters:
              url: "\(server.url)/hook"
              headers: {content-type: text/plain, Title: "${subject}"}
            """)
        _ = try await tell(
            """
            task: http
            parameters:
              url: "\(server.url)/hook"
              body: '{"text": ${json:text}}'
            """)
        _ = try await tell("task: http\nparameters: {url: '\(server.url)/', method: GET}")
        let requests = server.requests
        #expect(
            requests.map { $0.headers["content-type"] } == ["text/plain", nil, nil])
        #expect(requests.first?.body == Telling.message.json)
        #expect(requests.first?.headers["title"] == "rollup failed & fell")
        let object = try JSONDecoder().decode(
            [String: String].self, from: Data((requests.dropFirst().first?.body ?? "").utf8))
        #expect(object == ["text": Telling.message.fields[.text] ?? ""])
        #expect(requests.last?.body == "")
    }

    @Test("http encodes fields in its address, so that they mean nothing there") func address()
        async throws
    {
        let server = try TinyServer { _, _ in .init() }
        _ = try await tell(
            "task: http\nparameters: {url: '\(server.url)/${job}?title=${subject}&x=1'}")
        #expect(
            server.requests.first?.target == "/rollup?title=rollup%20failed%20%26%20fell&x=1")
    }

    // MARK: command

    @Test("command finds the message in its environment, and reads the text") func program()
        async throws
    {
        let names = ["EVENT", "SUBJECT", "TEXT", "JOB", "MESSAGE"]
        let row = try await tell(
            "task: command\nparameters:\n  shell: 'cat; printf \"%s|\" "
                + names.map { "\"$ALMANAC_\($0)\"" }.joined(separator: " ") + "'")
        let text = Telling.message.fields[.text] ?? ""
        #expect(
            row.output == "\(text)failure|rollup failed & fell|\(text)|rollup|"
                + "\(Telling.message.json)|")
    }

    @Test("command passes fields on as they are: arguments, input, environment") func arguments()
        async throws
    {
        let row = try await tell(
            """
            task: command
            parameters:
              run: [sh, -c, 'printf "%s|" "$1" "$ERROR"; cat', x, "${text}"]
              stdin: "${event} of ${job}"
              environment: {ERROR: "${subject}"}
            """)
        let text = Telling.message.fields[.text] ?? ""
        #expect(row.output == "\(text)|rollup failed & fell|failure of rollup")
    }

    @Test("a run of a job has none of it") func job() async throws {
        let row = try await fixture.run(
            "task: command\nparameters: {shell: 'cat; echo \"$ALMANAC_TEXT$ALMANAC_MESSAGE.\"'}")
        #expect(row.output == ".\n")
    }

    // MARK: sql

    @Test("sql binds fields, whatever is in them") func sql() async throws {
        try fixture.withConnection {
            try $0.execute("CREATE TABLE marks (subject text, text text)")
        }
        _ = try await tell(
            """
            task: sql
            parameters: {statement: "INSERT INTO marks VALUES (${subject}, ${text})"}
            """)
        #expect(try fixture.texts("SELECT text FROM marks") == [Telling.message.fields[.text]])
    }

    // MARK: The file

    private static func answers(_ text: String) -> [String] {
        do {
            let source = try SourceFile(path: "a.yaml", text: text)
            _ = try ScheduleLoader(tasks: TaskRegistry(BuiltInTasks.types)).load(sources: [source])
            return []
        } catch let error as DiagnosticsError {
            return error.diagnostics.map { diagnostic in
                "\(diagnostic.position?.description ?? ""): \(diagnostic.message); "
                    + (diagnostic.help ?? "")
            }
        } catch {
            return ["\(error)"]
        }
    }

    @Test(
        "are told at load what would not be safe or cannot be",
        arguments: [
            (
                "task: command\nparameters: {shell: 'echo ${text}'}",
                "6:31: '${text}' would be read by a shell, which may take it for a command; write "
                    + "\"$ALMANAC_TEXT\", with the quotes"
            ),
            (
                "task: command\nparameters: {shell: 'echo ${json:error}'}",
                "6:31: '${json:error}' would be read by a shell, which may take it for a command; "
                    + "add 'environment: {ERROR: \"${json:error}\"}', and write \"$ERROR\""
            ),
            (
                "task: command\nparameters: {run: [/bin/bash, -lc, 'echo ${message}']}",
                "6:23: '${message}' would be read by a shell, which may take it for a command; "
                    + "write \"$ALMANAC_MESSAGE\", with the quotes"
            ),
            (
                "task: http\nparameters: {url: 'https://a.example', headers: {X: '${text}'}}",
                "6:53: '${text}' may have several lines, and a header has one; use '${subject}' or "
                    + "'${json:text}'"
            ),
            (
                "task: http\nparameters: {url: 'https://a.example', body: '${windowEnd}'}",
                "6:50: '${windowEnd}' has no value: a channel has no 'window'; use "
                    + "'${scheduledFor}', or a part of the message such as '${subject}'"
            ),
            (
                "task: http\nparameters: {url: 'https://a.example', body: '${txt}'}",
                "6:50: there is no placeholder '${txt}'; did you mean '${text}'?"
            ),
            ("task: command\nparameters: {run: [./page.sh, '${subject}'], stdin: '${text}'}", nil),
            ("task: command\nparameters: {run: [sh, ./page.sh, '${subject}']}", nil),
            ("task: http\nparameters: {url: 'https://a.example/?q=${subject}'}", nil),
            (
                "task: sql\nparameters: {statement: 'DELETE FROM a WHERE b = ${chunkFrom}', "
                    + "chunk: {keys: SELECT 1}}",
                "6:76: 'chunk' keeps its checkpoint in the row of a run, and what a channel tells "
                    + "has none; remove it"
            ),
        ] as [(String, String?)])
    func channel(keys: String, answer: String?) {
        #expect(Self.answers(Self.file(keys)) == (answer.map { [$0] } ?? []))
    }

    @Test(
        "a job has no message, in whichever task",
        arguments: [
            ("command", "{run: [echo, '${subject}']}", "4:65"),
            ("command", "{shell: 'echo ${subject}'}", "4:65"),
            ("http", "{url: 'https://a.example', body: '${subject}'}", "4:81"),
            ("sql", "{statement: 'SELECT ${subject}'}", "4:67"),
            (
                "sql",
                "{statement: 'SELECT ${chunkFrom}, ${chunkTo}', "
                    + "chunk: {keys: 'SELECT ${subject}'}}", "4:101"
            ),
        ])
    func jobs(task: String, parameters: String, place: String) {
        let found = Self.answers(
            "version: 1\ndefaults: {activeDeadlineSeconds: 6}\njobs:\n"
                + "  nightly: {every: 1h, task: \(task), parameters: \(parameters)}\n")
        #expect(found.count == 1)
        let words = "'${subject}' has no value: it is for the parameters of a channel; a job has "
        #expect(found.first?.contains(words) == true, "\(found)")
        #expect(found.first?.hasPrefix(place + ":") == true, "\(found)")
    }
}
