import Foundation
import Testing

@testable import AlmanacCore

/// Whatever is read, the answer is a schedule or diagnostics: a crash or a hang would end the
/// tests.
@Suite("Any input")
struct ScheduleFuzzTests {
    /// SplitMix64: the same inputs for the same seed on every machine.
    struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
    }

    static let valid = Array(
        """
        version: 1
        calendars:
          holidays: {dates: [2026-12-25], ranges: [{from: 2026-12-31, to: 2027-01-02}]}
          weekends: {weekdays: "SAT,SUN"}
        defaults: &d {timeZone: Europe/Berlin, activeDeadlineSeconds: 60, notify: {onMissed: ops}}
        channels:
          ops: {task: command, parameters: {run: [./tell, '${subject}']}, activeDeadlineSeconds: 5}
          chat: {task: cleanup}
        jobs:
          a-1:
            task: command
            parameters: {run: [ls, "-l ${scheduledFor}", '${env:HOME}']}
            every: 15m
            startAt: 2026-01-01T00:00:00+01:00
            calendars: {exclude: [holidays]}
          b:
            task: restock-book
            parameters: &p
              title: |
                Dune é🎉
              copies: 0x1F
              mode: dryRun
            schedule: ["30 2 * * MON#2", {cron: '@daily', timeZone: UTC}]
            dst: {gap: skip, fold: both}
            labels: {team: sales}
            mustFinishBy: 06:00
            warnAfter: p95
            notify: {onFailure: [ops, chat], onSlow: chat}
          c: {task: restock-book, parameters: *p, schedule: 0 0 L * ?, suspend: false}
          d: {task: restock-book, parameters: *p, after: 5m, jitterSeconds: 7, spread: hash}
        """.utf8)

    /// Values that may stand behind a key, right or wrong.
    static let values: [String] = [
        "5", "0", "-1", "1.5", "true", "null", "x", "''", "1h", "90s", "[]", "{}", "[a]", "{a: b}",
        "'@daily'", "0 1 * * *", "'*/5 9 * * * *'", "UTC", "Asia/Tokyo", "2026-12-25",
        "2026-12-25T00:00:00Z", "skip", "both", "hash", "none", "perRun", "MON#1", "[holidays]",
        "{exclude: [weekends]}", "{gap: nextValid}", "{dates: [2026-12-25]}", "[2026-12-25]",
        "{team: 5}", "06:00", "p95", "ops", "[ops]", "[chat, ops]", "{onFailure: ops}",
        "{onSlow: []}", "{chat: {task: cleanup}}", "[{from: 2026-12-24, to: 2026-12-25}]",
    ]

    /// Where the values of the valid file stand that fit on a line.
    static let places: [Range<Int>] = {
        let text = String(decoding: valid, as: UTF8.self)
        let pattern = #/: (?<value>[^\n,{}\[\]]+|\[[^\n\]]*\]|\{[^\n}]*\})/#
        return text.matches(of: pattern).map { match in
            let value = match.output.value
            let start = text.utf8.distance(from: text.startIndex, to: value.startIndex)
            return start..<(start + value.utf8.count)
        }
    }()

    /// The valid file with some values replaced.
    static func rewritten(_ generator: inout Generator) -> [UInt8] {
        var bytes = valid
        let count = Int.random(in: 1...3, using: &generator)
        let chosen = places.shuffled(using: &generator).prefix(count)
        for place in chosen.sorted(by: { $0.lowerBound > $1.lowerBound }) {
            let value = values.randomElement(using: &generator) ?? ""
            bytes.replaceSubrange(place, with: Array(value.utf8))
        }
        return bytes
    }

    static let pieces: [[UInt8]] = [
        ": ", "- ", "[", "]", "{", "}", ",", "\"", "'", "|", ">", "&a ", "*a", "!x ", "!!str ", "%",
        "@", "`", "#",
        "\n", "\n  ", "\n\t", "\r", "---\n", "...", "? ", "<<: ", "~", "\\", "\\x", "\u{FEFF}",
        "\u{85}", "\u{2028}",
        "é", "🎉", "${", "}", "jobs", "task", "cron", "every", "version: 1", "0x", "-1", "1e999",
        "99999999999999999999",
    ].map { Array($0.utf8) }

    static func noise(_ generator: inout Generator) -> [UInt8] {
        (0..<Int.random(in: 0...60, using: &generator)).map { _ in
            .random(in: 0...255, using: &generator)
        }
    }

    static func pieces(_ generator: inout Generator) -> [UInt8] {
        (0..<Int.random(in: 1...25, using: &generator)).flatMap { _ in
            Self.pieces.randomElement(using: &generator) ?? []
        }
    }

    static func mutated(_ generator: inout Generator, _ sample: [UInt8] = valid) -> [UInt8] {
        var bytes = sample
        guard !bytes.isEmpty else { return [] }
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            let end = min(bytes.count, place + Int.random(in: 0...6, using: &generator))
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes[place] = .random(in: 0...255, using: &generator)
            case 1: bytes.removeSubrange(place..<end)
            case 2:
                bytes.insert(
                    contentsOf: Self.pieces.randomElement(using: &generator) ?? [], at: place)
            case 3: bytes.insert(contentsOf: bytes[place..<end], at: 0)
            default: bytes = Array(bytes[..<max(1, place)])
            }
            if bytes.isEmpty { return [] }
        }
        return bytes
    }

    @Test("the input that is mutated is valid") func validInput() {
        #expect(BrokenFileTests.report(of: Self.valid, name: "f.yaml") == "no error\n")
    }

    /// Inputs in all; `ALMANAC_FUZZ_INPUTS=1000000` for as many as one has time for.
    static let inputs =
        ProcessInfo.processInfo.environment["ALMANAC_FUZZ_INPUTS"].flatMap { Int($0) } ?? 20_000

    /// The schedule files of the repository, and the broken ones with their reports.
    static let samples: [[UInt8]] = {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../..").standardizedFileURL
        let names = ["Schedules/demo.yaml", "Schedules/nightly.yaml"].map {
            root.appending(path: $0)
        }
        let broken = BrokenFileTests.names.map { BrokenFileTests.folder.appending(path: $0) }
        return (names + broken).compactMap { try? Array(Data(contentsOf: $0)) }
            .filter { $0.count < 4_000 }
    }()

    static func input(_ round: Int, _ generator: inout Generator) -> [UInt8] {
        switch round % 8 {
        case 0: noise(&generator)
        case 1, 2: pieces(&generator)
        case 3, 4: mutated(&generator)
        case 5: rewritten(&generator)
        default: mutated(&generator, samples.randomElement(using: &generator) ?? valid)
        }
    }

    @Test("is answered with a schedule or with diagnostics that can be shown", arguments: 0..<4)
    func fuzz(part: UInt64) throws {
        let seed = 20_261_122 + part
        var generator = Generator(state: seed)
        #expect(Self.samples.count > 100)
        for round in 0..<(Self.inputs / 4) {
            let bytes = Self.input(round, &generator)
            let report = BrokenFileTests.report(of: bytes, name: "f.yaml")
            let isAnswer = report == "no error\n" || report.contains("f.yaml")
            #expect(isAnswer, "seed \(seed), round \(round): \(bytes)")
            let isClean = !report.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" }
            #expect(isClean, "seed \(seed), round \(round): \(bytes)")
            #expect(report.utf8.count < 200_000, "seed \(seed), round \(round): \(bytes)")
        }
    }
}
