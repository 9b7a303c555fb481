import PostgresSession
import Scheduling

/// What the keys of advisory locks stand for.
enum AdvisoryKey: String {
    /// A slot of a pool.
    case slot
    /// A lock that a schedule file names.
    case lock
    /// The queue of one job.
    case job
    /// The ranges of skipped occurrences of one job.
    case range
    /// Sealing and pruning.
    case housekeeping
    /// Taking notifications that are to be sent.
    case notifications
}

extension Ledger {
    /// The key of an advisory lock: 64 bits that follow from the schema, the kind and the name, so
    /// that locks of others, which mostly have small numbers, are not met.
    func key(of kind: AdvisoryKey, _ name: String) -> Int64 {
        var hash = StableHash("almanac".utf8)
        for part in [schema, kind.rawValue, name] {
            hash.combine(CollectionOfOne(0))
            hash.combine(part.utf8)
        }
        return Int64(bitPattern: hash.mixed)
    }
}
