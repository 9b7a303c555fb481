/// A name that is no time zone's.
public struct ZoneError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of name it was, open for new kinds.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The code as text.
        public let rawValue: String
        /// A code with this text.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// No zone has this name.
        public static let unknownZone = Code(rawValue: "unknown-zone")
    }

    /// The kind of error.
    public let code: Code
    /// The name that was refused, shortened if it was overlong.
    public let identifier: String
    /// At most three names that were probably meant, the likeliest first.
    public let suggestions: [String]

    init(unknown identifier: String) {
        code = .unknownZone
        self.identifier = String(identifier.unicodeScalars.prefix(64).map(Self.printable))
        suggestions = ZoneNames.suggestions(for: identifier)
    }

    /// What is wrong, and what would be valid.
    public var message: String {
        let problem = "there is no time zone \"\(identifier)\""
        guard !suggestions.isEmpty else {
            return problem + "; use a name of the IANA database, such as Europe/Berlin"
        }
        return problem + "; did you mean \(suggestions.joined(separator: " or "))?"
    }

    /// The message.
    public var description: String { message }

    private static func printable(_ scalar: Unicode.Scalar) -> Character {
        scalar.value < 0x20 || scalar.value == 0x7F ? "\u{FFFD}" : Character(scalar)
    }
}
