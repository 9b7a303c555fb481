import Foundation
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("A calendar of an iCalendar file")
struct CalendarFileTests {
    static let holidays = """
        BEGIN:VCALENDAR
        VERSION:2.0
        PRODID:-//test//EN
        BEGIN:VEVENT
        UID:1
        DTSTART;VALUE=DATE:20261225
        DTEND;VALUE=DATE:20261227
        SUMMARY:Christmas
        END:VEVENT
        END:VCALENDAR

        """.replacing("\n", with: "\r\n")

    static let file = """
        version: 1
        defaults: {timeZone: Europe/Berlin, activeDeadlineSeconds: 60}
        calendars:
          holidays: {iCalendar: holidays.ics, dates: [2026-12-31]}
        jobs:
          nightly: {task: cleanup, schedule: "0 6 * * *", calendars: {exclude: [holidays]}}

        """

    /// Loads a schedule file that has a calendar beside it, if there is one.
    func load(calendar: [UInt8]?, file: String = Self.file) throws -> Schedule {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        if let calendar {
            try Data(calendar).write(to: folder.appending(path: "holidays.ics"))
        }
        let path = folder.appending(path: "a.yaml").path
        try Data(file.utf8).write(to: URL(filePath: path))
        return try ScheduleLoader(tasks: FakeTasks()).load(paths: [path]).schedule
    }

    func problems(calendar: [UInt8]?, file: String = Self.file) -> [Diagnostic] {
        do {
            _ = try load(calendar: calendar, file: file)
            return []
        } catch {
            return (error as? DiagnosticsError)?.diagnostics ?? []
        }
    }

    @Test("has the days of its events, together with those of the schedule file")
    func days() throws {
        let job = try #require(
            try load(calendar: Array(Self.holidays.utf8)).job(named: "nightly"))
        var days: [String] = []
        var instant = try #require(Instant(iso8601: "2026-12-24T00:00:00Z"))
        while days.count < 7, let next = job.recurrence.next(after: instant) {
            days.append(String(job.timeZone.civilTime(at: next).description.prefix(10).suffix(5)))
            instant = next
        }
        #expect(days == ["12-24", "12-27", "12-28", "12-29", "12-30", "01-01", "01-02"])
    }

    @Test("is stored with the job, and needs no file to be read back") func stored() throws {
        let job = try #require(
            try load(calendar: Array(Self.holidays.utf8)).job(named: "nightly"))
        #expect(job.canonicalText.contains(#""ranges":[{"from":"2026-12-25","to":"2026-12-26"}]"#))
        let times = try JobDefinition.times(inCanonicalText: job.canonicalText)
        #expect(times.recurrence == job.recurrence)
    }

    @Test("that is not there is an error at its path") func missing() throws {
        let found = try #require(problems(calendar: nil).first)
        #expect(found.position == SourcePosition(line: 4, column: 25))
        #expect(found.message.hasSuffix("holidays.ics: there is no such file or folder"))
        #expect(found.help == "the path is relative to the folder of this file")
    }

    @Test("that is no calendar is an error at its path, which tells the line") func broken() throws
    {
        let text = Self.holidays.replacing("20261225", with: "20261325")
        let found = try #require(problems(calendar: Array(text.utf8)).first)
        #expect(found.position == SourcePosition(line: 4, column: 25))
        #expect(found.message.contains("holidays.ics cannot be used: "))
        #expect(found.notes.map(\.position.line) == [6])
        #expect(found.notes.first?.file.hasSuffix("holidays.ics") == true)
    }

    @Test("of any bytes is a calendar or an error", arguments: 0..<4 as Range<UInt64>)
    func anyBytes(seed: UInt64) {
        var generator = ScheduleFuzzTests.Generator(state: seed)
        for _ in 0..<200 {
            var bytes = Array(Self.holidays.utf8)
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[place] = .random(in: 0...255, using: &generator)
            }
            for problem in problems(calendar: bytes) { #expect(!problem.message.isEmpty) }
        }
    }

    @Test(
        "has to be a path to a file",
        arguments: [
            ("''", "'iCalendar' names no file"), ("[a.ics]", "'iCalendar' must be a text"),
            ("~", "'iCalendar' must be a text"), (".", "this is a folder, not a file"),
        ])
    func paths(value: String, message: String) throws {
        let file = Self.file.replacing("holidays.ics, dates: [2026-12-31]", with: value)
        let found = try #require(problems(calendar: nil, file: file).first)
        #expect(found.message.contains(message), "\(found.message)")
    }
}
