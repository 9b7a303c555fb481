/// A time of day as it is written in a file: hours and minutes of two digits each, `06:00`.
enum TimeOfDayText {
    /// The seconds since midnight that a text stands for.
    ///
    /// - Throws: ``YAMLValueError`` that says what is wrong and how to write it.
    static func seconds(_ text: String) throws(YAMLValueError) -> Int {
        guard let found = parts(of: text), text == self.text(found) else {
            throw YAMLValueError(
                message: "'\(text.shortened(to: 40))' is not a time of day",
                help: "write "
                    + (parts(of: text).map { self.text($0) } ?? "00:00 to 23:59, such as 06:00"))
        }
        return found
    }

    /// How such a time is written.
    static func text(_ seconds: Int) -> String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(two(seconds / 3_600)):\(two(seconds / 60 % 60))"
    }

    /// Whether somebody meant a time of day, be it misspelt.
    static func isLike(_ text: String) -> Bool { text.contains(":") || parts(of: text) != nil }

    /// What others write, in seconds since midnight: `6:00`, `06:00:00`, `6 am`, `24:00`.
    private static func parts(of text: String) -> Int? {
        let form = #/(?<hour>[0-9]{1,2})(:(?<minute>[0-9]{2}))?(:00)?\s*(?<half>am|pm)?/#
        guard let match = text.lowercased().wholeMatch(of: form),
            match.output.minute != nil || match.output.half != nil,
            var hour = Int(match.output.hour),
            let minute = Int(match.output.minute ?? "0"), minute < 60
        else { return nil }
        if let half = match.output.half {
            guard (1...12).contains(hour) else { return nil }
            hour = hour % 12 + (half == "pm" ? 12 : 0)
        } else if hour == 24, minute == 0 {
            hour = 0
        }
        return hour < 24 ? hour * 3_600 + minute * 60 : nil
    }
}
