import Foundation
import Testing

@testable import AlmanacCore

@Suite("Notifications in words")
struct MessageTextTests {
    private static let due = Date(timeIntervalSince1970: 1_767_225_600)
    private static let runID = UUID(uuidString: "00000000-0000-0000-0000-00000000000A") ?? UUID()

    private static func notification(
        _ event: NotifyPolicy.Event, _ reason: String, state: String? = nil, count: Int64 = 1
    ) -> DueNotification {
        var due = DueNotification(
            ids: [1], channel: "ops", job: "rollup", event: event, count: count, notedAt: due,
            scheduledFor: due, reason: reason)
        due.run = state.map {
            DueNotification.Run(runID: runID, state: $0, attempt: 1, startedAt: Self.due)
        }
        return due
    }

    @Test(
        "the subject is one line that says what has happened",
        arguments: [
            (notification(.failure, "failed", state: "failed"), "rollup failed"),
            (notification(.failure, "expectation", state: "failed"), "rollup failed"),
            (
                notification(.failure, "timed_out", state: "timed_out"),
                "rollup was stopped at its deadline"
            ),
            (notification(.failure, "orphaned"), "rollup was lost with its scheduler"),
            (notification(.failure, "cancelled"), "rollup was cancelled"),
            (notification(.success, "succeeded"), "rollup succeeded"),
            (notification(.recovered, "succeeded"), "rollup succeeded again"),
            (notification(.missed, "mustFinishBy"), "rollup is late"),
            (notification(.missed, "overlap"), "rollup did not run"),
            (notification(.missed, "overlap", count: 12), "rollup did not run (12 times)"),
            (notification(.slow, "warnAfter", state: "running"), "rollup is slow"),
        ])
    func subjects(notification: DueNotification, subject: String) {
        #expect(notification.subject == subject)
        #expect(notification.message.fields[.subject] == subject)
        #expect(notification.text.hasPrefix(subject + "\n"))
    }

    @Test("the text says what there is to know before one looks it up")
    func text() {
        var due = Self.notification(.failure, "failed", state: "failed", count: 2)
        due.run?.attempt = 3
        due.run?.finishedAt = Self.due.addingTimeInterval(12.34)
        due.run?.errorType = "ServerError"
        due.run?.errorMessage = "division by zero"
        (due.owner, due.description, due.environment) = ("data", "The night", "production")
        let lines = """
            [production] rollup failed (2 times)
            latest due: 2026-01-01T00:00:00Z
            run: 00000000-0000-0000-0000-00000000000a (failed, attempt 3)
            started: 2026-01-01T00:00:00Z, ended after 12.3 s
            error: ServerError: division by zero
            owner: data
            job: The night
            more: almanac show 00000000-0000-0000-0000-00000000000a
            """
        #expect(due.text == lines)
        #expect(due.message.fields[.error] == "ServerError: division by zero")
    }

    @Test("a limit is told with its instant, and whether the run has begun")
    func limits() {
        var late = Self.notification(.missed, "mustFinishBy")
        late.bound = Self.due.addingTimeInterval(3_600)
        let neverBegan = """
            rollup is late
            due: 2026-01-01T00:00:00Z
            to be over by: 2026-01-01T01:00:00Z
            run: it has not started
            """
        #expect(late.text == neverBegan)
        var slow = Self.notification(.slow, "warnAfter", state: "running")
        slow.bound = Self.due.addingTimeInterval(90)
        #expect(slow.text.contains("\nslow since: 2026-01-01T00:01:30Z\n"))
        #expect(slow.text.contains("\nstarted: 2026-01-01T00:00:00Z, and goes on\n"))
        let missed = Self.notification(.missed, "overlap")
        #expect(missed.text.contains("\nreason: overlap"))
    }

    @Test("as JSON it has all of it, and null for what there is not")
    func json() {
        var due = Self.notification(.missed, "overlap", count: 2)
        due.owner = #"the "night" shift"#
        let json = """
            {"bound":null,"count":2,"description":null,"environment":null,"error":null,\
            "event":"missed","job":"rollup","owner":"the \\"night\\" shift","reason":"overlap",\
            "run_id":null,"scheduled_for":"2026-01-01T00:00:00Z","state":null,\
            "subject":"rollup did not run (2 times)",\
            "text":"rollup did not run (2 times)\\nlatest due: 2026-01-01T00:00:00Z\\n\
            reason: overlap\\nowner: the \\"night\\" shift"}
            """
        #expect(due.message.json == json)
    }

    @Test("a long error is cut, and a name that the message begins with is not said twice")
    func errors() {
        var due = Self.notification(.failure, "failed", state: "failed")
        due.run?.errorType = "Broken"
        due.run?.errorMessage = "Broken: " + String(repeating: "x", count: 5_000)
        let error = due.message.fields[.error] ?? ""
        #expect(error.hasPrefix("Broken: x") && error.count == 1_000)
    }

    @Test("the key follows from the rows alone, in any order")
    func key() {
        var one = Self.notification(.failure, "failed")
        one.ids = [3, 1, 2]
        var same = Self.notification(.success, "succeeded")
        same.ids = [1, 2, 3]
        #expect(one.key == same.key)
        same.ids = [1, 23]
        #expect(one.key != same.key)
    }

    @Test(
        "it is tried again after growing pauses, and for a day",
        arguments: [
            (1, 0.0, 10.0), (2, 30, 20), (3, 60, 40), (7, 900, 600), (200, 80_000, 600),
            (9, 86_400, nil), (1, 90_000, nil),
        ])
    func pauses(tries: Int, ageSeconds: Double, pause: Double?) {
        var due = Self.notification(.failure, "failed")
        due.tries = tries
        let now = Self.due.addingTimeInterval(ageSeconds)
        #expect(Messenger.pauseSeconds(after: due, at: now) == pause)
    }
}
