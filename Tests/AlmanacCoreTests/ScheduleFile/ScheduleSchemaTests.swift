import Foundation
import Testing

@testable import AlmanacCore

@Suite("The JSON Schema of a schedule file")
struct ScheduleSchemaTests {
    let validator: JSONSchemaValidator

    init() throws {
        let text = ScheduleSchema(tasks: FakeTasks()).text
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8))
        validator = JSONSchemaValidator(root: try #require(object as? [String: Any]))
    }

    /// Whether the reader takes a text; `nil` where the text is not even YAML.
    func isRead(_ source: SourceFile) -> Bool? {
        guard (try? YAMLParser.parse(source)) ?? nil != nil else { return nil }
        return (try? ScheduleLoader(tasks: FakeTasks()).load(sources: [source])) != nil
    }

    func isAccepted(_ source: SourceFile) throws -> Bool {
        try validator.accepts(#require(try YAMLParser.parse(source)))
    }

    static let job = "task: cleanup, every: 1h"

    static func file(_ keys: String, top: String = "") -> String {
        "version: 1\n\(top)jobs:\n  a: {\(keys)}\n"
    }

    @Test(
        "takes what the reader takes",
        arguments: [
            file(job), "version: 1\njobs:\n", "version: 1\njobs: {}\ndefaults:\ncalendars:\n",
            file("task: cleanup, schedule: 30 2 * * *"),
            file("task: cleanup, schedule: '@daily'"), file("task: cleanup, after: 1h"),
            file("task: cleanup, schedule: ' 0 30 2 * * MON-FRI '"),
            file("task: cleanup, schedule: [0 1 * * *, {cron: '@hourly', timeZone: UTC}]"),
            file("\(job), parameters: , description: 5, owner: true, labels: {a: 1.5, b: x}"),
            file("\(job), activeDeadlineSeconds: 0x3c, suspend: TRUE, transaction: none"),
            file("\(job), jitterSeconds: 0, spread: none, concurrencyPolicy: Forbid"),
            file("\(job), concurrencyPolicy: Replace, startingDeadlineSeconds: 5, priority: -3"),
            file("\(job), catchUp: all"),
            file("\(job), catchUp: {policy: all, window: 2h, max: 3}"),
            file("\(job), locks: [x, {name: y, mode: shared, wait: 0s}]"),
            file("\(job), pool: heavy", top: "pools: {heavy: {slots: 2}}\n"),
            file("\(job), mustFinishBy: 06:00, warnAfter: p95"),
            file("\(job), mustFinishBy: '00:00', warnAfter: 30m"),
            file("\(job), mustFinishBy: 2h"),
            file(
                "\(job), notify: {onFailure: ops, onSuccess: [], onMissed: [ops, '5']}",
                top: "channels: {ops: {task: cleanup}, 5: {task: cleanup, parameters: {}, "
                    + "activeDeadlineSeconds: 5}}\ndefaults: {notify: {onRecovered: 5}}\n"),
            "version: 1\njobs: {}\nchannels:\n",
            file("\(job), startAt: 2026-01-01T00:00:00.5+01:00, endAt: '2027-01-01 00:00:00z'"),
            file("task: cleanup, schedule: 0 1 * * *, dst: {gap: skip, fold: second}"),
            file(
                "\(job), calendars: {exclude: [a, {weekdays: 6}], only: [b]}",
                top: "calendars:\n  a: {dates: [2026-12-25]}\n"
                    + "  b: {ranges: [{from: 2026-12-24, to: 2026-12-31}], weekdays: 'SAT,SUN'}\n"),
            file(
                job,
                top: "defaults: {timeZone: America/Argentina/Buenos_Aires, dst: {gap: skip}, "
                    + "calendars: {}, jitterSeconds: 5, spread: hash, activeDeadlineSeconds: 1, "
                    + "transaction: explicit, owner: x, labels: {}}\n"),
        ])
    func valid(text: String) throws {
        let source = try SourceFile(path: "a.yaml", text: text)
        #expect(isRead(source) == true)
        #expect(try isAccepted(source))
    }

    @Test(
        "refuses, as the reader does, what is wrong with keys, types and forms",
        arguments: [
            "[]", "version: 2\njobs: {}\n", "jobs: {}\n", "version: 1\n",
            "version: '1'\njobs: {}\n",
            "version: 1\njobs: []\n", "version: 1\njobs: {a: }\n", "version: 1\njobs: {a b: {}}\n",
            file("task: cleanup"), file("every: 1h"), file("\(job), after: 1h"),
            file("\(job), schedule: '@daily'"), file("\(job), evry: 1h"), file("\(job), cron: x"),
            file("\(job), needs: {a: 1}"), file("\(job), timezone: UTC"),
            file("\(job), needs: []"), file("\(job), needs: [{when: always}]"),
            file("\(job), locks: ledger"), file("\(job), locks: [{name: a, mode: both}]"),
            file("\(job), catchUp: some"), file("\(job), catchUp: {max: 0}"),
            file("\(job), mustFinishBy: '25:00'"), file("\(job), mustFinishBy: 6:00"),
            file("\(job), mustFinishBy: 0s"), file("\(job), mustFinishBy: 600"),
            file("\(job), warnAfter: p99"), file("\(job), warnAfter: 0m"),
            file("\(job), warnAfter: [p95]"), file("\(job), notify: ops"),
            file("\(job), notify: {onFailure: }"), file("\(job), notify: {onFailure: {a: b}}"),
            file("\(job), notify: {onFailure: [[a]]}"), file("\(job), notify: {failure: a}"),
            file(job, top: "channels: [a]\n"), file(job, top: "channels: {a: cleanup}\n"),
            file(job, top: "channels: {a: {}}\n"),
            file(job, top: "channels: {a: {task: cleanup, activeDeadlineSeconds: 0}}\n"),
            file(job, top: "channels: {a b: {task: cleanup}}\n"),
            file("\(job), priority: high"), file("\(job), startingDeadlineSeconds: 0"),
            file("task: cleanup, every: 5"), file("task: cleanup, every: 0s"),
            file("task: cleanup, every: 1h30m"), file("task: cleanup, after: []"),
            file("task: cleanup, schedule: 5"), file("task: cleanup, schedule: []"),
            file("task: cleanup, schedule: '1 2 3'"), file("task: cleanup, schedule: {cron: x}"),
            file("task: cleanup, schedule: [{timeZone: UTC}]"), file("task: , every: 1h"),
            file("\(job), activeDeadlineSeconds: 0"), file("\(job), activeDeadlineSeconds: 1m"),
            file("\(job), activeDeadlineSeconds: 1.5"), file("\(job), jitterSeconds: -1"),
            file("\(job), suspend: yes"), file("\(job), suspend: 1"),
            file("\(job), transaction: perrun"), file("\(job), concurrencyPolicy: Sometimes"),
            file("\(job), spread: 30m"), file("\(job), startAt: 2026-01-01"),
            file("\(job), endAt: 5"), file("\(job), calendars: [a]"),
            file("\(job), calendars: {exclude: a}"), file("\(job), calendars: {exclude: []}"),
            file("task: cleanup, schedule: 0 1 * * *, dst: skip"),
            file("task: cleanup, schedule: 0 1 * * *, dst: {gap: none}"),
            file("\(job), labels: [a]"), file("\(job), labels: {a: }"), file("\(job), owner: []"),
            file("\(job), timeZone: 5"), file("\(job), parameters: []"),
            file(job, top: "defaults: {suspend: true}\n"), file(job, top: "pools: {a: 1}\n"),
            file(job, top: "calendars: {a: {dates: 2026-12-25}}\n"),
            file(job, top: "calendars: {a: {dates: [25.12.2026]}}\n"),
            file(job, top: "calendars: {a: {ranges: [{from: 2026-12-25}]}}\n"),
            file(job, top: "calendars: {a: {weekdays: [SAT]}}\n"),
            file(job, top: "calendars: []\n"),
        ])
    func invalid(text: String) throws {
        let source = try SourceFile(path: "a.yaml", text: text)
        #expect(isRead(source) == false)
        #expect(try !isAccepted(source))
    }

    @Test("refuses nothing that the reader takes, whatever is changed", arguments: 0..<4)
    func agreement(part: UInt64) throws {
        let seed = 20_261_123 + part
        var generator = ScheduleFuzzTests.Generator(state: seed)
        var taken = 0
        for round in 0..<1_500 {
            let bytes =
                round % 2 == 0
                ? ScheduleFuzzTests.mutated(&generator)
                : ScheduleFuzzTests.rewritten(&generator)
            guard let source = try? SourceFile(path: "a.yaml", bytes: bytes),
                isRead(source) == true
            else { continue }
            taken += 1
            let text = source.text
            #expect(try isAccepted(source), "seed \(seed), round \(round):\n\(text)")
        }
        #expect(taken > 20)
    }

    @Test("knows every key that works, with what it says", arguments: ScheduleKey.Place.allCases)
    func keys(place: ScheduleKey.Place) throws {
        let schema =
            place == .file
            ? validator.root
            : (validator.root["$defs"] as? [String: Any])?[place.rawValue] as? [String: Any]
        let properties = try #require(schema?["properties"] as? [String: [String: Any]])
        #expect(Set(properties.keys) == Set(ScheduleKey.all(in: place).map(\.name)))
        #expect(schema?["additionalProperties"] as? Bool == false)
        for key in ScheduleKey.all(in: place) {
            #expect(properties[key.name]?["description"] as? String == key.meaning)
        }
    }

    @Test("offers the tasks, and takes others") func tasks() throws {
        let text = ScheduleSchema(tasks: FakeTasks()).text
        #expect(text.contains("\"restock-book\""))
        let source = try SourceFile(path: "a.yaml", text: Self.file("task: of-mine, every: 1h"))
        #expect(try isAccepted(source))
    }

    @Test("is the same text each time") func stable() {
        #expect(
            ScheduleSchema(tasks: FakeTasks()).text == ScheduleSchema(tasks: FakeTasks()).text)
    }
}
