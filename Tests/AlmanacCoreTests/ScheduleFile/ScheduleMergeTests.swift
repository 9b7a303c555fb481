import Scheduling
import Testing

@testable import AlmanacCore

@Suite("Several schedule files together")
struct ScheduleMergeTests {
    @Test("the defaults of a file hold for its own jobs alone") func defaults() throws {
        let (schedule, warnings) = try load(
            """
            version: 1
            defaults: {timeZone: Asia/Tokyo, activeDeadlineSeconds: 10, transaction: none}
            jobs: {a: {task: cleanup, schedule: 0 1 * * *}}
            """,
            """
            version: 1
            jobs: {b: {task: cleanup, schedule: 0 1 * * *}}
            """,
            """
            version: 1
            defaults: {timeZone: Europe/Berlin, transaction: explicit}
            jobs: {c: {task: cleanup, schedule: 0 1 * * *}}
            """)
        #expect(schedule.jobs.map(\.timeZone.identifier) == ["Asia/Tokyo", "UTC", "Europe/Berlin"])
        #expect(schedule.jobs.map(\.activeDeadlineSeconds) == [10, nil, nil])
        #expect(schedule.jobs.map(\.transaction) == [.none, .perRun, .explicit])
        #expect(
            warnings.map { "\($0.file) \($0.category.rawValue)" } == [
                "schedules/b.yaml no-deadline", "schedules/b.yaml default-time-zone",
                "schedules/c.yaml no-deadline",
            ])
    }

    @Test("a job knows its file, its place and the folder of its paths") func places() throws {
        let sources = try [
            ("x/y/b.yaml", "b"), ("a.yaml", "a"), ("/c.yaml", "c"),
        ].map {
            try SourceFile(
                path: $0.0, text: "version: 1\njobs:\n  \($0.1): {task: cleanup, every: 1h}\n")
        }
        let schedule = try ScheduleLoader(tasks: FakeTasks()).load(sources: sources).schedule
        #expect(schedule.jobs.map(\.file) == ["a.yaml", "x/y/b.yaml", "/c.yaml"])
        #expect(schedule.jobs.map(\.baseDirectory) == [".", "x/y", "/"])
        #expect(schedule.jobs.allSatisfy { $0.position == SourcePosition(line: 3, column: 3) })
        #expect(schedule.files.map(\.path) == ["x/y/b.yaml", "a.yaml", "/c.yaml"])
    }

    @Test("a job that stands in three files is told twice, each time with the first place")
    func threeTimes() {
        let text = "version: 1\njobs:\n  x: {task: cleanup, every: 1h}\n"
        let error = #expect(throws: DiagnosticsError.self) { try load(text, text, text) }
        #expect(
            error?.diagnostics.map(\.description) == [
                "schedules/b.yaml:3:3: error: the job 'x' is defined twice",
                "schedules/c.yaml:3:3: error: the job 'x' is defined twice",
            ])
        #expect(
            error?.diagnostics.flatMap(\.notes).map { "\($0.file):\($0.position) \($0.message)" }
                == Array(repeating: "schedules/a.yaml:3:3 first here", count: 2))
    }

    @Test("names that differ in case are two jobs") func caseOfNames() throws {
        let (schedule, _) = try load(
            "version: 1\njobs: {x: {task: cleanup, every: 1h}, X: {task: cleanup, every: 2h}}")
        #expect(schedule.jobs.map(\.name) == ["X", "x"])
        #expect(schedule.job(named: "x")?.scheduleText == "every 1h")
    }

    @Test("no files at all are a schedule without jobs") func nothing() throws {
        let (schedule, warnings) = try ScheduleLoader(tasks: FakeTasks()).load(sources: [])
        #expect(schedule.jobs.isEmpty)
        #expect(schedule.job(named: "x") == nil)
        #expect(schedule.version == 1)
        #expect(schedule.digest == Digest.hex([]))
        #expect(warnings.isEmpty)
    }

    @Test("each job is found among many by its name") func lookUp() throws {
        for count in [1, 2, 3, 7, 64] {
            let jobs = (0..<count).map { "  j\($0): {task: cleanup, every: 1h}\n" }.joined()
            let (schedule, _) = try load("version: 1\njobs:\n\(jobs)")
            for number in 0..<count {
                #expect(schedule.job(named: "j\(number)")?.name == "j\(number)")
            }
            #expect(schedule.job(named: "i") == nil)
            #expect(schedule.job(named: "j\(count)") == nil)
            #expect(schedule.job(named: "k") == nil)
        }
    }

    @Test("the digest does not depend on how jobs are spread over files") func spread() throws {
        let a = "  a: {task: cleanup, every: 1h}\n"
        let b = "  b: {task: sql, every: 2h}\n"
        let head = "version: 1\njobs:\n"
        let digests = [
            try load(head + a + b).schedule.digest, try load(head + b + a).schedule.digest,
            try load(head + a, head + b).schedule.digest,
            try load(head + b, head + a).schedule.digest,
        ]
        #expect(Set(digests).count == 1)
        #expect(try load(head + a).schedule.digest != digests[0])
    }

    // MARK: The file itself

    @Test(
        "a file that is no schedule says how one begins",
        arguments: [
            ("", "the file says nothing (begin it with 'version: 1' and 'jobs:', or remove it)"),
            (
                "# x\n",
                "the file says nothing (begin it with 'version: 1' and 'jobs:', or remove it)"
            ),
            ("~", "the file says nothing (begin it with 'version: 1' and 'jobs:', or remove it)"),
            (
                "[]",
                "1:1 a schedule file must be a mapping, not a list "
                    + "(begin it with 'version: 1', then 'jobs:')"
            ),
            (
                "hello",
                "1:1 a schedule file must be a mapping, not the text 'hello' "
                    + "(begin it with 'version: 1', then 'jobs:')"
            ),
        ])
    func noSchedule(text: String, answer: String) {
        #expect(scheduleAnswers(text) == [answer])
    }

    @Test("an empty mapping lacks the version and the jobs") func emptyMapping() {
        #expect(
            scheduleAnswers("\n{}") == [
                "2:1 'jobs' is missing (add 'jobs:' and below it, indented, the jobs by name)",
                "2:1 'version' is missing (begin the file with 'version: 1')",
            ])
    }

    @Test(
        "a version is the whole number that is known here",
        arguments: [
            ("2", "version 2 of the format is not known here (this Almanac reads version 1)"),
            ("0", "version 0 of the format is not known here (this Almanac reads version 1)"),
            (
                "99999999999999999999",
                "version 99999999999999999999 of the format is not known here "
                    + "(this Almanac reads version 1)"
            ),
            (
                "1.0",
                "'version' must be a whole number, not the number 1.0 "
                    + "(it says: the version of the format: 1)"
            ),
            ("'1'", "'version' must be a whole number, not the text '1' (remove the quotes)"),
            (
                "~",
                "'version' must be a whole number, not null "
                    + "(it says: the version of the format: 1)"
            ),
            (
                "[1]",
                "'version' must be a whole number, not a list "
                    + "(it says: the version of the format: 1)"
            ),
        ])
    func version(text: String, answer: String) {
        #expect(scheduleAnswers("version: \(text)\njobs: {}\n") == ["1:10 \(answer)"])
    }

    @Test("of another version nothing else is said") func otherVersion() {
        let found = scheduleAnswers("version: 2\ncolour: red\njobs: []\n")
        #expect(found.count == 1)
        #expect(scheduleAnswers("version: 0x1\njobs: {}\n") == [])
    }

    @Test(
        "jobs are a mapping of names",
        arguments: [
            ("[]", "a list (write 'name:' instead of '- name: …', the job's keys indented below)"),
            ("x", "the text 'x' (write each job as 'name:' with its keys indented below)"),
            ("5", "the number 5 (write each job as 'name:' with its keys indented below)"),
        ])
    func jobs(text: String, answer: String) {
        #expect(
            scheduleAnswers("version: 1\njobs: \(text)\n") == [
                "2:7 'jobs' must be a mapping of names to jobs, not \(answer)"
            ])
    }

    @Test("defaults may be empty", arguments: ["defaults:", "defaults: {}", "defaults: ~"])
    func emptyDefaults(line: String) throws {
        let schedule = try load("version: 1\n\(line)\njobs: {a: {task: cleanup, every: 1h}}\n")
            .schedule
        #expect(schedule.jobs.first?.timeZone == .utc)
    }

    @Test("a wrong zone of the defaults does not make the jobs be warned of theirs")
    func wrongDefault() {
        let error = #expect(throws: DiagnosticsError.self) {
            try load(
                "version: 1\ndefaults: {timeZone: X}\njobs: {a: {task: nope, every: 1h}}\n")
        }
        #expect(error?.diagnostics.map(\.category) == [.timeZone, .task])
    }

    @Test("warnings are in the order of files and places") func warningOrder() {
        let found = scheduleAnswers(
            "version: 1\njobs:\n  b: {task: cleanup, every: 1h}\n  a: {task: cleanup, every: 1h}\n",
            "version: 1\njobs:\n  c: {task: cleanup, every: 1h}\n")
        #expect(found.map { $0.prefix(3) } == ["3:3", "4:3", "3:3"])
        #expect(found.map { $0.contains("'c'") } == [false, false, true])
    }
}
