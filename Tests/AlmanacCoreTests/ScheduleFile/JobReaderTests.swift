import Scheduling
import Testing

@testable import AlmanacCore

@Suite("A job of a schedule file")
struct JobReaderTests {
    static let help = "use letters of ASCII, digits, '.', '_' and '-', a letter or digit first"

    @Test(
        "a name that is none is answered with the nearest that is one",
        arguments: [
            ("a b", "a-b"), ("a/b c", "a-b-c"), ("_x", "x"), ("..x", "x"), ("-._x", "x"),
            ("Über Nacht", "Uber-Nacht"), ("ångström", "angstrom"), ("job: x", "job-x"),
            ("a@b", "a-b"), (" lead", "lead"), ("x🎉y", "x-y"), ("日本", nil), ("🎉", nil),
            ("...", nil), ("é", "e"),
        ] as [(String, String?)])
    func names(name: String, meant: String?) {
        let answer = Self.help + (meant.map { ", such as '\($0)'" } ?? "")
        #expect(
            scheduleAnswers("version: 1\njobs:\n  '\(name)': {task: cleanup, every: 1h}\n") == [
                "3:3 '\(name)' cannot be the name of a job (\(answer))"
            ])
    }

    @Test("the length of a name is counted in characters, not bytes") func nameLength() {
        let long = String(repeating: "é", count: 60)
        #expect(
            scheduleAnswers("version: 1\njobs:\n  \(long): {task: cleanup, every: 1h}\n") == [
                "3:3 '\(long)' cannot be the name of a job (\(Self.help), such as "
                    + "'\(String(repeating: "e", count: 60))')"
            ])
        let longer = String(repeating: "é", count: 101)
        #expect(
            scheduleAnswers("version: 1\njobs:\n  \(longer): {task: cleanup, every: 1h}\n") == [
                "3:3 the name of a job has at most 100 characters, not 101 (\(Self.help))"
            ])
    }

    @Test(
        "a job without a value is empty",
        arguments: ["a:", "a: ~", "'a': null", "a: # later"])
    func empty(line: String) {
        #expect(
            scheduleAnswers("version: 1\njobs:\n  \(line)\n") == [
                "3:3 the job 'a' is empty (indent its keys below its name: 'task', and 'schedule', "
                    + "'every' or 'after')"
            ])
    }

    @Test("a mapping without keys says neither what runs nor when") func saysNothing() {
        #expect(
            scheduleAnswers("version: 1\njobs:\n  a: {}\n") == [
                "3:3 the job 'a' does not say what it runs (add 'task: …'; there are 'cleanup', "
                    + "'command', 'restock-book' and 'sql')",
                "3:3 the job 'a' does not say when it runs (add 'schedule: \"30 2 * * *\"', "
                    + "'every: 15m' or 'after: 15m')",
            ])
    }

    @Test(
        "what is misspelt is not missing as well",
        arguments: [
            ("taks: cleanup\nevery: 1h", "5:5 unknown key 'taks' (did you mean 'task'?)"),
            ("Task: cleanup\nevery: 1h", "5:5 unknown key 'Task' (did you mean 'task'?)"),
            (
                "sql: SELECT 1\nevery: 1h",
                "5:5 unknown key 'sql' (write 'task: sql' and 'parameters: {statement: …}')"
            ),
            ("task: cleanup\nevry: 1h", "6:5 unknown key 'evry' (did you mean 'every'?)"),
            ("task: cleanup\ncron: x", "6:5 unknown key 'cron' (did you mean 'schedule'?)"),
            (
                "task: cleanup\ninterval: 5",
                "6:5 unknown key 'interval' (did you mean 'every'?)"
            ),
        ])
    func misspelt(lines: String, answer: String) {
        #expect(jobAnswers(lines) == [answer])
    }

    // MARK: Tasks and parameters

    @Test(
        "a task that does not exist is answered with those that are near, or with all",
        arguments: [
            ("comand", "did you mean 'command'?"), ("SQL", "did you mean 'sql'?"),
            ("restock_book", "did you mean 'restock-book'?"),
            ("http", "there are 'cleanup', 'command', 'restock-book' and 'sql'"),
        ])
    func unknownTask(task: String, answer: String) {
        #expect(
            jobAnswers("task: \(task)\nevery: 1h") == [
                "5:11 there is no task '\(task)' (\(answer))"
            ])
    }

    @Test("two tasks that are equally near are both named") func twoTasks() {
        let tasks = AnyTasks(taskNames: ["load-a", "load-b", "unload"])
        #expect(
            jobAnswers("task: load-c\nevery: 1h", tasks: tasks) == [
                "5:11 there is no task 'load-c' (did you mean 'load-a' or 'load-b'?)"
            ])
    }

    @Test("where there are no tasks at all, that is said without a list") func noTasks() {
        let found = jobAnswers("task: x\nevery: 1h", tasks: AnyTasks(taskNames: []))
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("5:11 there is no task 'x'") == true)
    }

    @Test(
        "parameters that are absent, null or empty are an empty mapping",
        arguments: ["", "parameters:", "parameters: ~", "parameters: {}"])
    func noParameters(line: String) throws {
        let (schedule, _) = try load(
            "version: 1\njobs:\n  a:\n    task: cleanup\n    every: 1h\n    \(line)\n")
        #expect(schedule.jobs.first?.parameters.mapping?.isEmpty == true)
    }

    @Test(
        "parameters are a mapping or nothing",
        arguments: [
            ("parameters: [a]", "a list"), ("parameters: x", "the text 'x'"),
            ("parameters: 5", "the number 5"), ("parameters: ''", "an empty text"),
        ])
    func noMapping(line: String, found: String) {
        #expect(
            jobAnswers("task: cleanup\nevery: 1h\n\(line)") == [
                "7:17 'parameters' must be a mapping, not \(found) "
                    + "(write one 'name: value' a line, indented)"
            ])
    }

    @Test("a task is asked with its parameters, the folder of the file and who commits")
    func asked() {
        let text = """
            version: 1
            defaults: {transaction: explicit, activeDeadlineSeconds: 5}
            jobs:
              a: {task: echo, every: 1h, parameters: {x: [1, y]}}
              b: {task: echo, every: 1h, transaction: none}
              c: {task: echo, every: 1h, parameters: {}, transaction: perRun}
            """
        #expect(
            scheduleAnswers(text, tasks: EchoTasks()) == [
                "4:42 echo {x: [1, 'y']} in schedules, explicit", "5:13 echo {} in schedules, none",
                "6:42 echo {} in schedules, perRun",
            ])
    }

    @Test("a task is not asked where its parameters are no mapping") func notAsked() {
        let found = jobAnswers("task: echo\nevery: 1h\nparameters: []", tasks: EchoTasks())
        #expect(found.count == 1)
    }

    @Test("what is missing in absent parameters is told at the task") func absentParameters() {
        #expect(
            jobAnswers("task: restock-book\nevery: 1h") == [
                "5:11 'restock-book' has no parameters: 'copies' is missing here "
                    + "(add 'parameters:' and below it, indented, what the task is told)",
                "5:11 'restock-book' has no parameters: 'title' is missing here "
                    + "(add 'parameters:' and below it, indented, what the task is told)",
            ])
        #expect(
            jobAnswers("task: restock-book\nevery: 1h\nparameters: {title: x}") == [
                "7:17 'copies' is missing here (add 'copies: …')"
            ])
    }

    @Test("misspelt parameters are not told as missing") func misspeltParameters() {
        let found = jobAnswers("task: restock-book\nevery: 1h\nparams: {title: x, copies: 1}")
        #expect(found.contains("7:5 unknown key 'params' (did you mean 'parameters'?)"))
        #expect(!found.contains { $0.contains("has no parameters") })
    }

    // MARK: Deadlines and defaults

    @Test("a job that may run for ever is warned of, once, unless its deadline is wrong")
    func forEver() {
        let answer =
            "the job 'a' may run for ever (add 'activeDeadlineSeconds: 3600' to the job or to "
            + "'defaults')"
        #expect(
            scheduleAnswers("version: 1\njobs:\n  a: {task: cleanup, every: 1h}\n") == [
                "3:3 \(answer)"
            ])
        #expect(
            scheduleAnswers(
                "version: 1\ndefaults: {activeDeadlineSeconds: 5}\njobs:\n"
                    + "  a: {task: cleanup, every: 1h}\n") == [])
        let wrong = scheduleAnswers(
            "version: 1\njobs:\n  a: {task: cleanup, every: 1h, timeout: 5}\n")
        #expect(wrong.count == 1)
        #expect(wrong.first?.contains("unknown key 'timeout'") == true)
    }

    @Test("a job's own values go before the defaults, key by key") func ownValues() throws {
        let defaults = "{timeZone: Asia/Tokyo, activeDeadlineSeconds: 7, transaction: none}"
        let cases: [(keys: String, zone: String, deadline: Int, mode: TransactionMode)] = [
            ("", "Asia/Tokyo", 7, .none), (", timeZone: UTC", "UTC", 7, .none),
            (", activeDeadlineSeconds: 9", "Asia/Tokyo", 9, .none),
            (", transaction: perRun", "Asia/Tokyo", 7, .perRun),
        ]
        for (keys, zone, deadline, mode) in cases {
            let job = try job("task: cleanup, schedule: '0 1 * * *'\(keys)", defaults: defaults)
            #expect(job.timeZone.identifier == zone)
            #expect(job.recurrence == .cron(try CronExpression("0 1 * * *"), try Zone(zone)))
            #expect(job.activeDeadlineSeconds == deadline)
            #expect(job.transaction == mode)
        }
    }
}
