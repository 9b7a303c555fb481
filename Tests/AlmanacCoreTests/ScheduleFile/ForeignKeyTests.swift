import Testing

@testable import AlmanacCore

@Suite("Keys of other tools")
struct ForeignKeyTests {
    /// The help for a key of another tool in a job.
    func help(_ key: String) -> [String] {
        jobAnswers("task: cleanup\nevery: 1h\n\(key): x").map {
            String($0.drop { $0 != "(" }.dropFirst().dropLast())
        }
    }

    @Test(
        "that mean one of ours are answered with ours",
        arguments: [
            ("suspend", ["disabled", "paused", "suspended"]),
            (
                "startingDeadlineSeconds",
                [
                    "misfire_grace_time", "expires", "grace", "start_deadline", "misfire",
                ]
            ),
            ("catchUp", ["coalesce", "backfill", "misfire_policy", "catch_up"]),
            ("needs", ["depends_on", "dependencies", "upstream", "requires", "depends"]),
            ("pool", ["queue", "executor"]),
            (
                "concurrencyPolicy",
                [
                    "max_instances", "concurrency", "overlap", "max_running", "allow_overlap",
                    "singleton", "exclusive", "parallel", "max_active_runs", "prevent_overlap",
                ]
            ),
            (
                "activeDeadlineSeconds",
                [
                    "soft_time_limit", "ttl", "timeout_seconds", "job_timeout", "statement_timeout",
                    "deadline",
                ]
            ),
            ("task", ["func", "function", "class"]),
            (
                "parameters",
                [
                    "args", "params", "kwargs", "arguments", "options", "with", "payload", "input",
                ]
            ),
            (
                "schedule",
                [
                    "cron", "crontab", "rrule", "cronExpression", "cronSchedule", "run_at", "when",
                ]
            ),
            (
                "every",
                [
                    "interval", "period", "frequency", "repeat", "rate", "every_seconds",
                ]
            ),
            ("timeZone", ["tz", "zone", "timezone", "time_zone", "location", "cron_tz"]),
            ("description", ["comment", "title", "summary", "doc", "note"]),
            ("after", ["delay", "fixedDelay", "wait_after"]),
            ("jitterSeconds", ["jitter", "random_delay", "splay"]),
            ("spread", ["stagger", "hash"]),
            ("startAt", ["start_date", "start_time", "start", "not_before"]),
            ("endAt", ["end_date", "end_time", "until", "not_after"]),
            ("labels", ["tags", "annotations"]),
            ("owner", ["author", "team", "contact", "responsible", "maintainer"]),
            (
                "backoffLimit",
                [
                    "retries", "max_retries", "retry", "attempts", "max_attempts", "retry_limit",
                    "retry_count",
                ]
            ),
            ("backoff", ["retry_delay", "retry_interval", "retry_backoff", "countdown"]),
            ("retryPolicy", ["autoretry_for", "retry_on", "ignore_errors"]),
            ("dst", ["dst_policy", "daylight_saving", "clock_changes"]),
            ("calendars", ["holidays", "blackout", "calendar"]),
            ("history", ["retention"]),
            ("mustFinishBy", ["finish_by", "due_by", "complete_by", "end_by", "latest_finish"]),
            (
                "warnAfter",
                [
                    "timeout_alert", "slow_after", "alert_after", "warning_after",
                    "expected_runtime", "expected_duration", "max_expected_duration",
                ]
            ),
        ] as [(String, [String])])
    func ours(key: String, theirs: [String]) {
        for name in theirs { #expect(help(name) == ["did you mean '\(key)'?"], "\(name)") }
    }

    @Test(
        "that mean one in 'notify' are answered with both",
        arguments: [
            (
                "'notify: {onFailure: …}' with the name of one of the 'channels'",
                [
                    "alerts", "alert", "notifications", "notifiers", "mailto", "email", "emails",
                    "slack", "on_failure", "OnFailure", "email_on_failure", "on_failure_callback",
                ]
            ),
            ("'notify: {onSuccess: …}'", ["on_success", "on_success_callback"]),
            ("'notify: {onMissed: …}'", ["on_missed", "sla_miss_callback"]),
            ("'notify: {onSlow: …}'", ["on_slow"]),
            ("'notify: {onRecovered: …}'", ["on_recovered"]),
            (
                "'notify: {onFailure: …}' to tell somebody, 'retryPolicy' to try again",
                ["on_error", "onError"]
            ),
        ] as [(String, [String])])
    func notify(ours: String, theirs: [String]) {
        for name in theirs { #expect(help(name) == ["write \(ours)"], "\(name)") }
    }

    @Test(
        "in 'notify' and in a channel mean what stands there",
        arguments: [
            ("defaults: {notify: {failure: ops}}", "failure", "did you mean 'onFailure'?"),
            ("defaults: {notify: {on_error: ops}}", "on_error", "did you mean 'onFailure'?"),
            ("defaults: {notify: {ontimeout: ops}}", "ontimeout", "did you mean 'onFailure'?"),
            ("defaults: {notify: {onFailed: ops}}", "onFailed", "did you mean 'onFailure'?"),
            ("defaults: {notify: {success: ops}}", "success", "did you mean 'onSuccess'?"),
            ("defaults: {notify: {sla_miss: ops}}", "sla_miss", nil),
            ("defaults: {notify: {on_sla_miss: ops}}", "on_sla_miss", "did you mean 'onMissed'?"),
            ("defaults: {notify: {onLate: ops}}", "onLate", "did you mean 'onMissed'?"),
            ("defaults: {notify: {on_slow: ops}}", "on_slow", "did you mean 'onSlow'?"),
            ("defaults: {notify: {recovery: ops}}", "recovery", "did you mean 'onRecovered'?"),
            ("defaults: {notify: {onResolved: ops}}", "onResolved", "did you mean 'onRecovered'?"),
            ("channels: {ops: {type: cleanup}}", "type", "did you mean 'task'?"),
            (
                "channels: {ops: {url: x}}", "url",
                "write 'task: http' and 'parameters: {url: …}'"
            ),
            (
                "channels: {ops: {command: x}}", "command",
                "write 'task: command' and 'parameters: {run: […]}'"
            ),
            (
                "channels: {ops: {timeout: 5}}", "timeout",
                "did you mean 'activeDeadlineSeconds' with a whole number of seconds?"
            ),
        ] as [(String, String, String?)])
    func inParts(line: String, key: String, help: String?) {
        let found = scheduleAnswers("version: 1\n\(line)\njobs: {}\n")
        let column = 1 + (line.firstRange(of: key).map { line[..<$0.lowerBound].count } ?? 0)
        let answer = "2:\(column) unknown key '\(key)' ("
        #expect(found.contains { $0.hasPrefix(answer + (help ?? "")) }, "\(found)")
    }

    @Test(
        "that are used otherwise are answered with how",
        arguments: [
            ("live", "did you mean 'suspend' with the opposite value?"),
            ("enabled", "did you mean 'suspend' with the opposite value?"),
            ("active", "did you mean 'suspend' with the opposite value?"),
            ("isActive", "did you mean 'suspend' with the opposite value?"),
            ("timeout", "did you mean 'activeDeadlineSeconds' with a whole number of seconds?"),
            ("max_runtime", "did you mean 'activeDeadlineSeconds' with a whole number of seconds?"),
            ("TimeLimit", "did you mean 'activeDeadlineSeconds' with a whole number of seconds?"),
            (
                "max_run_time",
                "did you mean 'activeDeadlineSeconds' with a whole number of seconds?"
            ),
            (
                "execution_timeout",
                "did you mean 'activeDeadlineSeconds' with a whole number of seconds?"
            ),
            ("command", "write 'task: command' and 'parameters: {run: […]}'"),
            ("run", "write 'task: command' and 'parameters: {run: […]}'"),
            ("script", "write 'task: command' and 'parameters: {run: […]}'"),
            ("exec", "write 'task: command' and 'parameters: {run: […]}'"),
            ("shell", "write 'task: command' and 'parameters: {run: […]}'"),
            ("url", "write 'task: http' and 'parameters: {url: …}'"),
            ("webhook", "write 'task: http' and 'parameters: {url: …}'"),
            (
                "sla",
                "did you mean 'mustFinishBy' with a time such as 06:00, or with a duration "
                    + "such as 2h?"
            ),
            ("sql", "write 'task: sql' and 'parameters: {statement: …}'"),
            ("query", "write 'task: sql' and 'parameters: {statement: …}'"),
        ])
    func otherwise(key: String, answer: String) {
        #expect(help(key) == [answer])
    }

    @Test(
        "are recognised in any spelling",
        arguments: ["max-retries", "maxRetries", "MAX_RETRIES", "MaxRetries", "max_retries"])
    func spellings(key: String) {
        #expect(help(key) == ["did you mean 'backoffLimit'?"])
    }

    @Test(
        "at the top level mean what stands there",
        arguments: [
            ("tasks", "did you mean 'jobs'?"), ("job", "did you mean 'jobs'?"),
            ("schedules", "did you mean 'jobs'?"), ("entries", "did you mean 'jobs'?"),
            ("crons", "did you mean 'jobs'?"), ("cron_jobs", "did you mean 'jobs'?"),
            ("beat_schedule", "did you mean 'jobs'?"), ("default", "did you mean 'defaults'?"),
            ("globals", "did you mean 'defaults'?"), ("schemaVersion", "did you mean 'version'?"),
            ("api-version", "did you mean 'version'?"),
            ("env", "did you mean 'environment'?"),
            ("notifications", "did you mean 'channels'?"), ("alerts", "did you mean 'channels'?"),
            ("notifiers", "did you mean 'channels'?"), ("receivers", "did you mean 'channels'?"),
            ("queues", "did you mean 'pools'?"),
            ("crontab", "'schedule' is the name here, and it belongs in a job"),
            (
                "retries",
                "'backoffLimit' is the name here, and it belongs in 'defaults' or in a job"
            ),
            (
                "tz",
                "'timeZone' is the name here, and it belongs in 'defaults' or in a job "
                    + "or in an item of 'schedule'"
            ),
            ("jbos", "did you mean 'jobs'?"), ("verson", "did you mean 'version'?"),
            (
                "colour",
                "the keys at the top level are 'version', 'environment', 'defaults', 'calendars', "
                    + "'pools', 'channels' and 'jobs'"
            ),
        ])
    func topLevel(key: String, answer: String) {
        #expect(
            scheduleAnswers("version: 1\njobs: {}\n\(key): {}\n") == [
                "3:1 unknown key '\(key)' (\(answer))"
            ])
    }

    @Test("a misspelt key at the top level is not missing as well") func meant() {
        #expect(
            scheduleAnswers("verson: 1\ntasks: {}\n") == [
                "1:1 unknown key 'verson' (did you mean 'version'?)",
                "2:1 unknown key 'tasks' (did you mean 'jobs'?)",
            ])
    }

    @Test(
        "in an item of a schedule mean what stands there",
        arguments: [
            ("expression", "the keys in an item of 'schedule' are 'cron' and 'timeZone'"),
            ("crontab", "did you mean 'cron'?"), ("Schedule", "did you mean 'cron'?"),
            ("crom", "did you mean 'cron'?"), ("tz", "did you mean 'timeZone'?"),
            (
                "retries",
                "'backoffLimit' is the name here, and it belongs in 'defaults' or in a job"
            ),
        ])
    func scheduleItem(key: String, answer: String) {
        let found = jobAnswers("task: cleanup\nschedule:\n- \(key): x\n  timeZone: UTC\n")
            .filter { $0.contains("unknown key") && !$0.contains("'timeZone' stands") }
        #expect(found == ["7:7 unknown key '\(key)' (\(answer))"])
    }

    @Test(
        "a job that stands beside the jobs is recognised by its keys",
        arguments: ["{task: cleanup, every: 1h}", "{schedule: '@daily'}"])
    func jobBeside(job: String) {
        #expect(
            scheduleAnswers("version: 1\njobs: {}\nweekly: \(job)\n") == [
                "3:1 unknown key 'weekly' (is it a job? Jobs stand under 'jobs:', indented)"
            ])
    }
}
