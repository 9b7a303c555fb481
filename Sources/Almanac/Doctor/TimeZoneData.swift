import Foundation

/// The time zone data that this machine reckons by.
enum TimeZoneData {
    /// Its version, such as `2026a`, from the head of `tzdata.zi`; nil where there is no such file.
    static func version(in folder: String = "/usr/share/zoneinfo") -> String? {
        guard let file = FileHandle(forReadingAtPath: folder + "/tzdata.zi"),
            let head = try? file.read(upToCount: 64)
        else { return nil }
        let text = String(decoding: head, as: UTF8.self)
        return text.firstMatch(of: /^# version (\S+)/).map { String($0.1) }
    }
}
