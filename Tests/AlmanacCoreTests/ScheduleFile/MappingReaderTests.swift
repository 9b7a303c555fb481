import Testing

@testable import AlmanacCore

@Suite("The values of a job's keys")
struct MappingReaderTests {
    static let base = "task: cleanup\nevery: 1h\n"

    @Test(
        "a deadline is a whole number of seconds from one to a hundred years",
        arguments: [("1", 1), ("0x10", 16), ("007", 7), ("3155760000", 3_155_760_000)])
    func deadline(text: String, seconds: Int) throws {
        let job = try job("task: cleanup, every: 1h, activeDeadlineSeconds: \(text)")
        #expect(job.activeDeadlineSeconds == seconds)
    }

    @Test(
        "a deadline that is none is answered with what to write",
        arguments: [
            ("0", "must be at least 1, not 0 (leave the key out for no limit)"),
            ("-1", "must be at least 1, not -1 (leave the key out for no limit)"),
            (
                "3155760001",
                "is longer than 100 years or no number of seconds at all "
                    + "(write a whole number of seconds from 1 to 3155760000)"
            ),
            (
                "-9223372036854775809",
                "is longer than 100 years or no number of seconds at all "
                    + "(write a whole number of seconds from 1 to 3155760000)"
            ),
            ("2h", "must be a whole number of seconds, not the text '2h' (write 7200)"),
            ("'90s'", "must be a whole number of seconds, not the text '90s' (write 90)"),
            ("'90'", "must be a whole number of seconds, not the text '90' (remove the quotes)"),
            ("soon", "must be a whole number of seconds, not the text 'soon'"),
            ("1e3", "must be a whole number of seconds, not the number 1e3"),
            ("true", "must be a whole number of seconds, not true (true or false)"),
            (
                "~",
                "must be a whole number of seconds, not null "
                    + "(leave the key out for no limit)"
            ),
            (
                "",
                "must be a whole number of seconds, not an empty value "
                    + "(leave the key out for no limit)"
            ),
            ("[60]", "must be a whole number of seconds, not a list"),
            ("{max: 60}", "must be a whole number of seconds, not a mapping"),
        ])
    func noDeadline(text: String, answer: String) {
        let column = text.isEmpty ? 27 : 28
        #expect(
            jobAnswers(Self.base + "activeDeadlineSeconds: \(text)") == [
                "7:\(column) 'activeDeadlineSeconds' \(answer)"
            ])
        let inDefaults = scheduleAnswers(
            "version: 1\ndefaults:\n  activeDeadlineSeconds: \(text)\njobs: {}\n")
        #expect(inDefaults == ["3:\(column - 2) 'activeDeadlineSeconds' \(answer)"])
    }

    @Test(
        "who commits is one of three words",
        arguments: [
            ("perrun", "cannot be 'perrun' (did you mean 'perRun'? "),
            ("manual", "cannot be 'manual' ("), ("5", "cannot be '5' ("),
            ("'perRun '", "cannot be 'perRun ' (did you mean 'perRun'? "),
        ])
    func transaction(text: String, answer: String) {
        let choices = "possible are 'perRun', 'explicit' and 'none')"
        #expect(
            jobAnswers(Self.base + "transaction: \(text)") == [
                "7:18 'transaction' \(answer)\(choices)"
            ])
        #expect(
            scheduleAnswers("version: 1\ndefaults:\n  transaction: \(text)\njobs: {}\n") == [
                "3:16 'transaction' \(answer)\(choices)"
            ])
    }

    @Test(
        "a value of the wrong kind is answered with what the key says",
        arguments: [
            (
                "transaction: [none]",
                "7:18 'transaction' must be a text, not a list "
                    + "(it says: who commits: perRun, explicit or none)"
            ),
            (
                "description: {a: b}",
                "7:18 'description' must be a text, not a mapping "
                    + "(it says: what the job is for)"
            ),
            (
                "description: ~",
                "7:18 'description' must be a text, not null "
                    + "(it says: what the job is for)"
            ),
            (
                "suspend: ~",
                "7:14 'suspend' must be true or false, not null "
                    + "(it says: true for no new runs)"
            ),
            (
                "suspend: later",
                "7:14 'suspend' must be true or false, not the text 'later' "
                    + "(it says: true for no new runs)"
            ),
            (
                "suspend: off",
                "7:14 'suspend' must be true or false, not the text 'off' "
                    + "(write false; in YAML 1.2 'off' is no boolean)"
            ),
            (
                "concurrencyPolicy: {}",
                "7:24 'concurrencyPolicy' must be a text, not a mapping "
                    + "(it says: what happens when runs would overlap: Forbid, Allow, Replace or "
                    + "Queue)"
            ),
            (
                "timeZone: [UTC]",
                "7:15 'timeZone' must be a text, not a list "
                    + "(it says: an IANA name such as Europe/Berlin)"
            ),
            (
                "timeZone:",
                "7:14 'timeZone' must be a text, not an empty value "
                    + "(it says: an IANA name such as Europe/Berlin)"
            ),
        ])
    func wrongKind(line: String, answer: String) {
        #expect(jobAnswers(Self.base + line) == [answer])
    }

    @Test(
        "other policies for overlaps do not exist",
        arguments: [
            ("forbid", "did you mean 'Forbid'? "), ("allow", "did you mean 'Allow'? "),
            ("Skip", ""), ("1", ""),
        ])
    func noPolicy(policy: String, question: String) {
        #expect(
            jobAnswers(Self.base + "concurrencyPolicy: \(policy)") == [
                "7:24 'concurrencyPolicy' cannot be '\(policy)' "
                    + "(\(question)possible are 'Forbid', 'Allow', 'Replace' and 'Queue')"
            ])
    }

    @Test("a description may be of any scalar, as it is written") func description() throws {
        for (text, value) in [("1.10", "1.10"), ("yes", "yes"), ("'# 1'", "# 1"), ("''", "")] {
            #expect(
                try job("task: cleanup, every: 1h, description: \(text)").description == value)
        }
    }

    @Test("suspend is a boolean in any case of the core schema") func suspend() throws {
        for (text, value) in [("true", true), ("TRUE", true), ("False", false)] {
            #expect(try job("task: cleanup, every: 1h, suspend: \(text)").isSuspended == value)
        }
    }

    @Test(
        "a job that is no mapping is told what it can hold",
        arguments: [
            ("[1]", "a list"), ("cleanup", "the text 'cleanup'"), ("5", "the number 5"),
            ("''", "an empty text"),
        ])
    func noMapping(value: String, found: String) {
        #expect(
            scheduleAnswers("version: 1\njobs:\n  a: \(value)\n") == [
                "3:6 the job 'a' must be a mapping, not \(found) (its keys are 'description', "
                    + "'task', 'parameters', 'schedule', 'every', 'after', 'timeZone', 'dst', "
                    + "'startAt', 'endAt', 'calendars', 'jitterSeconds', 'spread', 'suspend', "
                    + "'concurrencyPolicy', 'startingDeadlineSeconds', 'catchUp', 'backoffLimit', "
                    + "'backoff', 'retryPolicy', 'activeDeadlineSeconds', 'transaction', "
                    + "'isolation', 'readOnly', 'session', 'needs', 'locks', 'priority', 'pool', "
                    + "'window', 'expect', 'mustFinishBy', 'warnAfter', 'history', 'notify', "
                    + "'owner' and 'labels')"
            ])
    }

    @Test("defaults that are no mapping are told what they can hold", arguments: ["[]", "UTC"])
    func noDefaults(value: String) {
        let found = value == "[]" ? "a list" : "the text 'UTC'"
        #expect(
            scheduleAnswers("version: 1\ndefaults: \(value)\njobs: {}\n") == [
                "2:11 'defaults' must be a mapping, not \(found) (its keys are 'timeZone', "
                    + "'dst', 'calendars', 'jitterSeconds', 'spread', 'backoffLimit', "
                    + "'backoff', 'retryPolicy', 'activeDeadlineSeconds', 'transaction', "
                    + "'history', 'notify', 'owner' and 'labels')"
            ])
    }

    @Test("everything that is wrong with a job is told in one go") func allOfAJob() {
        let found = jobAnswers(
            """
            description: [x]
            task: cleanpu
            parameters: []
            schedule: 61 * * * *
            timeZone: Europe/Belrin
            suspend: 1
            concurrencyPolicy: Sometimes
            activeDeadlineSeconds: 1m
            transaction: all
            retries: 3
            priority: high
            colour: red
            version: 2
            """)
        #expect(
            found.map { $0.prefix { $0 != " " } } == [
                "5:18", "6:11", "7:17", "8:15", "9:15", "10:14", "11:24", "12:28", "13:18", "14:5",
                "15:15", "16:5", "17:5",
            ])
    }
}
