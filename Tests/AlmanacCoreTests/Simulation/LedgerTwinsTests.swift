import AlmanacTesting
import Testing

@testable import AlmanacCore

@Suite("The model of the ledger")
struct LedgerTwinsTests {
    @Test("gives the answers of the ledger, and has its rows", arguments: 1...12)
    func twins(round: Int) async throws {
        let seed = UInt64.random(in: 0...9_999_999)
        print("twins: seed \(seed)")
        var twins = try await LedgerTwins(seed: seed)
        defer { twins.close() }
        while twins.differences.isEmpty, twins.deedCount < 150 { try twins.step() }
        #expect(twins.differences == [], "seed \(seed)")
    }
}
