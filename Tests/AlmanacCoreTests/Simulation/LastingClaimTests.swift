import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@testable import AlmanacCore

@Suite("A claim that does not wait for the disk")
struct LastingClaimTests {
    @Test("is on the disk once another node has met it", arguments: 1...3)
    func lasts(round: Int) async throws {
        let fixture = try await LedgerFixture()
        let (one, other) = (try fixture.connect(), try fixture.connect())
        defer {
            one.close()
            other.close()
        }
        let job = try fixture.job()
        let (ledger, clock) = (fixture.services.ledger, fixture.services.clock)
        let claimed = try ledger.claim(
            fixture.order(job, at: 60, node: "a"), clock: clock, on: one)
        #expect(claimed.kind == "claimed")
        let written = try one.query("SELECT pg_current_wal_insert_lsn()::text AS lsn").first
        let lsn = try #require(try written?.get("lsn", as: String.self))
        let met = try ledger.claim(
            fixture.order(job, at: 60, node: "b"), clock: clock, on: other)
        #expect(met.kind == "taken running")
        let isOnDisk = try other.query(
            "SELECT pg_current_wal_flush_lsn() >= \(lsn)::text::pg_lsn AS is_on_disk"
        ).first?.get("is_on_disk", as: Bool.self)
        #expect(isOnDisk == true)
    }
}
