/// A time of day as it is written in a file: hours and minutes of two digits each, `06:00`.
enum TimeOfDayText {
    /// How such a time is written, in seconds since midnight.
    static func text(_ seconds: Int) -> String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(two(seconds / 3_600)):\(two(seconds / 60 % 60))"
    }
}
