import Foundation
import Glibc

extension Collection<Double> {
    /// The smallest value that at least this share of the values does not exceed; 0 of none.
    func quantile(_ share: Double) -> Double {
        guard !isEmpty else { return 0 }
        let rank = Int((share * Double(count)).rounded(.up))
        return sorted()[Swift.min(Swift.max(rank, 1), count) - 1]
    }

    /// How far the smallest is below the largest, as a share of the largest.
    var spread: Double {
        guard let least = self.min(), let most = self.max(), most > 0 else { return 0 }
        return (most - least) / most
    }
}

extension Double {
    /// The number for people.
    func text(decimals: Int) -> String {
        formatted(
            .number.precision(.fractionLength(decimals)).grouping(.automatic)
                .locale(Locale(identifier: "en_US_POSIX")))
    }
}

/// How many processes wanted to run during the last minute, see getloadavg(3).
func machineLoad() -> Double {
    var load = [0.0]
    return getloadavg(&load, 1) == 1 ? load[0] : 0
}

/// How much processor time this process has had, all its threads together.
func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
