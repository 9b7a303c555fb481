import Foundation

/// How far a run in chunks has come, as the column `progress` has it.
public struct RunProgress: Codable, Sendable, Hashable {
    /// How many items are done, those of earlier attempts at the occurrence included.
    public var done: Int
    /// How many there are in all, if the task has said so.
    public var total: Int?
    /// How many were done when this attempt began.
    public var startedDone: Int
    /// How many items this attempt has done a second.
    public var perSecond: Double?
    /// How many seconds the rest takes at that rate.
    public var remainingSeconds: Double?

    /// The beginning of an attempt that goes on where an earlier one has left the work.
    init(after earlier: RunProgress? = nil) {
        done = earlier?.done ?? 0
        total = earlier?.total
        startedDone = done
    }

    /// Progress as the audit table has it; nil for a text that is none.
    public init?(json: String) {
        guard let progress = try? JSONDecoder().decode(Self.self, from: Data(json.utf8)) else {
            return nil
        }
        self = progress
    }

    /// The share that is done, from 0 to 1; nil without a total.
    public var share: Double? {
        guard let total, total > 0 else { return nil }
        return min(1, max(0, Double(done) / Double(total)))
    }

    /// Takes note of work that was done.
    ///
    /// - Parameter seconds: since the attempt began.
    mutating func advance(by count: Int, after seconds: Double) {
        done += max(0, count)
        perSecond = seconds > 0 ? Double(done - startedDone) / seconds : nil
        remainingSeconds = nil
        if let total, let perSecond, perSecond > 0 {
            remainingSeconds = Double(max(0, total - done)) / perSecond
        }
    }

    /// As the table gets it.
    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
