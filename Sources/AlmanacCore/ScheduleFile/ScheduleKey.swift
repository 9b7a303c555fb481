/// A key of the schedule file. The one table of them serves the reader, its answers to keys that do
/// nothing yet, and whatever describes the file to others.
package struct ScheduleKey: Sendable {
    /// The mappings of a schedule file.
    package enum Place: String, Sendable, CaseIterable {
        case file, defaults, job
        /// An item of a job's `schedule` list.
        case scheduleItem

        /// Where that is, for messages.
        package var inWords: String {
            switch self {
            case .file: "at the top level"
            case .defaults: "in 'defaults'"
            case .job: "in a job"
            case .scheduleItem: "in an item of 'schedule'"
            }
        }
    }

    package let name: String
    package let places: [Place]
    /// Whether this version acts on it. Other keys are refused, with the reason: a key that were
    /// ignored would promise what does not happen.
    package let isAvailable: Bool
    /// What it says, as the rest of a sentence that begins with the key.
    package let meaning: String

    private init(_ name: String, _ places: [Place], _ meaning: String, isAvailable: Bool = true) {
        self.name = name
        self.places = places
        self.meaning = meaning
        self.isAvailable = isAvailable
    }

    private static func later(_ name: String, _ places: [Place], _ meaning: String) -> ScheduleKey {
        ScheduleKey(name, places, meaning, isAvailable: false)
    }
}

extension ScheduleKey {
    /// Every key, in the order in which it is explained.
    package static let all: [ScheduleKey] = [
        ScheduleKey("version", [.file], "the version of the format: 1"),
        later("environment", [.file], "the environment that the database must belong to"),
        ScheduleKey("defaults", [.file], "values for the jobs of the file that have none"),
        later("calendars", [.file], "named lists of dates"),
        later("pools", [.file], "named limits on how many runs go on at once"),
        later("channels", [.file], "where notifications go"),
        ScheduleKey("jobs", [.file], "the jobs by name"),

        ScheduleKey("description", [.job], "what the job is for"),
        ScheduleKey("task", [.job], "the name of the task to run"),
        ScheduleKey("parameters", [.job], "what the task is told"),
        ScheduleKey(
            "schedule", [.job], "a cron expression such as \"30 2 * * *\", or a list of them"),
        ScheduleKey("cron", [.scheduleItem], "a cron expression"),
        ScheduleKey("every", [.job], "a fixed rate such as 15m, counted from the Unix epoch"),
        later("after", [.job], "a delay after each completion"),
        ScheduleKey(
            "timeZone", [.defaults, .job, .scheduleItem], "an IANA name such as Europe/Berlin"),
        later("dst", [.job], "what happens at a change of the clocks"),
        later("startAt", [.job], "the first instant of the schedule"),
        later("endAt", [.job], "the last instant of the schedule"),
        later("calendars", [.job], "dates to leave out or to keep to"),
        later("jitterSeconds", [.job], "a stable offset by which runs start later"),
        later("spread", [.job], "a stable offset by which runs start later"),
        ScheduleKey("suspend", [.job], "true for no new runs"),
        ScheduleKey("concurrencyPolicy", [.job], "what happens when runs would overlap"),
        later("startingDeadlineSeconds", [.job], "how late a run may start"),
        later("catchUp", [.job], "what happens to occurrences that were missed"),
        later("backoffLimit", [.job], "how often a failed run is tried again"),
        later("backoff", [.job], "how long to wait between attempts"),
        later("retryPolicy", [.job], "which errors are tried again"),
        ScheduleKey(
            "activeDeadlineSeconds", [.defaults, .job], "how many seconds an attempt may take"),
        ScheduleKey("transaction", [.defaults, .job], "who commits: perRun, explicit or none"),
        later("isolation", [.job], "the isolation level of the run's transaction"),
        later("readOnly", [.job], "whether the run's transaction is read-only"),
        later("session", [.job], "settings of the run's database session"),
        later("needs", [.job], "jobs to run after"),
        later("locks", [.job], "named locks across jobs and nodes"),
        later("priority", [.job], "which of the waiting runs goes first"),
        later("pool", [.job], "the pool that the job's runs count in"),
        later("window", [.job], "the window of data that a run is for"),
        later("expect", [.job], "what must hold before the run commits"),
        later("mustFinishBy", [.job], "when a run is late"),
        later("warnAfter", [.job], "when a run is slow"),
        later("history", [.job], "how long the audit rows are kept"),
        later("notify", [.job], "who is told of failures"),
        later("owner", [.job], "whose job it is"),
        later("labels", [.job], "labels to group jobs by"),
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

    /// The keys of a place that can be used, in the order in which they are explained.
    package static func available(in place: Place) -> [ScheduleKey] {
        all.filter { $0.isAvailable && $0.places.contains(place) }
    }

    /// Where a key of that name can stand, in words; `nil` for no key at all.
    static func whereabouts(of name: String) -> String? {
        let keys = all.filter { $0.name == name }
        guard !keys.isEmpty else { return nil }
        let places = keys.flatMap(\.places).map(\.inWords).joined(separator: " or ")
        return keys.contains(where: \.isAvailable) ? places : "\(places), but is not available yet"
    }
}
