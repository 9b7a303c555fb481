import Foundation
import PostgresSession
import Scheduling
import Testing

@testable import AlmanacCore

private typealias Row = NotifyFixture.Row

@Suite("Taking what is to be sent")
struct DeliveryTests {
    @Test("all that waits of one job, event and channel is one message, about the newest")
    func groups() async throws {
        let fixture = try await NotifyFixture(
            definition: #"{"owner": "data", "description": "The night"}"#)
        defer { fixture.close() }
        for second in [60.0, 180, 120] { try fixture.write(Row(second: second, state: "failed")) }
        try fixture.write(Row(second: 240))
        let taken = try #require(try fixture.take(["pager"]))
        #expect(taken.count == 3 && taken.ids.count == 3 && taken.tries == 1)
        #expect(taken.scheduledFor.timeIntervalSince1970 == NotifyFixture.midnight + 180)
        #expect(taken.run?.state == "failed" && taken.run?.errorMessage == "it is broken")
        #expect(taken.owner == "data" && taken.description == "The night")
        // The rows are this node's now; those of another channel are not.
        #expect(try fixture.take(["pager"]) == nil)
        #expect(try fixture.take(["failure"])?.ids.count == 3)
        #expect(try fixture.take(["success"])?.event == .success)
    }

    @Test("a range of skipped occurrences counts as what it stands for")
    func range() async throws {
        let fixture = try await NotifyFixture()
        defer { fixture.close() }
        try fixture.write(Row(state: "skipped", reason: "coalesced", until: 300))
        try fixture.write(Row(second: 360, state: "skipped", reason: "overlap"))
        #expect(try fixture.take()?.count == 6)
    }

    @Test("what is not in the node's schedule waits for a node that has it")
    func otherChannel() async throws {
        let fixture = try await NotifyFixture()
        defer { fixture.close() }
        try fixture.write(Row())
        #expect(try fixture.take(["failure", "pager"]) == nil)
        #expect(try fixture.take([]) == nil)
        #expect(try fixture.take(["success"]) != nil)
    }

    @Test("what is sent is over; the next message about the same waits for a minute")
    func rest() async throws {
        let fixture = try await NotifyFixture()
        defer { fixture.close() }
        try fixture.write(Row())
        let first = try #require(try fixture.take())
        try fixture.ledger.noteDelivery(of: first.ids, on: fixture.connection)
        for second in [60.0, 120] { try fixture.write(Row(second: second)) }
        #expect(try fixture.take() == nil)
        // Another event is not held up by it.
        try fixture.write(Row(second: 180, state: "failed"))
        #expect(try fixture.take()?.event == .failure)
        try fixture.connection.execute(
            "UPDATE almanac.notifications SET delivered_at = delivered_at - interval '61 s'")
        #expect(try fixture.take()?.count == 2)
    }

    @Test("a lease that has passed, and a failure's pause, make it anybody's again")
    func again() async throws {
        let fixture = try await NotifyFixture()
        defer { fixture.close() }
        try fixture.write(Row())
        let first = try #require(
            try fixture.ledger.takeNotification(
                for: ["success"], leaseSeconds: -1, on: fixture.connection))
        let second = try #require(try fixture.take())
        #expect(second.ids == first.ids && second.tries == 2 && second.key == first.key)
        try fixture.ledger.noteFailedDelivery(
            of: second.ids, "no \0answer", pauseSeconds: 3_600, on: fixture.connection)
        #expect(try fixture.take() == nil)
        try fixture.ledger.noteFailedDelivery(
            of: second.ids, "no answer", pauseSeconds: 0, on: fixture.connection)
        #expect(try fixture.take()?.tries == 3)
        try fixture.ledger.noteFailedDelivery(
            of: second.ids, "no answer", pauseSeconds: nil, on: fixture.connection)
        #expect(try fixture.take() == nil)
        let row = try fixture.connection.query(
            "SELECT last_error, given_up_at IS NOT NULL AS over FROM almanac.notifications")
        #expect(try row.first?.get("last_error") == "no answer")
        #expect(try row.first?.get("over") == true)
    }

    @Test("of nodes that take at the same moment each gets something else", arguments: 1...20)
    func race(round: Int) async throws {
        let fixture = try await NotifyFixture()
        defer { fixture.close() }
        for second in 0..<6 {
            try fixture.write(
                Row(second: Double(second), state: second < 3 ? "failed" : "succeeded"))
        }
        let services = fixture.fixture.services
        let taken = try await withThrowingTaskGroup(of: [Int64].self) { group in
            for _ in 1...4 {
                group.addTask {
                    let connection = try services.engine.connect(for: "race")
                    defer { connection.close() }
                    var ids: [Int64] = []
                    for _ in 1...6 {
                        ids +=
                            try services.ledger.takeNotification(
                                for: ["failure", "pager", "success"], leaseSeconds: 60,
                                on: connection
                            )?.ids ?? []
                    }
                    return ids
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(taken.count == Set(taken).count, "round \(round)")
    }

    @Test("of a run it is known who was told, also of an occurrence that was late")
    func fates() async throws {
        let fixture = try await NotifyFixture()
        defer { fixture.close() }
        let other = try fixture.write(Row(second: 60, state: "failed"))
        let runID = try fixture.write(Row(state: "running"))
        _ = try fixture.ledger.noteLate(
            [
                LateCandidate(
                    job: "nightly",
                    scheduledFor: Instant(secondsSinceEpoch: Int64(NotifyFixture.midnight)),
                    bound: Instant(secondsSinceEpoch: Int64(NotifyFixture.midnight) + 9))
            ], digests: ["nightly": fixture.digest], on: fixture.connection)
        let late = try #require(try fixture.take(["missed"]))
        try fixture.ledger.noteDelivery(of: late.ids, on: fixture.connection)
        try fixture.end(runID, Row(state: "failed"))
        let fates = try fixture.ledger.notifications(of: runID, on: fixture.connection)
        #expect(
            fates.map { "\($0.event) \($0.channel ?? "-")" }
                == ["missed missed", "failure failure", "failure pager"])
        #expect(fates.map { $0.deliveredAt != nil } == [true, false, false])
        #expect(try fixture.ledger.notifications(of: other, on: fixture.connection).count == 2)
    }

    @Test("old ones are forgotten once they are over")
    func forgotten() async throws {
        let fixture = try await NotifyFixture()
        defer { fixture.close() }
        for second in [0.0, 60, 120] { try fixture.write(Row(second: second)) }
        try fixture.connection.executeScript(
            """
            UPDATE almanac.notifications SET delivered_at = now() - interval '91 days'
                WHERE scheduled_for = (SELECT min(scheduled_for) FROM almanac.notifications);
            UPDATE almanac.notifications SET delivered_at = now() - interval '89 days'
                WHERE scheduled_for = (SELECT max(scheduled_for) FROM almanac.notifications);
            """)
        try fixture.ledger.forgetNotifications(on: fixture.connection)
        #expect(try fixture.noted().count == 2)
    }
}
