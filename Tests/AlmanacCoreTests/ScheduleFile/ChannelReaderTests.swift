import Testing

@testable import AlmanacCore

@Suite("The channels of schedule files")
struct ChannelReaderTests {
    private static let ops = "channels: {ops: {task: cleanup}}\n"

    private static func job(_ name: String, _ notify: String) -> String {
        "  \(name): {task: cleanup, every: 1h, activeDeadlineSeconds: 60, notify: \(notify)}\n"
    }

    @Test("are those of all files, in the order of their names") func all() throws {
        let schedule = try load(
            """
            version: 1
            jobs: {}
            channels:
              ops:
                task: command
                parameters: {run: [./tell.sh, x]}
                activeDeadlineSeconds: 30
            """,
            "version: 1\nchannels: {chat: {task: cleanup}}\njobs: {}\n"
        ).schedule
        #expect(schedule.channels.map(\.name) == ["chat", "ops"])
        #expect(schedule.channels.map(\.task) == ["cleanup", "command"])
        #expect(schedule.channels.map(\.activeDeadlineSeconds) == [60, 30])
        #expect(schedule.channels.map(\.file) == ["schedules/b.yaml", "schedules/a.yaml"])
        #expect(schedule.channels.map(\.baseDirectory) == ["schedules", "schedules"])
        #expect(schedule.channels[1].position == SourcePosition(line: 4, column: 3))
        #expect(schedule.channels[1].parameters["run"]?.sequence?.count == 2)
        #expect(schedule.channels[0].parameters.mapping?.isEmpty == true)
    }

    @Test("are no part of what is stored") func digest() throws {
        let one = try load("version: 1\njobs:\n" + Self.job("a", "{onFailure: ops}") + Self.ops)
        let other = try load(
            "version: 1\njobs:\n" + Self.job("a", "{onFailure: ops}")
                + "channels: {ops: {task: cleanup, activeDeadlineSeconds: 5}, b: {task: cleanup}}\n"
        )
        #expect(one.schedule.digest == other.schedule.digest)
        #expect(one.schedule.channels != other.schedule.channels)
    }

    @Test("of one file hold for the jobs of another, before and behind the jobs") func files()
        throws
    {
        let schedule = try load(
            "version: 1\njobs:\n" + Self.job("a", "{onFailure: ops, onSuccess: chat}"),
            "version: 1\njobs: {}\n" + Self.ops,
            "version: 1\nchannels: {chat: {task: cleanup}}\njobs:\n"
                + Self.job("b", "{onSlow: chat}")
        ).schedule
        #expect(schedule.jobs[0].notify.channels == [.failure: ["ops"], .success: ["chat"]])
        #expect(schedule.jobs[1].notify.channels == [.slow: ["chat"]])
    }

    @Test(
        "that do not exist are reported where they are named",
        arguments: [
            ("{onFailure: opps}", "3:86 there is no channel 'opps' (did you mean 'ops'?)"),
            ("{onFailure: [ops, pager]}", "3:92 there is no channel 'pager' (there are 'ops')"),
        ])
    func unknown(notify: String, answer: String) {
        let text = "version: 1\njobs:\n" + Self.job("nightly", notify) + Self.ops
        #expect(scheduleAnswers(text) == [answer])
    }

    @Test("are to be declared where there are none") func none() {
        #expect(
            scheduleAnswers("version: 1\njobs:\n" + Self.job("nightly", "{onFailure: ops}")) == [
                "3:86 there is no channel 'ops' (declare it at the top level: "
                    + "'channels: {ops: {task: http, parameters: {url: …}}}')"
            ])
    }

    @Test(
        "that the defaults name and nobody has are reported once",
        arguments: [
            "jobs: {}\n", "jobs:\n",
            "jobs:\n  a: {task: cleanup, every: 1h}\n  b: {task: cleanup, every: 1h}\n",
            "jobs:\n  a: {task: cleanup, every: 1h, notify: {onFailure: []}}\n",
        ])
    func defaults(jobs: String) {
        let head = "version: 1\ndefaults: {activeDeadlineSeconds: 6, notify: {onFailure: opps}}\n"
        let answer = "2:58 there is no channel 'opps' (did you mean 'ops'?)"
        #expect(scheduleAnswers(head + jobs + Self.ops) == [answer])
        #expect(scheduleAnswers(head + Self.ops + jobs) == [answer])
        let behind = head.replacing("version: 1\n", with: "") + Self.ops
        let found = scheduleAnswers("version: 1\n" + jobs + behind)
        #expect(found.count == 1)
        #expect(found.first?.contains(":58 there is no channel 'opps'") == true)
    }

    @Test("that have errors of their own are not missing as well") func broken() {
        #expect(
            scheduleAnswers(
                "version: 1\njobs:\n" + Self.job("nightly", "{onFailure: ops}")
                    + "channels: {ops: {task: cleanup, activeDeadlineSeconds: 0}}\n") == [
                    "4:56 'activeDeadlineSeconds' must be at least 1, not 0 (leave the key out "
                        + "for no limit)"
                ])
    }

    @Test("of one name in two files are told of once, with the first") func twice() {
        let text = "version: 1\njobs: {}\n" + Self.ops
        let error = #expect(throws: DiagnosticsError.self) { try load(text, text) }
        #expect(
            error?.diagnostics.map(\.message) == ["the channel 'ops' is declared twice"])
        #expect(error?.diagnostics.first?.file == "schedules/b.yaml")
        #expect(error?.diagnostics.first?.notes.map(\.file) == ["schedules/a.yaml"])
        #expect(error?.diagnostics.first?.notes.first?.position.description == "3:12")
    }

    @Test(
        "are checked like jobs",
        arguments: [
            (
                "channels: [ops]",
                "2:11 'channels' must be a mapping of names to channels, not a list (write 'ops: "
                    + "{task: http, parameters: {url: …}}' below it, indented)"
            ),
            (
                "channels: {ops: {}}",
                "2:12 the channel 'ops' does not say what it runs (add 'task: …'; there are "
                    + "'cleanup', 'command', 'restock-book' and 'sql')"
            ),
            (
                "channels: {ops: }",
                "2:17 the channel 'ops' must be a mapping, not an empty value (its keys are "
                    + "'task', 'parameters' and 'activeDeadlineSeconds')"
            ),
            (
                "channels: {ops: {task: comand}}",
                "2:24 there is no task 'comand' (did you mean 'command'?)"
            ),
            (
                "channels: {ops: {task: command}}",
                "2:24 'command' has no parameters: 'run' is missing here (add 'parameters:' and "
                    + "below it, indented, what the task is told)"
            ),
            (
                "channels: {ops: {task: restock-book, parameters: {title: a, copies: many}}}",
                "2:69 'copies' must be a whole number, not the text 'many'"
            ),
            (
                "channels: {ops: {task: cleanup, schedule: x}}",
                "2:33 'schedule' cannot stand in a channel (it belongs in a job)"
            ),
            (
                "channels: {on call: {task: cleanup}}",
                "2:12 'on call' cannot be the name of a channel (use letters of ASCII, digits, "
                    + "'.', '_' and '-', a letter or digit first, such as 'on-call')"
            ),
        ])
    func checked(line: String, answer: String) {
        #expect(scheduleAnswers("version: 1\n\(line)\njobs: {}\n") == [answer])
    }

    /// A catalog that tells what it was told of a channel.
    private struct Witness: TaskCatalog {
        var taskNames = ["echo"]

        func check(
            task name: String, parameters: YAMLNode, definition: TaskDefinition
        ) -> [Diagnostic] {
            let words = "\(definition.isChannel) \(definition.hasWindow) \(definition.transaction)"
            return [Diagnostic(category: .task, at: parameters, message: words)]
        }
    }

    @Test("tell their task that it is a channel's") func definition() {
        let text = "version: 1\nchannels: {a: {task: echo}}\njobs: {b: {task: echo, every: 1h}}\n"
        #expect(
            scheduleAnswers(text, tasks: Witness()) == [
                "2:22 true false perRun", "3:18 false false perRun",
            ])
    }
}
