import AlmanacCore
import AlmanacTesting
import Foundation
import Logging
import Scheduling
import Synchronization
import Testing

@testable import Almanac

@Suite("Progress for people")
struct ProgressTests {
    private static func progress(
        _ done: Int, of total: Int?, perSecond: Double? = nil, left: Double? = nil
    ) throws -> RunProgress {
        var progress = try #require(RunProgress(json: #"{"done": 0, "startedDone": 0}"#))
        progress.done = done
        progress.total = total
        progress.perSecond = perSecond
        progress.remainingSeconds = left
        return progress
    }

    @Test(
        "is a line",
        arguments: [
            (0, 100, nil, nil, "0 of 100 (0 %)"),
            (42, 100, 3.46, 16.8, "42 of 100 (42 %), 3.5/s, 17 s left"),
            (999, 1_000, 350.4, 0.1, "999 of 1000 (99 %), 350/s, 1 s left"),
            (1_000, 1_000, 350, 0, "1000 of 1000 (100 %), 350/s"),
            (1_200, 1_000, 350, 0, "1200 of 1000 (100 %), 350/s"),
            (5, nil, 0.04, nil, "5 done, 0.0/s"),
            (1, 100_000, 10, 9_999, "1 of 100000 (0 %), 10/s, 3 h left"),
            (1, 100_000, 10, 500, "1 of 100000 (0 %), 10/s, 9 min left"),
            (1, 0, nil, nil, "1 done"),
        ] as [(Int, Int?, Double?, Double?, String)])
    func line(done: Int, total: Int?, rate: Double?, left: Double?, text: String) throws {
        let progress = try Self.progress(done, of: total, perSecond: rate, left: left)
        #expect(progress.text == text)
        #expect(progress.bar().count <= 78)
    }

    @Test(
        "is a bar where there is a total",
        arguments: [
            (0, 100, "[--------------------] 0 of 100 (0 %)"),
            (50, 100, "[##########----------] 50 of 100 (50 %)"),
            (99, 100, "[###################-] 99 of 100 (99 %)"),
            (100, 100, "[####################] 100 of 100 (100 %)"),
            (7, nil, "7 done"),
        ] as [(Int, Int?, String)])
    func bar(done: Int, total: Int?, text: String) throws {
        #expect(try Self.progress(done, of: total).bar() == text)
    }

    @Test("is drawn in one place of a terminal, ten times a second at the most")
    func terminal() throws {
        let clock = ManualClock(at: .distantPast)
        let line = ProgressLine(
            clock: clock, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            isTerminal: true, isColoured: false)
        let tape = ConsoleTape()
        try Console.$sink.withValue({ tape.note($0, on: $1) }) {
            line.clear()
            for done in 0..<10 {
                line.show(try Self.progress(done, of: 10))
                clock.advance(bySeconds: 0.05)
            }
            line.clear()
        }
        let draws = tape.errors.components(separatedBy: "\r\u{1B}[K").dropFirst()
        #expect(draws.count == 6)
        #expect(draws.dropLast().allSatisfy { $0.hasSuffix("\r") && !$0.contains("\n") })
        #expect(draws.first?.hasPrefix("[--------------------] 0 of 10") == true)
        #expect(tape.output.isEmpty)
    }

    @Test("has colour only where it is wanted", arguments: [true, false])
    func colour(isColoured: Bool) throws {
        let line = ProgressLine(
            clock: ManualClock(at: .distantPast),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            isTerminal: true, isColoured: isColoured)
        let tape = ConsoleTape()
        try Console.$sink.withValue({ tape.note($0, on: $1) }) {
            line.show(try Self.progress(1, of: 10))
        }
        #expect(tape.errors.contains("\u{1B}[36m") == isColoured)
    }

    @Test("is a line of the log elsewhere, every five seconds at the most")
    func log() throws {
        let clock = ManualClock(at: .distantPast)
        let tape = ConsoleTape()
        let lines = LogTape()
        let logger = Logger(label: "test") { _ in LogTapeHandler(tape: lines) }
        let line = ProgressLine(clock: clock, logger: logger, isTerminal: false, isColoured: false)
        try Console.$sink.withValue({ tape.note($0, on: $1) }) {
            for done in 0..<20 {
                line.show(try Self.progress(done, of: 20, perSecond: 1))
                clock.advance(bySeconds: 1)
            }
            line.clear()
        }
        #expect(
            lines.texts.withLock { $0 } == [
                "progress done=0 perSecond=1 total=20", "progress done=5 perSecond=1 total=20",
                "progress done=10 perSecond=1 total=20", "progress done=15 perSecond=1 total=20",
            ])
        #expect(tape.errors.isEmpty)
    }
}

/// Lines of a log.
private final class LogTape: Sendable {
    let texts = Mutex<[String]>([])
}

private struct LogTapeHandler: LogHandler {
    let tape: LogTape
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0)=\($1)" }
        tape.texts.withLock {
            $0.append(([event.message.description] + fields).joined(separator: " "))
        }
    }
}
