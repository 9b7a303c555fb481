import AlmanacCore
import Foundation
import Testing

@testable import Almanac

@Suite("The report of a backfill")
struct BackfillReportTests {
    private static func past(_ state: RunState?, isPruned: Bool = false) -> PastOccurrence {
        PastOccurrence(
            instant: Date(timeIntervalSince1970: 0), state: state, nextAttempt: 1,
            isPruned: isPruned)
    }

    @Test("says what it leaves out, and that the past of pruned days is not known")
    func leftOut() {
        let past = [
            Self.past(.succeeded), Self.past(nil, isPruned: true), Self.past(nil, isPruned: true),
        ]
        let report = BackfillReport(job: "a", past: past, chosen: [])
        #expect(report.leftOut == 3)
        #expect(report.pruned == 2)
        #expect(
            report.lines(isDryRun: false) == [
                "nothing to run; 1 more in the range have run or are about to; 2 may have run, on "
                    + "days of which retention has removed rows (--reprocess completed runs them)"
            ])
        let all = BackfillReport(job: "a", past: past, chosen: past)
        #expect(all.pruned == 0)
        #expect(all.lines(isDryRun: true).last == "would queue 3 occurrences of a")
    }
}
