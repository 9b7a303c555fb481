import Foundation
import Testing

@testable import Almanac
@testable import AlmanacCore

@Suite("Who was told of a run")
struct ToldTests {
    private static let moment = Date(timeIntervalSince1970: 1_767_225_600)

    @Test(
        "a line says who, when, or why not yet",
        arguments: [
            (
                NotificationFate(
                    event: "failure", channel: "ops", deliveredAt: moment, givenUpAt: nil, tries: 2,
                    lastError: nil), "failure to ops at 2026-01-01 00:00:00Z"
            ),
            (
                NotificationFate(
                    event: "slow", channel: "ops", deliveredAt: nil, givenUpAt: nil, tries: 3,
                    lastError: "no answer"), "slow to ops not yet: no answer"
            ),
            (
                NotificationFate(
                    event: "slow", channel: "ops", deliveredAt: nil, givenUpAt: nil, tries: 0,
                    lastError: nil), "slow to ops not yet"
            ),
            (
                NotificationFate(
                    event: "missed", channel: "ops", deliveredAt: nil, givenUpAt: moment, tries: 99,
                    lastError: "no answer"), "missed to ops given up: no answer"
            ),
            (
                NotificationFate(
                    event: "missed", channel: nil, deliveredAt: moment, givenUpAt: nil, tries: 0,
                    lastError: nil), "missed, in the log of a scheduler"
            ),
        ])
    func lines(fate: NotificationFate, text: String) {
        #expect(fate.text == text)
    }
}
