/// What other tools call things, and what they are called here.
enum ForeignKey {
    /// How the use of our key differs from that of theirs.
    enum Usage {
        /// `did you mean 'suspend' with the opposite value?`
        case differently(String)
        /// What to write, where it is more than one key.
        case instead(String)
    }

    private static let inJobs: [String: String] = {
        var table: [String: String] = [:]
        for (ours, theirs) in synonyms {
            for name in theirs { table[folded(name)] = ours }
        }
        return table
    }()

    /// The key of a job that another tool's key stands for, and how its use differs, if it does.
    static func ours(for name: String, in place: ScheduleKey.Place) -> (key: String, how: Usage?)? {
        let folded = folded(name)
        if place == .file, let key = top[folded] { return (key, nil) }
        if let key = inParts[place]?[folded], name != key { return (key, nil) }
        if place == .scheduleItem, folded == "schedule" { return ("cron", nil) }
        // Spelled as ours it is ours, and only at the wrong place.
        guard ScheduleKey.named(name, in: .notify) == nil else { return nil }
        guard let key = inJobs[folded], name != key else { return nil }
        if place == .scheduleItem, key == "schedule" { return ("cron", nil) }
        return (key, usage[folded])
    }

    private static func folded(_ name: String) -> String {
        name.lowercased().filter { $0 != "_" && $0 != "-" }
    }

    private static let top: [String: String] = [
        "tasks": "jobs", "job": "jobs", "schedules": "jobs", "entries": "jobs", "crons": "jobs",
        "cronjobs": "jobs", "beatschedule": "jobs", "default": "defaults", "globals": "defaults",
        "apiversion": "version", "schemaversion": "version", "env": "environment",
        "notifications": "channels", "notifiers": "channels", "alerts": "channels",
        "receivers": "channels", "contactpoints": "channels", "queues": "pools",
    ]

    private static let inParts: [ScheduleKey.Place: [String: String]] = [
        .calendar: [
            "days": "dates", "date": "dates", "holidays": "dates", "range": "ranges",
            "periods": "ranges", "weekday": "weekdays", "byday": "weekdays", "ical": "iCalendar",
            "ics": "iCalendar", "file": "iCalendar", "path": "iCalendar", "url": "iCalendar",
        ],
        .dateRange: [
            "start": "from", "begin": "from", "since": "from", "end": "to", "until": "to",
            "through": "to",
        ],
        .calendarUse: [
            "excluding": "exclude", "except": "exclude", "skip": "exclude", "not": "exclude",
            "include": "only", "including": "only", "on": "only",
        ],
        .backoff: [
            "base": "initial", "start": "initial", "min": "initial", "delay": "initial",
            "initialinterval": "initial", "duration": "initial", "multiplier": "factor",
            "coefficient": "factor", "rate": "factor", "maximum": "max", "cap": "max",
            "maxdelay": "max", "maxinterval": "max", "maxduration": "max",
            "randomization": "jitter",
        ],
        .retryRule: [
            "sqlstate": "sqlstates", "states": "sqlstates", "codes": "sqlstates",
            "errors": "errorTypes", "exceptions": "errorTypes", "errortype": "errorTypes",
            "then": "action", "do": "action",
        ],
        .clockChanges: [
            "spring": "gap", "nonexistent": "gap", "skipped": "gap", "autumn": "fold",
            "ambiguous": "fold", "repeated": "fold", "overlap": "fold",
        ],
        .channel: [
            "type": "task", "kind": "task", "via": "task", "transport": "task",
        ],
        .notify: [
            "failure": "onFailure", "failed": "onFailure", "onfail": "onFailure",
            "onfailed": "onFailure", "error": "onFailure", "onerror": "onFailure",
            "ontimeout": "onFailure", "success": "onSuccess", "onsucceeded": "onSuccess",
            "oncomplete": "onSuccess", "missed": "onMissed", "onmiss": "onMissed",
            "onskip": "onMissed", "onskipped": "onMissed", "onlate": "onMissed",
            "late": "onMissed", "onslamiss": "onMissed", "slow": "onSlow", "onwarn": "onSlow",
            "onwarning": "onSlow", "onlong": "onSlow", "recovered": "onRecovered",
            "recovery": "onRecovered",
            "onfailure": "onFailure", "onsuccess": "onSuccess", "onmissed": "onMissed",
            "onslow": "onSlow",
            "onrecovery": "onRecovered", "onresolved": "onRecovered", "onfixed": "onRecovered",
        ],
    ]

    private static let synonyms: [(ours: String, theirs: [String])] = [
        (
            "schedule",
            ["cron", "crontab", "rrule", "cronExpression", "cronSchedule", "run_at", "when"]
        ),
        ("every", ["interval", "period", "frequency", "repeat", "rate", "every_seconds"]),
        ("after", ["delay", "fixedDelay", "wait_after"]),
        ("timeZone", ["tz", "zone", "timezone", "time_zone", "location", "cron_tz"]),
        (
            "backoffLimit",
            [
                "retries", "max_retries", "retry", "attempts", "max_attempts", "retry_limit",
                "retry_count",
            ]
        ),
        ("backoff", ["retry_delay", "retry_interval", "retry_backoff", "countdown"]),
        ("retryPolicy", ["autoretry_for", "retry_on", "ignore_errors"]),
        (
            "concurrencyPolicy",
            [
                "max_instances", "concurrency", "overlap", "max_running", "allow_overlap",
                "singleton",
                "exclusive", "parallel", "max_active_runs", "prevent_overlap",
            ]
        ),
        ("suspend", ["live", "enabled", "active", "disabled", "paused", "is_active", "suspended"]),
        (
            "activeDeadlineSeconds",
            [
                "timeout", "max_runtime", "time_limit", "soft_time_limit", "max_run_time", "ttl",
                "timeout_seconds", "job_timeout", "execution_timeout", "statement_timeout",
                "deadline",
            ]
        ),
        (
            "startingDeadlineSeconds",
            ["misfire_grace_time", "expires", "grace", "start_deadline", "misfire"]
        ),
        ("catchUp", ["coalesce", "backfill", "misfire_policy", "catch_up"]),
        (
            "task",
            [
                "command", "sql", "run", "script", "exec", "shell", "func", "function", "class",
                "query", "url", "webhook",
            ]
        ),
        (
            "parameters",
            ["args", "params", "kwargs", "arguments", "options", "with", "payload", "input"]
        ),
        (
            "mustFinishBy",
            ["sla", "finish_by", "due_by", "complete_by", "end_by", "latest_finish", "slo"]
        ),
        (
            "warnAfter",
            [
                "timeout_alert", "slow_after", "alert_after", "warning_after", "expected_runtime",
                "expected_duration", "max_expected_duration",
            ]
        ),
        (
            "notify",
            [
                "alerts", "alert", "notifications", "notifiers", "mailto", "email", "emails",
                "slack", "on_failure", "on_success", "on_missed", "on_slow", "on_recovered",
                "on_error", "email_on_failure", "on_failure_callback", "on_success_callback",
                "sla_miss_callback",
            ]
        ),
        ("needs", ["depends_on", "dependencies", "upstream", "requires", "depends"]),
        ("jitterSeconds", ["jitter", "random_delay", "splay"]),
        ("startAt", ["start_date", "start_time", "start", "not_before"]),
        ("endAt", ["end_date", "end_time", "until", "not_after"]),
        ("pool", ["queue", "executor"]),
        ("history", ["retention"]),
        ("labels", ["tags", "annotations"]),
        ("description", ["comment", "title", "summary", "doc", "note"]),
        ("calendars", ["holidays", "blackout", "calendar"]),
        ("dst", ["dst_policy", "daylight_saving", "clock_changes"]),
        ("spread", ["stagger", "hash"]),
        ("owner", ["author", "team", "contact", "responsible", "maintainer"]),
    ]

    /// Where not only the name differs.
    private static let usage: [String: Usage] = {
        let text: [(names: [String], how: Usage)] = [
            (["live", "enabled", "active", "is_active"], .differently("with the opposite value")),
            (
                ["timeout", "max_runtime", "time_limit", "max_run_time", "execution_timeout"],
                .differently("with a whole number of seconds")
            ),
            (
                ["command", "run", "script", "exec", "shell"],
                .instead("'task: command' and 'parameters: {run: […]}'")
            ),
            (["sql", "query"], .instead("'task: sql' and 'parameters: {statement: …}'")),
            (["url", "webhook"], .instead("'task: http' and 'parameters: {url: …}'")),
            (
                ["sla", "slo"],
                .differently("with a time such as 06:00, or with a duration such as 2h")
            ),
            (
                [
                    "alerts", "alert", "notifications", "notifiers", "mailto", "email", "emails",
                    "slack", "on_failure", "email_on_failure", "on_failure_callback",
                ],
                .instead("'notify: {onFailure: …}' with the name of one of the 'channels'")
            ),
            (["on_success", "on_success_callback"], .instead("'notify: {onSuccess: …}'")),
            (["on_missed", "sla_miss_callback"], .instead("'notify: {onMissed: …}'")),
            (["on_slow"], .instead("'notify: {onSlow: …}'")),
            (["on_recovered"], .instead("'notify: {onRecovered: …}'")),
            (
                ["on_error"],
                .instead("'notify: {onFailure: …}' to tell somebody, 'retryPolicy' to try again")
            ),
        ]
        return Dictionary(
            text.flatMap { entry in entry.names.map { (folded($0), entry.how) } }
        ) { first, _ in first }
    }()
}
