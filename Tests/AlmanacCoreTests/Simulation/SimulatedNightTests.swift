import AlmanacTesting
import Foundation
import Testing

@testable import AlmanacCore

@Suite("Simulated nights", .serialized)
struct SimulatedNightTests {
    private static let environment = ProcessInfo.processInfo.environment

    @Test("keep the promises, whatever goes wrong")
    func promises() throws {
        let first =
            Self.environment["ALMANAC_SIM_SEED"].flatMap(UInt64.init)
            ?? .random(in: 1...1_000_000_000)
        let count = Self.environment["ALMANAC_SIM_NIGHTS"].flatMap(UInt64.init) ?? 30
        print("simulated nights: \(count), the first has seed \(first)")
        let site = try SimulatedSite()
        for seed in first..<(first + count) {
            let report = try SimulatedNight(seed: seed, site: site).run()
            guard report.violation != nil else { continue }
            let again = try SimulatedNight(seed: seed, site: site, isTraced: true).run()
            Issue.record(Comment(rawValue: again.text))
            return
        }
    }

    @Test("are the same again under the same seed, traced or not", arguments: [3, 17, 112])
    func replay(seed: UInt64) throws {
        let site = try SimulatedSite()
        let one = try SimulatedNight(seed: seed, site: site).run()
        let other = try SimulatedNight(seed: seed, site: site, isTraced: true).run()
        #expect(one.fingerprint == other.fingerprint)
        #expect(one.rows == other.rows)
        #expect(one.rows > 0)
        #expect(!other.trace.isEmpty)
    }
}
