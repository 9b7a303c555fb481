/// Text that is no cron expression.
public struct CronError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, in one word. Open: later versions may know more.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The code as text.
        public let rawValue: String
        /// A code with this text.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// There is nothing but blanks.
        public static let empty = Code(rawValue: "empty")
        /// The text is longer than any sensible expression.
        public static let tooLong = Code(rawValue: "too-long")
        /// A character is not printable ASCII.
        public static let invalidCharacter = Code(rawValue: "invalid-character")
        /// There are neither five nor six fields.
        public static let fieldCount = Code(rawValue: "field-count")
        /// The text begins with `@` and is none of the known aliases.
        public static let unknownAlias = Code(rawValue: "unknown-alias")
        /// The text begins with a zone, as in some crontabs.
        public static let zonePrefix = Code(rawValue: "zone-prefix")
        /// A value is not one of the field's.
        public static let outOfRange = Code(rawValue: "out-of-range")
        /// Nothing stands before, between or after commas.
        public static let emptyItem = Code(rawValue: "empty-item")
        /// A range has no second bound.
        public static let incompleteRange = Code(rawValue: "incomplete-range")
        /// A range's second bound is smaller than its first.
        public static let reversedRange = Code(rawValue: "reversed-range")
        /// A step is zero or no number, or follows what cannot have one.
        public static let invalidStep = Code(rawValue: "invalid-step")
        /// Letters are none of the field's names.
        public static let unknownName = Code(rawValue: "unknown-name")
        /// A number has a sign.
        public static let sign = Code(rawValue: "sign")
        /// `?`, `L`, `W` or `#` stands in a field or place that does not take it.
        public static let misplacedExtension = Code(rawValue: "misplaced-extension")
        /// Something else is not understood.
        public static let syntax = Code(rawValue: "syntax")
    }

    /// What is wrong, in one word.
    public let code: Code
    /// The field that is wrong, or `nil` if the whole is.
    public let field: CronField?
    /// Where in the text, counted in characters from 0.
    public let offset: Int
    /// What is wrong and what would be valid.
    public let message: String

    init(_ code: Code, field: CronField? = nil, offset: Int, _ message: String) {
        self.code = code
        self.field = field
        self.offset = offset
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
