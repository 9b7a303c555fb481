/// How a property's name (its coding key) becomes a column's name.
public enum ColumnNaming: Sendable {
    /// The same name.
    case asWritten
    /// `soldCopies` is `sold_copies`, `isbn13` is `isbn13`, `pageURL` is `page_url`.
    case snakeCase

    /// The column's name for a property.
    public func column(_ property: String) -> String {
        switch self {
        case .asWritten: property
        case .snakeCase: ColumnNaming.snakeCased(property)
        }
    }

    private static func snakeCased(_ name: String) -> String {
        var result = ""
        let characters = Array(name)
        for (index, character) in characters.enumerated() {
            guard character.isUppercase else {
                result.append(character)
                continue
            }
            let startsWord =
                index > 0
                && (!characters[index - 1].isUppercase
                    || (index + 1 < characters.count && characters[index + 1].isLowercase))
            if startsWord && result.last != "_" { result += "_" }
            result += character.lowercased()
        }
        return result
    }
}
