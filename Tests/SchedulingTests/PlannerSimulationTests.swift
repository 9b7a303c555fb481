import Testing

@testable import Scheduling

@Suite("Planner in a random world")
struct PlannerSimulationTests {
    @Test("everything due has its row, nothing twice, and the watermark never runs ahead")
    func simulation() {
        var random = SeededGenerator.announced("planner simulation")
        var totals: [String: Int] = [:]
        for _ in 0..<60 {
            let seed = random.next()
            var simulation = Simulation(random: SeededGenerator(seed: seed))
            simulation.reload()
            for _ in 0..<250 where simulation.failures.isEmpty { simulation.step() }
            if simulation.failures.isEmpty { simulation.finish() }
            #expect(simulation.failures == [], "world \(seed)")
            totals.merge(simulation.counts) { $0 + $1 }
        }
        // All that can happen did happen.
        for what in [
            "dispatch", "skip coalesced", "skip suspended", "skip deadline", "skip superseded",
            "clock went back", "reload", "crash", "conflict", "skip excluded", "completed",
            "dispatch by a delay",
        ] {
            #expect(totals[what, default: 0] > 10, "\(what): \(totals)")
        }
    }
}
