import AlmanacCore
import ArgumentParser
import Foundation
import PostgresSession

/// `doctor`: is the server fit for runs?
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check the server, its settings, permissions, clock and connections.",
        usage: "\(ProgramName.text) doctor [--json] [options]",
        discussion: """
            A line for each thing that was looked at: ok, warning or problem, and what to do about \
            it. Changes nothing, and needs neither a schedule file nor a ledger.

            Exit code 1 when there is a problem.
            """)

    @OptionGroup var options: GlobalOptions

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() async throws {
        let settings = try options.settings()
        let findings = try await DatabaseAccess.use(settings) { database in
            try Self.findings(database, settings)
        }
        let report = DoctorReport(findings)
        if json {
            try Console.printJSON(report)
        } else {
            for line in report.lines { Console.print(line) }
        }
        guard report.isWell else { throw ExitCode(ExitStatus.failed.rawValue) }
    }

    private static func findings(
        _ database: DatabaseAccess, _ settings: Settings
    ) throws -> [Finding] {
        let engine = database.engine()
        defer { engine.close() }
        do {
            let connection = try engine.connect(for: "doctor")
            defer { connection.close() }
            let facts = try ServerFacts(
                connection, schema: settings.schema, workers: settings.workers,
                clock: try SystemClock(), tzdataVersion: TimeZoneData.version())
            return Diagnosis(facts: facts).findings
        } catch let error as PostgresError where error.code == .transactionPooler {
            return [.problem("pooler", error.message, remedy: error.hint ?? "")]
        }
    }
}

/// What the doctor has found, for people and for programs.
struct DoctorReport: Encodable {
    let findings: [Finding]
    let isWell: Bool

    enum CodingKeys: String, CodingKey {
        case findings
        case isWell = "is_well"
    }

    init(_ findings: [Finding]) {
        self.findings = findings
        isWell = findings.allSatisfy { $0.level != .problem }
    }

    /// The remedy of what is not ok stands below it.
    var lines: [String] {
        let levelWidth = Finding.Level.allCases.map(\.rawValue.count).max() ?? 0
        let topicWidth = findings.map(\.topic.count).max() ?? 0
        let indent = String(repeating: " ", count: levelWidth + topicWidth + 4)
        return findings.flatMap { finding -> [String] in
            let head =
                finding.level.rawValue.padded(to: levelWidth) + "  "
                + finding.topic.padded(to: topicWidth) + "  "
            let remedy = finding.remedy.map { [indent + "→ " + $0.printable()] } ?? []
            return [head + finding.text.printable()] + remedy
        } + [summary]
    }

    private var summary: String {
        func count(_ level: Finding.Level, _ word: String) -> String {
            findings.count { $0.level == level }.counted(word)
        }
        return "\(count(.problem, "problem")), \(count(.warning, "warning"))"
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
