internal import Scheduling

/// A key of the schedule file. The one table of them serves the reader, its answers to keys that do
/// nothing yet, and whatever describes the file to others.
package struct ScheduleKey: Sendable {
    /// The mappings of a schedule file.
    package enum Place: String, Sendable, CaseIterable {
        case file, defaults, job
        /// An item of a job's `schedule` list.
        case scheduleItem
        /// The value of `dst`.
        case clockChanges
        /// The value of a job's `calendars`.
        case calendarUse
        /// A calendar.
        case calendar
        /// An item of a calendar's `ranges`.
        case dateRange
        /// The value of `backoff`.
        case backoff
        /// The value of `retryPolicy`.
        case retryPolicy
        /// An item of the `rules` of `retryPolicy`.
        case retryRule
        /// The value of `catchUp`.
        case catchUp
        /// A pool.
        case pool
        /// An item of `locks`.
        case lock
        /// An item of `needs`.
        case need
        /// The value of `session`.
        case session
        /// The value of `expect`.
        case expect
        /// The value of the `rowsAffected` of `expect`.
        case rowsAffected
        /// The value of `history`.
        case history
        /// A channel.
        case channel
        /// The value of `notify`.
        case notify

        /// Where that is, for messages.
        package var inWords: String {
            switch self {
            case .file: "at the top level"
            case .defaults: "in 'defaults'"
            case .job: "in a job"
            case .scheduleItem: "in an item of 'schedule'"
            case .clockChanges: "in 'dst'"
            case .calendarUse: "in the 'calendars' of a job"
            case .calendar: "in a calendar"
            case .dateRange: "in an item of 'ranges'"
            case .backoff: "in 'backoff'"
            case .retryPolicy: "in 'retryPolicy'"
            case .retryRule: "in an item of 'rules'"
            case .catchUp: "in 'catchUp'"
            case .pool: "in a pool"
            case .lock: "in an item of 'locks'"
            case .need: "in an item of 'needs'"
            case .session: "in 'session'"
            case .expect: "in 'expect'"
            case .rowsAffected: "in 'rowsAffected'"
            case .history: "in 'history'"
            case .channel: "in a channel"
            case .notify: "in 'notify'"
            }
        }
    }

    package let name: String
    package let places: [Place]
    /// What it says, as the rest of a sentence that begins with the key.
    package let meaning: String
    package let value: ScheduleValue

    init(_ name: String, _ places: [Place], _ value: ScheduleValue, _ meaning: String) {
        self.name = name
        self.places = places
        self.value = value
        self.meaning = meaning
    }
}

extension ScheduleKey {
    /// Every key, in the order in which it is explained.
    package static let all =
        ofFiles + ofTimes + ofRuns + ofParts + ofDispatch
        + ofSessions + ofNotify

    private static let ofFiles: [ScheduleKey] = [
        ScheduleKey(
            "version", [.file], .integer(Schedule.formatVersion...Schedule.formatVersion),
            "the version of the format: 1"),
        ScheduleKey(
            "environment", [.file], .text,
            "the environment that the jobs are for, such as production: on a database of another "
                + "one nothing runs"),
        ScheduleKey(
            "defaults", [.file], .optional(.keys(.defaults)),
            "values for the jobs of the file that have none"),
        ScheduleKey(
            "calendars", [.file], .optional(.named(.calendar, .keys(.calendar))),
            "named sets of days, for the jobs of the file"),
        ScheduleKey(
            "pools", [.file], .optional(.named(.pool, .keys(.pool))),
            "named limits on how many runs go on at once, for the jobs of all files"),
        ScheduleKey(
            "channels", [.file], .optional(.named(.channel, .keys(.channel))),
            "where notifications go, for the jobs of all files"),
        ScheduleKey("jobs", [.file], .optional(.named(.job, .keys(.job))), "the jobs by name"),

        ScheduleKey("description", [.job], .text, "what the job is for"),
        ScheduleKey("task", [.job, .channel], .task, "the name of the task to run"),
        ScheduleKey("parameters", [.job, .channel], .optional(.mapping), "what the task is told"),
    ]

    private static let ofTimes: [ScheduleKey] = [
        ScheduleKey(
            "schedule", [.job],
            .either([.cron, .list(.either([.cron, .keys(.scheduleItem)]))]),
            "a cron expression such as \"30 2 * * *\", or a list of them"),
        ScheduleKey("cron", [.scheduleItem], .cron, "a cron expression"),
        ScheduleKey(
            "every", [.job], .duration,
            "a fixed rate such as 15m, counted from 'startAt' or else the Unix epoch"),
        ScheduleKey("after", [.job], .duration, "a delay such as 15m after each completion"),
        ScheduleKey(
            "timeZone", [.defaults, .job, .scheduleItem], .timeZone,
            "an IANA name such as Europe/Berlin"),
        ScheduleKey(
            "dst", [.defaults, .job], .keys(.clockChanges),
            "what becomes of times that a change of the clocks skips or repeats"),
        ScheduleKey("startAt", [.job], .instant, "the first instant at which the job can be due"),
        ScheduleKey("endAt", [.job], .instant, "the last instant at which the job can be due"),
        ScheduleKey(
            "calendars", [.defaults, .job], .keys(.calendarUse), "days to leave out or to keep to"),
        ScheduleKey(
            "jitterSeconds", [.defaults, .job], .seconds(from: 0),
            "by up to how many seconds each run starts later"),
        ScheduleKey(
            "spread", [.defaults, .job], .choices(Spread.self),
            "hash, for a start that is later by an offset of the job's own"),
        ScheduleKey("suspend", [.job], .boolean, "true for no new runs"),
        ScheduleKey(
            "concurrencyPolicy", [.job], .choices(ConcurrencyPolicy.self),
            "what happens when runs would overlap: Forbid, Allow, Replace or Queue"),
        ScheduleKey(
            "startingDeadlineSeconds", [.job], .seconds(from: 1),
            "how many seconds late a run may start"),
        ScheduleKey(
            "catchUp", [.job], .either([.choices(CatchUp.Policy.self), .keys(.catchUp)]),
            "which occurrences run that were missed: latest, all or none"),
    ]

    private static let ofRuns: [ScheduleKey] = [
        ScheduleKey(
            "backoffLimit", [.defaults, .job], .integer(0...RetryReader.highestLimit),
            "how often a failed run is tried again"),
        ScheduleKey(
            "backoff", [.defaults, .job], .keys(.backoff), "how long to wait between attempts"),
        ScheduleKey(
            "retryPolicy", [.defaults, .job], .keys(.retryPolicy), "which errors are tried again"),
        ScheduleKey(
            "activeDeadlineSeconds", [.defaults, .job, .channel], .seconds(from: 1),
            "how many seconds an attempt may take"),
        ScheduleKey(
            "transaction", [.defaults, .job], .choices(TransactionMode.self),
            "who commits: perRun, explicit or none"),
        ScheduleKey(
            "isolation", [.job], .choices(SessionSettings.Isolation.self),
            "the isolation level of the run's transaction"),
        ScheduleKey("readOnly", [.job], .boolean, "true for a transaction that cannot write"),
        ScheduleKey(
            "session", [.job], .keys(.session), "settings of the run's database session"),
        ScheduleKey(
            "needs", [.job], .list(.either([.text, .keys(.need)])), "jobs to run after"),
        ScheduleKey(
            "locks", [.job], .list(.either([.text, .keys(.lock)])),
            "named locks across jobs and nodes"),
        ScheduleKey(
            "priority", [.job], .integer(DispatchPolicy.priorities),
            "which of the waiting runs goes first: the highest number"),
        ScheduleKey("pool", [.job], .text, "the pool that the job's runs count in"),
        ScheduleKey(
            "window", [.job], .choices(WindowMode.self),
            "which data a run is for: from the instant before, or from the last success on"),
        ScheduleKey(
            "expect", [.job], .keys(.expect), "what must hold before the run commits"),
        ScheduleKey(
            "mustFinishBy", [.job], .either([.timeOfDay, .duration]),
            "by when an occurrence is to be over: the next 06:00, or 2h after its instant"),
        ScheduleKey(
            "warnAfter", [.job], .either([.choice([Punctuality.WarnAfter.percentile]), .duration]),
            "from when on a run is slow: p95, for 95 of 100 of the last successes, or 30m"),
        ScheduleKey(
            "history", [.defaults, .job], .keys(.history), "how long the audit rows are kept"),
        ScheduleKey(
            "notify", [.defaults, .job], .keys(.notify), "which channels are told of what"),
        ScheduleKey("owner", [.defaults, .job], .text, "whose job it is"),
        ScheduleKey(
            "labels", [.defaults, .job], .named(.label, .text), "texts to find jobs by"),
    ]

    /// The keys of mappings inside others.
    private static let ofParts: [ScheduleKey] = [
        ScheduleKey(
            "gap", [.clockChanges], .choices(ClockChangePolicy.Gap.self),
            "what becomes of times that the clock skips: nextValid or skip"),
        ScheduleKey(
            "fold", [.clockChanges], .choices(ClockChangePolicy.Fold.self),
            "which of two passes of a time counts: first, second or both"),
        ScheduleKey(
            "exclude", [.calendarUse], .list(.either([.text, .keys(.calendar)])),
            "calendars on whose days nothing runs"),
        ScheduleKey(
            "only", [.calendarUse], .list(.either([.text, .keys(.calendar)])),
            "calendars on whose days alone something runs"),
        ScheduleKey("dates", [.calendar], .list(.date), "days such as 2026-12-25"),
        ScheduleKey(
            "ranges", [.calendar], .list(.keys(.dateRange)), "days from one to another"),
        ScheduleKey(
            "weekdays", [.calendar], .weekdays,
            "weekdays as in a cron expression, such as SAT,SUN or MON#1"),
        ScheduleKey("iCalendar", [.calendar], .path, "a file of days in the format of RFC 5545"),
        ScheduleKey("from", [.dateRange], .date, "the first day"),
        ScheduleKey("to", [.dateRange], .date, "the last day"),
        ScheduleKey("initial", [.backoff], .pause, "the pause before the second attempt"),
        ScheduleKey(
            "factor", [.backoff], .number(1...RetryReader.greatestFactor),
            "what each pause is multiplied by to get the next"),
        ScheduleKey("max", [.backoff], .pause, "the longest pause"),
        ScheduleKey(
            "jitter", [.backoff], .number(0...1), "by which part a pause is longer or shorter"),
        ScheduleKey(
            "rules", [.retryPolicy], .list(.keys(.retryRule)),
            "what to do after which failures; the first rule that fits counts"),
        ScheduleKey(
            "action", [.retryRule], .choices(RetryPolicy.Action.self),
            "what to do: Retry, Fail or Ignore"),
        ScheduleKey(
            "sqlstates", [.retryRule], .list(.text),
            "error codes of SQL such as 40001; 08* stands for all that begin so"),
        ScheduleKey(
            "errorTypes", [.retryRule], .list(.text),
            "names of errors, as the audit table has them in error_type"),
    ]

    /// The keys of `session` and `expect`.
    private static let ofSessions: [ScheduleKey] = [
        ScheduleKey("role", [.session], .text, "the role to act as"),
        ScheduleKey("searchPath", [.session], .list(.text), "the schemas to search, in order"),
        ScheduleKey("statementTimeout", [.session], .duration, "how long a statement may take"),
        ScheduleKey("lockTimeout", [.session], .duration, "how long to wait for a lock"),
        ScheduleKey("settings", [.session], .mapping, "more settings of Postgres, by name"),
        ScheduleKey(
            "rowsAffected", [.expect], .keys(.rowsAffected), "how many rows the run changes"),
        ScheduleKey("sql", [.expect], .text, "a query whose answer is to be true"),
        ScheduleKey("min", [.rowsAffected], .integer(0...Int.max), "how many at least"),
        ScheduleKey("max", [.rowsAffected], .integer(0...Int.max), "how many at the most"),
        ScheduleKey(
            "deviation", [.rowsAffected], .number(0...1_000),
            "by which part it may differ from the median of the last successes"),
        ScheduleKey("keep", [.history], .duration, "how long after its end a row is kept: 90d"),
        ScheduleKey(
            "successfulJobsHistoryLimit", [.history], .integer(0...Int.max),
            "how many occurrences that succeeded are kept at the most"),
        ScheduleKey(
            "failedJobsHistoryLimit", [.history], .integer(0...Int.max),
            "how many occurrences that did not succeed are kept at the most"),
    ]

    private static let byPlace: [Place: [String: ScheduleKey]] = {
        var table: [Place: [String: ScheduleKey]] = [:]
        for key in all {
            for place in key.places { table[place, default: [:]][key.name] = key }
        }
        return table
    }()

    /// The key of that name in a place.
    package static func named(_ name: String, in place: Place) -> ScheduleKey? {
        byPlace[place]?[name]
    }

    /// The keys of a place, in the order in which they are explained.
    package static func all(in place: Place) -> [ScheduleKey] {
        all.filter { $0.places.contains(place) }
    }

    /// The keys that have to be there.
    static func required(in place: Place) -> [String] {
        switch place {
        case .file: ["version", "jobs"]
        case .job, .channel: ["task"]
        case .scheduleItem: ["cron"]
        case .dateRange: ["from", "to"]
        case .retryPolicy: ["rules"]
        case .retryRule: ["action"]
        case .pool: ["slots"]
        case .lock: ["name"]
        case .need: ["job"]
        case .defaults, .clockChanges, .calendarUse, .calendar, .backoff, .catchUp, .session,
            .expect, .rowsAffected, .history, .notify:
            []
        }
    }

    /// The keys of which exactly one has to be there.
    static func alternatives(in place: Place) -> [String] {
        place == .job ? ["schedule", "every", "after"] : []
    }

    /// Where a key of that name can stand, in words; `nil` for no key at all.
    static func whereabouts(of name: String) -> String? {
        let keys = all.filter { $0.name == name }
        guard !keys.isEmpty else { return nil }
        return keys.flatMap(\.places).map(\.inWords).joined(separator: " or ")
    }
}
