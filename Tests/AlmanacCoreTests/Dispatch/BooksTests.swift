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

    @Test(
        "a long range loses what has a row already at its front",
        arguments: [
            ([] as [Int64], 60 as Int64, 10, true), ([60], 120, 9, true),
            ([60, 120], 180, 8, true),
            ([180], 60, 10, true),
            (Array(stride(from: 60 as Int64, through: 600, by: 60)), 0, 0, false),
        ])
    func trimmedRange(recorded: [Int64], first: Int64, count: Int, remains: Bool) throws {
        let range = SkippedOccurrences(
            job: "j", first: at(60), last: at(600), count: 10, reason: .coalesced, instants: nil)
        let every = Recurrence.every(seconds: 60, anchor: at(0))
        let open = try Bookkeeper.trim(range, by: every) { _, _ in recorded.map(at) }
        #expect((open != nil) == remains)
        if let open {
            #expect(open.first == at(first))
            #expect(open.last == at(600))
            #expect(open.count == count)
        }
    }

    @Test("a range of which one instant is left is that instant")
    func lastOfRange() throws {
        let range = SkippedOccurrences(
            job: "j", first: at(60), last: at(120), count: 2, reason: .coalesced, instants: nil)
        let every = Recurrence.every(seconds: 60, anchor: at(0))
        let open = try Bookkeeper.trim(range, by: every) { _, _ in [at(60)] }
        #expect(open?.instants == [at(120)])
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
        let sleeper = Task { try await clock.sleep(for: .seconds(5)) }
        let cancelled = Task { try await clock.sleep(for: .seconds(5)) }
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
