import Scheduling
import Testing

@testable import AlmanacCore

@Suite("Loading a schedule")
struct ScheduleLoaderTests {
    @Test("a job has what its file says") func whole() throws {
        let (schedule, warnings) = try load(
            """
            version: 1
            jobs:
              restock:
                description: Order more copies.
                task: restock-book
                parameters: {title: Dune, copies: 3}
                schedule: "30 2 * * *"
                timeZone: Europe/Berlin
                suspend: true
                activeDeadlineSeconds: 900
                transaction: explicit
                concurrencyPolicy: Forbid
            """)
        #expect(warnings.isEmpty)
        #expect(schedule.version == 1)
        let job = try #require(schedule.job(named: "restock"))
        #expect(job.name == "restock")
        #expect(job.description == "Order more copies.")
        #expect(job.task == "restock-book")
        #expect(job.parameters.summary == "{title: 'Dune', copies: 3}")
        #expect(
            job.recurrence == .cron(try CronExpression("30 2 * * *"), try Zone("Europe/Berlin")))
        #expect(job.scheduleText == "30 2 * * * Europe/Berlin")
        #expect(job.timeZone.identifier == "Europe/Berlin")
        #expect(job.isSuspended)
        #expect(job.activeDeadlineSeconds == 900)
        #expect(job.transaction == .explicit)
        #expect(job.file == "schedules/a.yaml")
        #expect(job.baseDirectory == "schedules")
        #expect(job.position == SourcePosition(line: 3, column: 3))
    }

    @Test("a job that says little has the defaults of the format") func little() throws {
        let job = try #require(
            try load("version: 1\njobs: {a: {task: cleanup, every: 15m}}").schedule.jobs.first)
        #expect(job.description == nil)
        #expect(job.parameters.mapping?.isEmpty == true)
        #expect(job.recurrence == .every(seconds: 900, anchor: Instant(secondsSinceEpoch: 0)))
        #expect(job.scheduleText == "every 15m")
        #expect(job.timeZone == .utc)
        #expect(!job.isSuspended)
        #expect(job.transaction == .perRun)
        #expect(job.activeDeadlineSeconds == nil)
    }

    @Test("defaults hold for the jobs of their file, and jobs override them") func defaults() throws
    {
        let (schedule, _) = try load(
            """
            version: 1
            defaults: {timeZone: Asia/Tokyo, activeDeadlineSeconds: 60, transaction: none}
            jobs:
              a: {task: cleanup, schedule: "0 1 * * *"}
              b:
                task: cleanup
                schedule: "0 1 * * *"
                timeZone: UTC
                activeDeadlineSeconds: 5
                transaction: perRun
            """,
            "version: 1\njobs: {c: {task: cleanup, schedule: '0 1 * * *'}}")
        #expect(schedule.jobs.map(\.timeZone.identifier) == ["Asia/Tokyo", "UTC", "UTC"])
        #expect(schedule.jobs.map(\.activeDeadlineSeconds) == [60, 5, nil])
        #expect(schedule.jobs.map(\.transaction) == [.none, .perRun, .perRun])
    }

    @Test(
        "a schedule is an expression, a macro or a list",
        arguments: [
            ("schedule: '0 1 * * *'", "0 1 * * * UTC"), ("schedule: 0 1 * * *", "0 1 * * * UTC"),
            ("schedule: '@daily'", "@daily UTC"), ("schedule: '  0  1 * * * '", "0 1 * * * UTC"),
            ("schedule: '5 0 1 * * *'", "5 0 1 * * * UTC"),
            ("schedule: ['0 1 * * *']", "0 1 * * * UTC"),
            ("schedule: ['0 1 * * *', '@hourly']", "0 1 * * *, @hourly UTC"),
            ("schedule: [{cron: '0 1 * * *', timeZone: Asia/Tokyo}]", "0 1 * * * Asia/Tokyo"),
            (
                "schedule: ['0 1 * * *', {cron: '0 2 * * *', timeZone: Asia/Tokyo}]",
                "0 1 * * * UTC, 0 2 * * * Asia/Tokyo"
            ),
            ("every: 90m", "every 90m"), ("every: 3600s", "every 1h"), ("every: 1s", "every 1s"),
        ])
    func schedules(keys: String, text: String) throws {
        #expect(try job("task: cleanup, \(keys)").scheduleText == text)
    }

    @Test("a list of expressions is their union") func union() throws {
        let job = try job(
            "task: cleanup, schedule: ['0 1 * * *', {cron: '0 2 * * *', timeZone: Asia/Tokyo}]")
        #expect(
            job.recurrence
                == .union([
                    .cron(try CronExpression("0 1 * * *"), .utc),
                    .cron(try CronExpression("0 2 * * *"), try Zone("Asia/Tokyo")),
                ]))
    }

    @Test("jobs are in the order of their names, whatever their files") func order() throws {
        let (schedule, _) = try load(
            "version: 1\njobs: {b: {task: cleanup, every: 1h}, Z: {task: cleanup, every: 1h}}",
            "version: 1\njobs: {a: {task: cleanup, every: 1h}, "
                + "b.1: {task: cleanup, every: 1h}, 9: {task: cleanup, every: 1h}}"
        )
        #expect(schedule.jobs.map(\.name) == ["9", "Z", "a", "b", "b.1"])
        for name in ["9", "Z", "a", "b", "b.1"] { #expect(schedule.job(named: name)?.name == name) }
        for name in ["", "0", "aa", "b.", "zz"] { #expect(schedule.job(named: name) == nil) }
        #expect(schedule.files.map(\.path) == ["schedules/a.yaml", "schedules/b.yaml"])
        #expect(schedule.files[0].text.hasPrefix("version: 1\njobs: {b:"))
    }

    @Test("a job of two files is told with both places, also when the first is broken")
    func duplicates() throws {
        let error = #expect(throws: DiagnosticsError.self) {
            try load(
                "version: 1\njobs: {x: {task: cleanup, every: 1h}, "
                    + "y: {task: cleanup, every: never}}",
                "version: 1\njobs:\n  x: {task: cleanup, every: 2h}\n"
                    + "  y: {task: cleanup, every: 2h}"
            )
        }
        #expect(
            lines(error?.diagnostics ?? []) == [
                "2:65 'never' is not a duration", "3:3 the job 'x' is defined twice",
                "4:3 the job 'y' is defined twice",
            ])
        #expect(
            error?.diagnostics.flatMap(\.notes).map(\.file) == [
                "schedules/a.yaml", "schedules/a.yaml",
            ])
        #expect(error?.diagnostics.flatMap(\.notes).map(\.position.column) == [8, 39])
    }

    @Test("a key that stands twice hides no other error of its file")
    func duplicateKeys() throws {
        let error = #expect(throws: DiagnosticsError.self) {
            try load(
                """
                version: 1
                jobs:
                  a: {task: cleanup, every: never}
                  b: {task: cleanup, every: 1h, every: 2h, evry: 3h}
                  a: {task: cleanup, every: 1h}
                  c: {task: nope, every: 1h}
                pools: {a: {slots: 1}, a: {slots: 2}}
                version: 1
                """)
        }
        #expect(
            lines(error?.diagnostics ?? []) == [
                "3:29 'never' is not a duration", "4:33 the key 'every' stands twice",
                "4:44 unknown key 'evry'", "5:3 the key 'a' stands twice",
                "6:13 there is no task 'nope'", "7:24 the key 'a' stands twice",
                "8:1 the key 'version' stands twice",
            ])
    }

    @Test("a file that has no other error than a key that stands twice is no schedule")
    func onlyDuplicate() throws {
        let error = #expect(throws: DiagnosticsError.self) {
            try load(
                "version: 1\njobs: {a: {task: cleanup, every: 1h}, a: {task: cleanup, every: 2h}}")
        }
        #expect(lines(error?.diagnostics ?? []) == ["2:39 the key 'a' stands twice"])
    }

    @Test("errors of all files are told at once, warnings not among them") func allFiles() {
        let error = #expect(throws: DiagnosticsError.self) {
            try load(
                "version: 1\njobs: {a: {task: cleanup, every: 1}}", "jobs: [",
                "version: 1\njobs: {b: {task: cleanup, schedule: '0 1 * * *'}}",
                "version: 1\njobs: {c: {task: nope, every: 1h}}")
        }
        #expect(
            error?.diagnostics.map(\.file) == [
                "schedules/a.yaml", "schedules/b.yaml", "schedules/d.yaml",
            ])
        #expect(error?.diagnostics.allSatisfy { $0.severity == .error } == true)
    }

    @Test(
        "warnings say what is legal but may not be meant",
        arguments: [
            ("task: cleanup, every: 1h", "{}", ["no-deadline"]),
            ("task: cleanup, every: 1h, activeDeadlineSeconds: 5", "{}", []),
            ("task: cleanup, every: 1h", "{activeDeadlineSeconds: 5}", []),
            (
                "task: cleanup, schedule: '0 1 * * *'", "{activeDeadlineSeconds: 5}",
                ["default-time-zone"]
            ),
            (
                "task: cleanup, schedule: '@daily'", "{activeDeadlineSeconds: 5}",
                ["default-time-zone"]
            ),
            (
                "task: cleanup, schedule: '0 1 * * *', timeZone: UTC", "{activeDeadlineSeconds: 5}",
                []
            ),
            (
                "task: cleanup, schedule: '0 1 * * *'", "{activeDeadlineSeconds: 5, timeZone: UTC}",
                []
            ),
            (
                "task: cleanup, schedule: [{cron: '0 1 * * *', timeZone: UTC}]",
                "{activeDeadlineSeconds: 5}", []
            ),
            ("task: cleanup, schedule: '*/5 * * * *'", "{activeDeadlineSeconds: 5}", []),
            (
                "task: cleanup, schedule: '0 1 1 * MON', timeZone: UTC",
                "{activeDeadlineSeconds: 5}", ["cron-style"]
            ),
            (
                "task: cleanup, schedule: '0 1 */2 * MON', timeZone: UTC",
                "{activeDeadlineSeconds: 5}", ["cron-style"]
            ),
        ] as [(String, String, [String])])
    func warned(keys: String, defaults: String, categories: [String]) throws {
        #expect(try warnings(keys, defaults: defaults) == categories)
    }

    @Test(
        "names of jobs are letters, digits, dots, underscores and hyphens",
        arguments: [
            ("a", true), ("A-1.b_c", true), ("0", true), (String(repeating: "x", count: 100), true),
            (String(repeating: "x", count: 101), false), ("-a", false), (".a", false),
            ("_a", false), ("a b", false),
            ("a/b", false), ("é", false), ("'a:b'", false), ("\"a\\nb\"", false), ("''", false),
        ])
    func names(name: String, isValid: Bool) {
        let isLoaded =
            (try? load("version: 1\njobs:\n  \(name): {task: cleanup, every: 1h}")) != nil
        #expect(isLoaded == isValid)
    }

    @Test("a cron error stands inside the text, quoted or not") func cronPlaces() {
        for (text, place) in [
            ("30 25 * * *", "2:40"), ("'30 25 * * *'", "2:41"), ("\"30 25 * * *\"", "2:41"),
            ("\"30 2\\x35 * * *\"", "2:37"),
        ] {
            let error = #expect(throws: DiagnosticsError.self) {
                try load("version: 1\njobs: {a: {task: cleanup, schedule: \(text)}}")
            }
            #expect(error?.diagnostics.map { $0.position?.description } == [place])
        }
    }

    @Test("a task's own problems are told with the others") func taskProblems() {
        let error = #expect(throws: DiagnosticsError.self) {
            try load(
                "version: 1\njobs: {a: {task: command, parameters: {run: [5, {x: y}]}, every: 0s}}")
        }
        #expect(
            lines(error?.diagnostics ?? []) == [
                "2:49 item 2 of 'run' must be a text, not a mapping",
                "2:66 'every' must be at least 1 second, not '0s'",
            ])
    }

    @Test("anchors serve jobs that share a value") func anchors() throws {
        let (schedule, _) = try load(
            """
            version: 1
            jobs:
              a: {task: command, parameters: &p {run: [ls]}, every: &e 1h}
              b: {task: command, parameters: *p, every: *e}
            """)
        #expect(schedule.jobs[0].definitionDigest == schedule.jobs[1].definitionDigest)
    }

    @Test("a file without jobs is a schedule without jobs", arguments: ["{}", "~", ""]) func noJobs(
        jobs: String
    ) throws {
        #expect(try load("version: 1\njobs: \(jobs)\n").schedule.jobs.isEmpty)
    }

    @Test("every key of the table has a meaning, and a name of its own at its place")
    func table() throws {
        for key in ScheduleKey.all { #expect(!key.meaning.isEmpty) }
        for place in ScheduleKey.Place.allCases {
            let names = ScheduleKey.all(in: place).map(\.name)
            #expect(Set(names).count == names.count)
        }
    }

    @Test("100,000 jobs are within the limits") func manyJobs() throws {
        var text =
            "version: 1\ndefaults: {timeZone: Europe/Berlin, activeDeadlineSeconds: 60}\njobs:\n"
        let count = 2_000
        for number in 0..<count {
            text += "  job-\(number): {task: cleanup, schedule: '\(number % 60) 2 * * *'}\n"
        }
        let limits = YAMLLimits.standard
        #expect(text.utf8.count * 100_000 / count < limits.fileBytes / 4)
        #expect(try load(text).schedule.jobs.count == count)
        #expect(try yaml(text).all.count * 100_000 / count < limits.nodes / 2)
    }
}
