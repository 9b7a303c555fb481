/// What a misspelt name was probably meant to be.
package enum Suggestion {
    /// The nearest of the names, best first; none where all are too far off.
    ///
    /// Case, `_` and `-` weigh nothing, so `time_zone` is close to `timeZone`.
    package static func nearest(
        to name: String, among names: some Sequence<String>, count: Int = 1
    ) -> [String] {
        let wanted = folded(name)
        guard !wanted.isEmpty, wanted.count <= 64 else { return [] }
        let limit = wanted.count < 3 ? 0 : max(1, wanted.count / 3)
        let rated = names.compactMap { candidate -> (name: String, distance: Int)? in
            let other = folded(candidate)
            guard abs(other.count - wanted.count) <= limit else { return nil }
            let distance = distance(wanted, other)
            return distance <= limit ? (candidate, distance) : nil
        }
        return rated.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
            .prefix(count).map(\.name)
    }

    /// `did you mean 'x'?`, `did you mean 'x' or 'y'?`; `nil` where nothing is near.
    package static func question(
        for name: String, among names: some Sequence<String>, count: Int = 1
    ) -> String? {
        let found = nearest(to: name, among: names, count: count)
        guard !found.isEmpty else { return nil }
        return "did you mean \(list(found, joinedBy: "or"))?"
    }

    /// `'a', 'b' or 'c'`; long lists end in their number.
    package static func list(
        _ names: some Collection<String>, joinedBy word: String, limit: Int = 12
    ) -> String {
        var quoted = names.prefix(limit).map { "'\($0)'" }
        if names.count > limit { quoted.append("\(names.count - limit) more") }
        guard let last = quoted.popLast() else { return "" }
        return quoted.isEmpty ? last : quoted.joined(separator: ", ") + " \(word) " + last
    }

    private static func folded(_ name: String) -> [UInt8] {
        name.lowercased().utf8.filter { $0 != 0x5F && $0 != 0x2D }
    }

    /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for i in 0..<left.count {
            var row = [i + 1]
            for j in 0..<right.count {
                let replaced = last[j] + (left[i] == right[j] ? 0 : 1)
                var best = min(replaced, last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    best = min(best, beforeLast[j - 1] + 1)
                }
                row.append(best)
            }
            (beforeLast, last) = (last, row)
        }
        return last[right.count]
    }
}
