import AlmanacCore
import AlmanacTesting
import Foundation

extension BenchEntry {
    /// How many simulated nights keep the promises.
    static let nights = BenchEntry(name: "nights") { _, extent in
        try await Nights(
            first: extent.seed ?? .random(in: 1...1_000_000_000),
            count: extent.nights ?? (extent.isQuick ? 200 : 2_000)
        ).measure()
    }
}

/// Simulates nights, as many at once as there are processors.
private struct Nights {
    let first: UInt64
    let count: Int

    func measure() async throws -> NightsResult {
        let clock = try SystemClock()
        let start = clock.uptime
        let site = try SimulatedSite()
        let lanes = max(1, ProcessInfo.processInfo.activeProcessorCount)
        var result = NightsResult(first: first, count: count)
        try await withThrowingTaskGroup(of: NightsResult.self) { group in
            for lane in 0..<lanes {
                group.addTask { try simulate(site, lane: lane, of: lanes) }
            }
            for try await part in group { result.add(part) }
        }
        result.seconds = (clock.uptime - start) / .seconds(1)
        guard result.broken.isEmpty else {
            throw BenchFailure(result.broken.sorted { $0.key < $1.key }.map(\.value).joined())
        }
        return result
    }

    private func simulate(_ site: SimulatedSite, lane: Int, of lanes: Int) throws -> NightsResult {
        var result = NightsResult(first: first, count: 0)
        for number in stride(from: lane, to: count, by: lanes) {
            let seed = first &+ UInt64(number)
            let report = try SimulatedNight(seed: seed, site: site).run()
            result.events += report.events
            result.rows += report.rows
            if report.violation != nil { try result.note(seed, site) }
            if result.broken.count >= 3 { break }
        }
        return result
    }
}

/// What `nights` has found: how much happened, and nothing that was broken.
struct NightsResult: BenchResult {
    let first: UInt64
    let count: Int
    var seconds = 0.0
    var events = 0
    var rows = 0
    /// What was broken in which night.
    fileprivate(set) var broken: [UInt64: String] = [:]

    fileprivate mutating func add(_ part: NightsResult) {
        events += part.events
        rows += part.rows
        broken.merge(part.broken) { first, _ in first }
    }

    fileprivate mutating func note(_ seed: UInt64, _ site: SimulatedSite) throws {
        let report = try SimulatedNight(seed: seed, site: site, isTraced: true).run()
        broken[seed] = report.text + "\n"
    }

    var lines: [String] {
        [
            "nights: simulated nights of one to three nodes in which anything goes wrong",
            """
              \(count) nights from seed \(first) on kept the promises: \(events) events, \
            \(rows) rows, \(seconds.text(decimals: 1)) s
            """,
        ]
    }
}
