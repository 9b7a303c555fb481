/// Something that is measured.
struct BenchEntry: Sendable {
    /// What `--only` calls it.
    let name: String
    let measure: @Sendable (BenchServer, BenchExtent) async throws -> any BenchResult

    /// All entries, in the order in which they are measured; that of memory first.
    static let all = [load, drain, lateness, cronNext, session, nights, verify]
}

/// What an entry has found: JSON for programs, and lines for people.
protocol BenchResult: Encodable, Sendable {
    /// A title, what was measured and what was not, and a table.
    var lines: [String] { get }
}

/// How much is measured.
struct BenchExtent: Sendable {
    /// How long each cell takes, if somebody has said so.
    let seconds: Int?
    /// How often each cell is measured.
    let rounds: Int
    /// Whether it is enough to see that it works.
    let isQuick: Bool
    /// The seed of the first simulated night, and how many there are, if somebody has said so.
    var seed: UInt64?
    var nights: Int?
}

/// Why there is nothing to report.
struct BenchFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
