import AlmanacTesting
import Foundation
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("The books of a node")
struct BooksTests {
    private func at(_ seconds: Int64) -> Instant { Instant(secondsSinceEpoch: seconds) }

    @Test("the watermark is written when it has moved, one at a time, and then rests")
    func watermarkBook() {
        var book = WatermarkBook()
        #expect(book.begins(at(10)) == true)
        #expect(book.begins(at(11)) == false, "the first is still being written")
        book.wrote(at(10))
        #expect(book.begins(at(11)) == false, "it rests for a second")
        book.rested()
        #expect(book.begins(at(10)) == false, "it has not moved")
        #expect(book.begins(at(11)) == true)
        book.rested()
        #expect(book.begins(at(11)) == true, "it was not written")
    }

    @Test("what was written before another schedule came into force counts no more")
    func forgottenWatermark() {
        var book = WatermarkBook()
        #expect(book.begins(at(10)) == true)
        book.wrote(at(10))
        book.rested()
        #expect(book.begins(at(12)) == true)
        // It may be taken back behind what was written and what is being written.
        book.forget()
        book.wrote(at(12))
        book.rested()
        #expect(book.isAhead(at(8)))
        #expect(book.begins(at(8)) == true)
        book.wrote(at(8))
        book.rested()
        #expect(book.begins(at(8)) == false)
    }

    @Test(
        "a long range becomes the ranges between what has rows already",
        arguments: [
            ([] as [ClosedRange<Int64>], ["60-600 x10"]),
            ([60...60], ["120-600 x9"]),
            ([60...60, 120...120], ["180-600 x8"]),
            ([600...600], ["60-540 x9"]),
            ([180...180], ["60-120 x2", "240-600 x7"]),
            ([60...300], ["360-600 x5"]),
            ([0...120, 480...900], ["180-420 x5"]),
            ([120...120, 240...240], ["60 ", "180 ", "300-600 x6"]),
            ([0...600], []),
        ])
    func gaps(recorded: [ClosedRange<Int64>], expected: [String]) {
        let range = SkippedOccurrences(
            job: "j", first: at(60), last: at(600), count: 10, reason: .coalesced, instants: nil)
        let gaps = Bookkeeper.gaps(
            in: range, by: .every(seconds: 60, anchor: at(0)),
            recorded: recorded.map { at($0.lowerBound)...at($0.upperBound) })
        let texts = gaps.map { gap in
            gap.instants == [gap.first]
                ? "\(gap.first.secondsSinceEpoch) "
                : "\(gap.first.secondsSinceEpoch)-\(gap.last.secondsSinceEpoch) x\(gap.count)"
        }
        #expect(texts == expected)
    }

    @Test("pauses double up to their limit and end when they are used up")
    func backoff() {
        var backoff = Backoff(initialMilliseconds: 100, maxMilliseconds: 350, limit: 4)
        #expect(backoff.next() == .milliseconds(100))
        #expect(backoff.next() == .milliseconds(200))
        #expect(backoff.next() == .milliseconds(350))
        #expect(backoff.next() == .milliseconds(350))
        #expect(backoff.next() == nil)
    }

    @Test("the kernel's timer rings for an instant that has passed and for one that comes")
    func systemClock() async throws {
        let clock = try SystemClock()
        var rings = clock.rings.makeAsyncIterator()
        clock.setAlarm(at: Instant(secondsSinceEpoch: 1))
        #expect(await rings.next() == .due)
        let soon = clock.instant.advanced(bySeconds: 1)
        clock.setAlarm(at: soon)
        #expect(await rings.next() == .due)
        #expect(clock.instant >= soon, "it rang early")
    }

    @Test("a manual clock rings and wakes only when it is advanced")
    func manualClock() async throws {
        let clock = ManualClock(at: at(100))
        var rings = clock.rings.makeAsyncIterator()
        clock.setAlarm(at: at(110))
        let sleeper = Task { try await clock.waitUntilAdvanced(by: .seconds(5)) }
        let cancelled = Task { try await clock.waitUntilAdvanced(by: .seconds(5)) }
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        clock.advance(bySeconds: 9)
        #expect(clock.alarm == at(110))
        clock.advance(bySeconds: 1)
        #expect(await rings.next() == .due)
        #expect(clock.alarm == nil)
        clock.advance(bySeconds: 10)
        try await sleeper.value
        clock.set(to: at(50))
        #expect(await rings.next() == .clockSet)
        #expect(clock.instant == at(50))
    }
}
