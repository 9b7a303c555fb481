import AlmanacCore
import Foundation

extension RunProgress {
    /// How far the run has come, in one line: `420 of 1000 (42 %), 35/s, 17 s left`.
    var text: String {
        var parts: [String] = []
        if let total, let share {
            parts.append("\(done) of \(total) (\(Int(share * 100)) %)")
        } else {
            parts.append("\(done) done")
        }
        if let perSecond { parts.append("\(Self.short(perSecond))/s") }
        if let remainingSeconds, remainingSeconds > 0 {
            parts.append("\(Self.duration(remainingSeconds)) left")
        }
        return parts.joined(separator: ", ")
    }

    /// The line with a bar before it, `width` columns wide, at most 78 columns in all.
    func bar(width: Int = 20) -> String {
        guard let share else { return String(text.prefix(78)) }
        let filled = Int(share * Double(width))
        let bar =
            String(repeating: "#", count: filled)
            + String(repeating: "-", count: width - filled)
        return String("[\(bar)] \(text)".prefix(78))
    }

    private static func short(_ rate: Double) -> String {
        rate < 10
            ? rate.formatted(.number.precision(.fractionLength(1)).locale(Locale(identifier: "C")))
            : String(Int(min(rate.rounded(), 1e15)))
    }

    /// `17 s`, `3 min`, `5 h`.
    private static func duration(_ seconds: Double) -> String {
        switch seconds {
        case ..<120: "\(Int(seconds.rounded(.up))) s"
        case ..<7_200: "\(Int((seconds / 60).rounded(.up))) min"
        default: "\(Int(min((seconds / 3_600).rounded(.up), 1e6))) h"
        }
    }
}
