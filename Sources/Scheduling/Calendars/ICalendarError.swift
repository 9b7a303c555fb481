/// Text that is no iCalendar, or has something in it that is not understood.
public struct ICalendarError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, in one word. Open: later versions may know more.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The code as text.
        public let rawValue: String
        /// A code with this text.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The text, or what its rules make of it, is larger than any sensible calendar.
        public static let tooLarge = Code(rawValue: "too-large")
        /// A line or the nesting of components is not as RFC 5545 has it.
        public static let syntax = Code(rawValue: "syntax")
        /// A value is not one of the property's.
        public static let invalidValue = Code(rawValue: "invalid-value")
        /// A property that is needed is missing, or is there twice.
        public static let missing = Code(rawValue: "missing")
        /// The text is valid and says something that is not understood here.
        public static let unsupported = Code(rawValue: "unsupported")
    }

    /// What is wrong, in one word.
    public let code: Code
    /// The line of the text, counted from 1. Of a folded line, the first.
    public let line: Int
    /// What is wrong and what would be valid.
    public let message: String

    init(_ code: Code, line: Int, _ message: String) {
        self.code = code
        self.line = line
        self.message = message
    }

    /// The line and the message.
    public var description: String { "line \(line): \(message)" }
}
