import Testing

@testable import Scheduling

@Suite("The instant before")
struct RecurrencePreviousTests {
    @Test("is the one whose next is the instant, whatever the recurrence")
    func againstNext() throws {
        var random = SeededGenerator.announced("previous")
        for _ in 0..<100 * ClockPolicyOracleTests.rounds {
            let around = Instant(
                secondsSinceEpoch: .random(in: 100_000_000..<4_000_000_000, using: &random))
            var maker = RecurrenceMaker(
                random: SeededGenerator(seed: random.next()), around: around)
            let recurrence = try maker.make()
            var instant = around.advanced(bySeconds: Int64(random.int(-9_000_000...9_000_000)))
            for _ in 0..<5 {
                guard let next = recurrence.next(after: instant) else { break }
                let after = next.advanced(bySeconds: 1)
                #expect(recurrence.previous(before: after) == next, "\(recurrence)")
                if let before = recurrence.previous(before: next) {
                    #expect(before < next && recurrence.next(after: before) == next)
                } else {
                    #expect(recurrence.next(after: Recurrence.beginning) == next)
                }
                instant = next
            }
        }
    }

    @Test("is nothing where there is none since 1970")
    func none() throws {
        let epoch = Instant.distantPast
        let daily = Recurrence.every(seconds: 86_400, anchor: epoch)
        #expect(daily.previous(before: epoch) == nil)
        #expect(daily.previous(before: epoch.advanced(bySeconds: 1)) == epoch)
        #expect(Recurrence.after(seconds: 60).previous(before: .distantFuture) == nil)
        let never = Recurrence.cron(try CronExpression("0 0 30 2 *"), .utc)
        #expect(never.previous(before: .distantFuture) == nil)
    }

    @Test("of a rare one is found far back")
    func rare() throws {
        let leap = Recurrence.cron(try CronExpression("0 12 29 2 *"), .utc)
        let before = leap.previous(before: try #require(Instant(iso8601: "2027-11-22T00:00:00Z")))
        #expect(before == Instant(iso8601: "2024-02-29T12:00:00Z"))
    }

    struct Span: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var recurrence: Recurrence
        var end: String
        var start: String
    }

    static let spans: [Span] = {
        let start = Instant(iso8601: "2026-11-20T06:00:00Z")
        let anchor = start ?? .distantPast
        let berlin = try? Zone("Europe/Berlin")
        let nightly = (try? CronExpression("30 2 * * *")).map {
            Recurrence.cron($0, berlin ?? .utc)
        }
        let weekdays = (try? CronExpression("0 6 * * MON-FRI")).map { Recurrence.cron($0, .utc) }
        return [
            Span(
                testDescription: "a rate, at its anchor",
                recurrence: .every(seconds: 3_600, anchor: anchor), end: "2026-11-20T06:00:00Z",
                start: "2026-11-20T05:00:00Z"),
            Span(
                testDescription: "bounds, at the first instant",
                recurrence: .bounded(nightly ?? .after(seconds: 1), from: anchor, through: nil),
                end: "2026-11-21T01:30:00Z", start: "2026-11-20T01:30:00Z"),
            Span(
                testDescription: "a delay", recurrence: .after(seconds: 900),
                end: "2026-11-20T06:00:00Z", start: "2026-11-20T05:45:00Z"),
            Span(
                testDescription: "a Monday reaches back to the Friday",
                recurrence: weekdays ?? .after(seconds: 1), end: "2026-11-23T06:00:00Z",
                start: "2026-11-20T06:00:00Z"),
            Span(
                testDescription: "the night in which the clock goes forward is 23 hours long",
                recurrence: nightly ?? .after(seconds: 1), end: "2027-03-29T00:30:00Z",
                start: "2027-03-28T01:00:00Z"),
        ]
    }()

    @Test("is where a span begins", arguments: spans)
    func span(_ span: Span) throws {
        let end = try #require(Instant(iso8601: span.end))
        #expect(span.recurrence.spanStart(before: end) == Instant(iso8601: span.start))
    }

    @Test("makes spans that leave nothing out and have nothing twice")
    func tiles() throws {
        var random = SeededGenerator.announced("spans")
        for _ in 0..<50 * ClockPolicyOracleTests.rounds {
            let around = Instant(
                secondsSinceEpoch: .random(in: 100_000_000..<4_000_000_000, using: &random))
            var maker = RecurrenceMaker(
                random: SeededGenerator(seed: random.next()), around: around)
            let recurrence = try maker.make()
            guard var last = recurrence.next(after: around) else { continue }
            for _ in 0..<5 {
                guard let next = recurrence.next(after: last) else { break }
                #expect(recurrence.spanStart(before: next) == last, "\(recurrence)")
                last = next
            }
        }
    }
}
