import AlmanacTesting
import Testing

@Suite("The simulated night of the documents")
struct SimulationExampleTests {
    @Test("is a good one, and can be seen step by step")
    func night() throws {
        let site = try SimulatedSite()
        let report = try SimulatedNight(
            seed: 138, site: site, troubles: [.crash, .server], isTraced: true
        ).run()
        print(report.text.prefix(200))
        #expect(report.violation == nil)
        #expect(report.rows > 0)
        #expect(report.trace.count > 100)
    }
}
