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
        defaults: &d {timeZone: Europe/Berlin, activeDeadlineSeconds: 60}
        jobs:
          a-1:
            task: command
            parameters: {run: [ls, "-l ${scheduledFor}", '${env:HOME}']}
            every: 15m
          b:
            task: restock-book
            parameters: &p
              title: |
                Dune é🎉
              copies: 0x1F
              mode: dryRun
            schedule: ["30 2 * * MON#2", {cron: '@daily', timeZone: UTC}]
          c: {task: restock-book, parameters: *p, schedule: 0 0 L * ?, suspend: false}
        """.utf8)

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

    static func mutated(_ generator: inout Generator) -> [UInt8] {
        var bytes = valid
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

    @Test("is answered with a schedule or with diagnostics that can be shown", arguments: 0..<4)
    func fuzz(part: UInt64) {
        let seed = 20_261_122 + part
        var generator = Generator(state: seed)
        for round in 0..<5_000 {
            let bytes =
                switch round % 5 {
                case 0, 1: Self.noise(&generator)
                case 2, 3: Self.pieces(&generator)
                default: Self.mutated(&generator)
                }
            let report = BrokenFileTests.report(of: bytes, name: "f.yaml")
            let isAnswer = report == "no error\n" || report.contains("f.yaml")
            #expect(isAnswer, "seed \(seed), round \(round): \(bytes)")
            let isClean = !report.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" }
            #expect(isClean, "seed \(seed), round \(round): \(bytes)")
        }
    }
}
