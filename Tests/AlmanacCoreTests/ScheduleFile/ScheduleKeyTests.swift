import Testing

@testable import AlmanacCore

@Suite("The keys of a schedule file")
struct ScheduleKeyTests {
    /// What a key does at the top level, in `defaults`, in a job, in an item of `schedule`, in
    /// `dst`, in a job's `calendars`, in a calendar, in a range of its dates, in `backoff`, in
    /// `retryPolicy`, in a rule of it, in `catchUp`, in a pool, in a lock, in a need, in `session`,
    /// in `expect`, in its `rowsAffected`, in `history`, in a channel and in `notify`: it is read
    /// (`r`), or does not belong there (`-`).
    static let table: [(key: String, at: String)] = [
        ("version", "r--------------------"), ("environment", "r--------------------"),
        ("defaults", "r--------------------"),
        ("calendars", "rrr------------------"), ("pools", "r--------------------"),
        ("channels", "r--------------------"),
        ("jobs", "r--------------------"), ("description", "--r------------------"),
        ("owner", "-rr------------------"),
        ("labels", "-rr------------------"), ("task", "--r----------------r-"),
        ("parameters", "--r----------------r-"),
        ("schedule", "--r------------------"), ("cron", "---r-----------------"),
        ("every", "--r------------------"),
        ("after", "--r------------------"), ("timeZone", "-rrr-----------------"),
        ("dst", "-rr------------------"),
        ("startAt", "--r------------------"), ("endAt", "--r------------------"),
        ("jitterSeconds", "-rr------------------"),
        ("spread", "-rr------------------"), ("suspend", "--r------------------"),
        ("concurrencyPolicy", "--r------------------"),
        ("startingDeadlineSeconds", "--r------------------"), ("catchUp", "--r------------------"),
        ("backoffLimit", "-rr------------------"), ("backoff", "-rr------------------"),
        ("retryPolicy", "-rr------------------"),
        ("activeDeadlineSeconds", "-rr----------------r-"),
        ("transaction", "-rr------------------"),
        ("isolation", "--r------------------"), ("readOnly", "--r------------------"),
        ("session", "--r------------------"),
        ("needs", "--r------------------"), ("locks", "--r------------------"),
        ("priority", "--r------------------"),
        ("pool", "--r------------------"), ("window", "--r--------r---------"),
        ("expect", "--r------------------"),
        ("mustFinishBy", "--r------------------"), ("warnAfter", "--r------------------"),
        ("history", "-rr------------------"), ("keep", "------------------r--"),
        ("successfulJobsHistoryLimit", "------------------r--"),
        ("failedJobsHistoryLimit", "------------------r--"),
        ("notify", "-rr------------------"), ("gap", "----r----------------"),
        ("fold", "----r----------------"),
        ("exclude", "-----r---------------"), ("only", "-----r---------------"),
        ("dates", "------r--------------"),
        ("ranges", "------r--------------"), ("weekdays", "------r--------------"),
        ("iCalendar", "------r--------------"),
        ("from", "-------r-------------"), ("to", "-------r-------------"),
        ("initial", "--------r------------"),
        ("factor", "--------r------------"), ("max", "--------r--r-----r---"),
        ("jitter", "--------r------------"),
        ("rules", "---------r-----------"), ("action", "----------r----------"),
        ("sqlstates", "----------r----------"),
        ("errorTypes", "----------r----------"), ("policy", "-----------r---------"),
        ("slots", "------------r--------"), ("name", "-------------r-------"),
        ("mode", "-------------r-------"),
        ("wait", "-------------r-------"), ("job", "--------------r------"),
        ("when", "--------------r------"),
        ("within", "--------------r------"),
        ("role", "---------------r-----"), ("searchPath", "---------------r-----"),
        ("statementTimeout", "---------------r-----"), ("lockTimeout", "---------------r-----"),
        ("settings", "---------------r-----"), ("rowsAffected", "----------------r----"),
        ("sql", "----------------r----"), ("min", "-----------------r---"),
        ("deviation", "-----------------r---"),
        ("onFailure", "--------------------r"),
        ("onSuccess", "--------------------r"),
        ("onMissed", "--------------------r"),
        ("onSlow", "--------------------r"),
        ("onRecovered", "--------------------r"),
    ]

    static let places: [ScheduleKey.Place] = [
        .file, .defaults, .job, .scheduleItem, .clockChanges, .calendarUse, .calendar, .dateRange,
        .backoff, .retryPolicy, .retryRule, .catchUp, .pool, .lock, .need, .session, .expect,
        .rowsAffected, .history, .channel, .notify,
    ]

    @Test("are these and no others") func complete() {
        #expect(Set(ScheduleKey.all.map(\.name)) == Set(Self.table.map(\.key)))
        #expect(ScheduleKey.Place.allCases == Self.places)
    }

    @Test("do what they say at each place", arguments: table)
    func atEachPlace(key: String, uses: String) {
        for (place, use) in zip(Self.places, uses) {
            let known = ScheduleKey.named(key, in: place)
            #expect((known != nil) == (use != "-"), "\(place)")
            let isListed = ScheduleKey.all(in: place).contains { $0.name == key }
            #expect(isListed == (use == "r"), "\(place)")
            #expect(Self.refusals(of: key, in: place) == Self.expected(key, place, use))
        }
    }

    /// What is told of the key itself, whatever its value lacks.
    static func refusals(of key: String, in place: ScheduleKey.Place) -> [String] {
        let text =
            switch place {
            case .file: "\(key): x\n"
            case .defaults: "defaults: {\(key): x}\n"
            case .job: "jobs: {a: {\(key): x}}\n"
            case .scheduleItem: "jobs: {a: {schedule: [{\(key): x}]}}\n"
            case .clockChanges: "defaults: {dst: {\(key): x}}\n"
            case .calendarUse: "defaults: {calendars: {\(key): x}}\n"
            case .calendar: "calendars: {a: {\(key): x}}\njobs: {}\n"
            case .dateRange: "calendars: {a: {ranges: [{\(key): x}]}}\njobs: {}\n"
            case .backoff: "defaults: {backoff: {\(key): x}}\n"
            case .retryPolicy: "defaults: {retryPolicy: {\(key): x}}\n"
            case .retryRule: "defaults: {retryPolicy: {rules: [{\(key): x}]}}\n"
            case .catchUp: "jobs: {a: {catchUp: {\(key): x}}}\n"
            case .pool: "pools: {a: {\(key): x}}\njobs: {}\n"
            case .lock: "jobs: {a: {locks: [{\(key): x}]}}\n"
            case .need: "jobs: {a: {needs: [{\(key): x}]}}\n"
            case .session: "jobs: {a: {session: {\(key): x}}}\n"
            case .expect: "jobs: {a: {expect: {\(key): x}}}\n"
            case .rowsAffected: "jobs: {a: {expect: {rowsAffected: {\(key): x}}}}\n"
            case .history: "jobs: {a: {history: {\(key): x}}}\n"
            case .channel: "channels: {a: {\(key): x}}\njobs: {}\n"
            case .notify: "defaults: {notify: {\(key): x}}\njobs: {}\n"
            }
        let found = scheduleAnswers(text)
        let words = ["unknown key '\(key)'", "cannot stand"]
        return found.filter { problem in words.contains { problem.contains($0) } }
            .map { String($0.drop { $0 != " " }.dropFirst()) }
    }

    static func expected(_ key: String, _ place: ScheduleKey.Place, _ use: Character) -> [String] {
        switch (key, place, use) {
        case (_, _, "r"): return []
        case ("cron", .job, _): return ["unknown key 'cron' (did you mean 'schedule'?)"]
        case ("cron", _, _):
            return [
                "unknown key 'cron' ('schedule' is the name here, and it belongs in a job)"
            ]
        case ("jitter", .defaults, _), ("jitter", .job, _):
            return ["unknown key 'jitter' (did you mean 'jitterSeconds'?)"]
        case ("jitter", _, _):
            return [
                "unknown key 'jitter' ('jitterSeconds' is the name here, and it belongs in "
                    + "'defaults' or in a job)"
            ]
        case ("job", .file, _): return ["unknown key 'job' (did you mean 'jobs'?)"]
        case ("when", .job, _): return ["unknown key 'when' (did you mean 'schedule'?)"]
        case ("when", .scheduleItem, _): return ["unknown key 'when' (did you mean 'cron'?)"]
        case ("when", _, _):
            return [
                "unknown key 'when' ('schedule' is the name here, and it belongs in a job)"
            ]
        case ("sql", .job, _), ("sql", .channel, _):
            return [
                "unknown key 'sql' (write 'task: sql' and 'parameters: {statement: …}')"
            ]
        case ("sql", _, _):
            return [
                "unknown key 'sql' ('task' is the name here, and it belongs in a job or in a "
                    + "channel)"
            ]
        case ("min", .backoff, _): return ["unknown key 'min' (did you mean 'initial'?)"]
        case ("statementTimeout", .job, _), ("statementTimeout", .defaults, _),
            ("statementTimeout", .channel, _):
            return ["unknown key 'statementTimeout' (did you mean 'activeDeadlineSeconds'?)"]
        case ("statementTimeout", _, _):
            return [
                "unknown key 'statementTimeout' ('activeDeadlineSeconds' is the name here, and it "
                    + "belongs in 'defaults' or in a job or in a channel)"
            ]
        case ("schedule", .scheduleItem, _):
            return ["unknown key 'schedule' (did you mean 'cron'?)"]
        default:
            let uses = table.first { $0.key == key }?.at ?? ""
            let words = zip(places, uses).filter { $0.1 != "-" }.map(\.0.inWords)
            let isIndentation =
                place == .file && Array(uses)[2] != "-" || place == .job && Array(uses)[0] != "-"
            return [
                "'\(key)' cannot stand \(place.inWords) (it belongs "
                    + words.joined(separator: " or ")
                    + (isIndentation ? "; check the indentation)" : ")")
            ]
        }
    }

    @Test("are listed in the order in which they are explained") func listed() {
        #expect(
            ScheduleKey.all(in: .file).map(\.name) == [
                "version", "environment", "defaults", "calendars", "pools", "channels", "jobs",
            ])
        #expect(
            ScheduleKey.all(in: .defaults).map(\.name) == [
                "timeZone", "dst", "calendars", "jitterSeconds", "spread", "backoffLimit",
                "backoff", "retryPolicy", "activeDeadlineSeconds", "transaction", "history",
                "notify", "owner", "labels",
            ])
        #expect(ScheduleKey.all(in: .scheduleItem).map(\.name) == ["cron", "timeZone"])
        #expect(
            ScheduleKey.all(in: .job).map(\.name) == [
                "description", "task", "parameters", "schedule", "every", "after", "timeZone",
                "dst", "startAt", "endAt", "calendars", "jitterSeconds", "spread", "suspend",
                "concurrencyPolicy", "startingDeadlineSeconds", "catchUp", "backoffLimit",
                "backoff", "retryPolicy", "activeDeadlineSeconds", "transaction", "isolation",
                "readOnly", "session", "needs", "locks", "priority", "pool", "window", "expect",
                "mustFinishBy", "warnAfter", "history", "notify", "owner", "labels",
            ])
        #expect(
            ScheduleKey.all(in: .channel).map(\.name) == [
                "task", "parameters", "activeDeadlineSeconds",
            ])
        #expect(
            ScheduleKey.all(in: .notify).map(\.name) == [
                "onFailure", "onMissed", "onSlow", "onRecovered", "onSuccess",
            ])
    }

    @Test("have a meaning that goes on a sentence", arguments: ScheduleKey.all.map(\.name))
    func meanings(name: String) throws {
        let key = try #require(ScheduleKey.all.first { $0.name == name })
        #expect(key.meaning.first?.isLowercase == true || key.meaning.hasPrefix("an IANA"))
        #expect(key.meaning.last?.isPunctuation == false)
        #expect(!key.places.isEmpty)
    }

    @Test("of no such name are nowhere") func nowhere() {
        #expect(ScheduleKey.whereabouts(of: "colour") == nil)
        #expect(ScheduleKey.named("Task", in: .job) == nil)
        #expect(
            ScheduleKey.whereabouts(of: "timeZone")?.contains("in 'defaults' or in a job") == true)
    }
}
