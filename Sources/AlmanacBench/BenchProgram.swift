import ArgumentParser
import Foundation

/// The program behind `make bench`.
@main struct BenchProgram: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "AlmanacBench",
        abstract: "Measure Almanac on a private Postgres that writes every commit to disk.",
        discussion: "Entries: \(BenchEntry.all.map(\.name).joined(separator: ", ")).")

    @Option(help: ArgumentHelp("Only this entry; may be repeated.", valueName: "name"))
    var only: [String] = []

    @Option(
        help: ArgumentHelp(
            "How long each cell of a table is measured. Default: as the entry says.",
            valueName: "n"))
    var seconds: Int?

    @Option(
        help: ArgumentHelp(
            "How often each cell is measured. The best counts.",
            valueName: "n"))
    var rounds = 1

    @Option(help: ArgumentHelp("The seed of the first of the nights.", valueName: "n"))
    var seed: UInt64?

    @Option(help: ArgumentHelp("How many nights are simulated.", valueName: "n"))
    var nights: Int?

    @Flag(help: "Short and coarse, to see that it works: under 20 seconds.")
    var quick = false

    @Option(
        help: ArgumentHelp(
            "Write JSON to this file as well; - is standard output, and then the only thing there.",
            valueName: "file"))
    var json: String?

    /// These make the program the child of `session` that does one line of it.
    @Option(help: .hidden) var sessionLine: String?
    @Option(help: .hidden) var sessionRows = 1
    @Option(help: .hidden) var sessionDatabase = ""

    func validate() throws {
        let names = BenchEntry.all.map(\.name)
        if let unknown = only.first(where: { !names.contains($0) }) {
            throw ValidationError(
                "there is no entry '\(unknown)'; there are \(names.joined(separator: ", "))")
        }
        guard (1...60).contains(seconds ?? 1) else {
            throw ValidationError("--seconds takes a number from 1 to 60")
        }
        guard (1...1_000_000).contains(nights ?? 1) else {
            throw ValidationError("--nights takes a number from 1 to 1000000")
        }
        guard (1...10).contains(rounds) else {
            throw ValidationError("--rounds takes a number from 1 to 10")
        }
    }

    func run() async throws {
        if let line = sessionLine.flatMap(SessionLine.init(rawValue:)) {
            let worker = SessionWorker(line: line, rows: sessionRows, rounds: rounds)
            let figures = try JSONEncoder().encode(try worker.measure(sessionDatabase))
            return print(String(decoding: figures, as: UTF8.self))
        }
        let extent = BenchExtent(
            seconds: seconds, rounds: rounds, isQuick: quick, seed: seed, nights: nights)
        let server = try BenchServer()
        defer { server.stop() }
        var report = BenchReport(facts: server.facts, isQuick: quick)
        show(report.header)
        for entry in BenchEntry.all where only.isEmpty || only.contains(entry.name) {
            let result = try await entry.measure(server, extent)
            report.results.append((entry.name, result))
            show([""] + result.lines)
        }
        try write(report)
    }

    /// For people; not where JSON goes.
    private func show(_ lines: [String]) {
        let output = json == "-" ? FileHandle.standardError : FileHandle.standardOutput
        output.write(Data((lines.joined(separator: "\n") + "\n").utf8))
    }

    private func write(_ report: BenchReport) throws {
        guard let json else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        let data = try encoder.encode(report) + Data("\n".utf8)
        if json == "-" {
            FileHandle.standardOutput.write(data)
        } else {
            try data.write(to: URL(fileURLWithPath: json))
        }
    }
}
