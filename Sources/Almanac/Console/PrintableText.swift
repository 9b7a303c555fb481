extension String {
    /// What becomes of line breaks and tabs.
    enum LineBreaks {
        /// They stay.
        case kept
        /// They become blanks, so that the text is one line.
        case blank
    }

    /// The text as a terminal may have it: what could move the cursor, change the colours or turn
    /// the direction of writing is replaced by `�`.
    func printable(lineBreaks: LineBreaks = .blank) -> String {
        String(
            map { character in
                if lineBreaks == .kept, ["\n", "\r\n", "\t"].contains(character) {
                    return character
                }
                if character.isNewline || character == "\t" { return " " }
                return character.unicodeScalars.contains(where: Self.playsTricks) ? "�" : character
            })
    }

    /// Control characters (C0, DEL and C1), and those that turn the direction of what follows.
    private static func playsTricks(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x202A...0x202E, 0x2066...0x2069: true
        default: scalar.properties.generalCategory == .control
        }
    }
}
