import Scheduling
import Testing

@testable import AlmanacCore

/// The schedule in texts that are named a.yaml, b.yaml, ….
func load(_ texts: String...) throws -> (schedule: Schedule, warnings: [Diagnostic]) {
    let sources = try texts.enumerated().map { index, text in
        let letter = try #require("abcdefgh".dropFirst(index).first)
        return try SourceFile(path: "schedules/\(letter).yaml", text: text)
    }
    return try ScheduleLoader(tasks: FakeTasks()).load(sources: sources)
}

/// The only job of a file with these keys.
func job(_ keys: String, defaults: String = "{timeZone: UTC, activeDeadlineSeconds: 60}") throws
    -> JobDefinition
{
    let channels = "{ops: {task: cleanup}, chat: {task: cleanup}}"
    let text =
        "version: 1\ndefaults: \(defaults)\nchannels: \(channels)\njobs:\n  nightly: {\(keys)}\n"
    return try #require(try load(text).schedule.jobs.first)
}

/// The categories of the warnings about a job with these keys.
func warnings(_ keys: String, defaults: String = "{}") throws -> [String] {
    let text = "version: 1\ndefaults: \(defaults)\njobs:\n  nightly: {\(keys)}\n"
    return try load(text).warnings.map(\.category.rawValue)
}
