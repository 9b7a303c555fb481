internal import Foundation

/// Which names are taken for a zone's, and which one was meant by a wrong one.
enum ZoneNames {
    /// No name of a zone is nearly as long; longer text is not compared with any.
    private static let longest = 64

    private static let areas: Set<String> = [
        "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Brazil",
        "Canada", "Chile", "Etc", "Europe", "Indian", "Mexico", "Pacific", "US",
    ]

    /// The database's names without a slash, without those that are an abbreviation with an offset.
    private static let bareNames: Set<String> = [
        "CET", "Cuba", "EET", "Egypt", "Eire", "GB", "GB-Eire", "GMT", "Greenwich", "Hongkong",
        "Iceland", "Iran", "Israel", "Jamaica", "Japan", "Kwajalein", "Libya", "MET", "NZ",
        "NZ-CHAT", "Navajo", "PRC", "Poland", "Portugal", "ROC", "ROK", "Singapore", "Turkey",
        "UCT", "UTC", "Universal", "W-SU", "WET", "Zulu",
    ]

    private static let abbreviations: [String: String] = [
        "ACST": "Australia/Adelaide", "AEST": "Australia/Sydney", "AKST": "America/Anchorage",
        "BST": "Europe/London", "CDT": "America/Chicago", "CEST": "Europe/Berlin",
        "CST": "America/Chicago", "CST6CDT": "America/Chicago", "EDT": "America/New_York",
        "EEST": "Europe/Helsinki", "EST": "America/New_York", "EST5EDT": "America/New_York",
        "HST": "Pacific/Honolulu", "IST": "Asia/Kolkata", "JST": "Asia/Tokyo",
        "KST": "Asia/Seoul", "MDT": "America/Denver", "MSK": "Europe/Moscow",
        "MST": "America/Denver", "MST7MDT": "America/Denver", "NZST": "Pacific/Auckland",
        "PDT": "America/Los_Angeles", "PST": "America/Los_Angeles",
        "PST8PDT": "America/Los_Angeles", "SGT": "Asia/Singapore", "Z": "UTC",
    ]

    /// Whether Foundation may be asked for the name. It would also make zones of `GMT+2` and `PST`.
    static func isAcceptable(_ name: String) -> Bool {
        // A NUL would end the name for Foundation, and the rest would go unseen.
        guard name.utf8.count <= longest, name.utf8.allSatisfy(isNameCharacter) else {
            return false
        }
        guard let slash = name.firstIndex(of: "/") else { return bareNames.contains(name) }
        return areas.contains(String(name[..<slash]))
    }

    private static func isNameCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "/_+-".utf8.contains(byte)
        }
    }

    /// At most three names that were probably meant, the likeliest first.
    static func suggestions(for name: String) -> [String] {
        guard !name.isEmpty, name.utf8.count <= longest else { return [] }
        if let zone = abbreviations[name.uppercased()] { return [zone] }
        if let zone = fixedOffset(name) { return [zone] }
        let wanted = normalized(name)
        let candidates = TimeZone.knownTimeZoneIdentifiers + bareNames.sorted()
        let limit = max(1, wanted.count / 4)
        let scored = candidates.compactMap { candidate -> (distance: Int, name: String)? in
            let distance = distance(from: wanted, to: candidate)
            return distance <= limit ? (distance, candidate) : nil
        }
        return scored.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
            .prefix(3).map(\.name)
    }

    /// Distance to the whole name or to its last part alone, so that `Berlin` finds
    /// `Europe/Berlin`.
    private static func distance(from wanted: [UInt8], to candidate: String) -> Int {
        let whole = normalized(candidate)
        let city = whole.split(separator: UInt8(ascii: "/")).last.map(Array.init) ?? whole
        return min(editDistance(wanted, whole), editDistance(wanted, city))
    }

    private static func normalized(_ name: String) -> [UInt8] {
        name.lowercased().utf8.map { $0 == UInt8(ascii: " ") ? UInt8(ascii: "_") : $0 }
    }

    /// `GMT+2` as the database spells it. There, the sign is reversed: `Etc/GMT-2` is east.
    private static func fixedOffset(_ name: String) -> String? {
        let upper = name.uppercased()
        let bare = ["UTC", "GMT"].first { upper.hasPrefix($0) }.map { upper.dropFirst($0.count) }
        guard let rest = bare ?? Optional(upper[...]), let sign = rest.first,
            sign == "+" || sign == "-"
        else { return nil }
        // The database has whole hours only: `+02`, `+2`, `+0200` and `+02:00`, but not `+05:30`.
        var digits = rest.dropFirst().filter { $0 != ":" }
        if digits.count > 2, digits.hasSuffix("00") { digits.removeLast(2) }
        guard digits.count <= 2, let hours = Int(digits), hours > 0,
            hours <= (sign == "+" ? 14 : 12)
        else { return nil }
        return "Etc/GMT" + (sign == "+" ? "-" : "+") + String(hours)
    }

    /// The least number of insertions, deletions and replacements that make `a` into `b`.
    private static func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var row = Array(0...b.count)
        for (i, left) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, right) in b.enumerated() {
                let replaced = diagonal + (left == right ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
            }
        }
        return row[b.count]
    }
}
