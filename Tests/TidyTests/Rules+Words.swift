extension Rules {
    /// The wall clock is read in one place, so that tests can stand in for it.
    static func wallClock(_ file: SourceFile) -> [Offence] {
        guard file.isSource, !file.name.contains("Clock") else { return [] }
        return ["Date()", "Date.now", "ContinuousClock", "SuspendingClock"].flatMap {
            file.offences(at: $0, "`\($0)` outside a clock; take the time from one")
        }
    }

    /// Nothing that comes in may end the process.
    static func crash(_ file: SourceFile) -> [Offence] {
        let code = file.text.code
        let forced = code.indices.filter { position in
            guard code[position] == UInt8(ascii: "!"), position > 0 else { return false }
            let before = code[position - 1]
            let isPostfix = before.isWord || ")]\"?>".utf8.contains(before)
            return isPostfix
                && (position + 1 == code.count || code[position + 1] != UInt8(ascii: "="))
        }
        return forced.map { file.offence(at: $0, "a `!` that ends the process; unwrap, or throw") }
            + ["fatalError", "preconditionFailure"].flatMap {
                file.offences(at: $0, "`\($0)` ends the process; throw an error")
            }
    }

    static func unfinished(_ file: SourceFile) -> [Offence] {
        ["TODO", "FIXME", "XXX", "HACK"].flatMap { word in
            file.text.comments.positions(of: word).map {
                file.offence(at: $0, "\(word): finish it, or leave it out")
            }
        }
    }

    /// A test that sleeps is slow on good days and wrong on bad ones.
    static func sleeps(_ file: SourceFile) -> [Offence] {
        guard file.isTest, file.module != "FaultTests" else { return [] }
        return ["sleep(", "usleep(", "nanosleep(", "sleep(for:", "sleep(until:"].flatMap {
            file.offences(at: $0, "a sleep in a test; wait for what it waits for")
        }.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// Names that say nothing.
    static func emptyNames(_ file: SourceFile) -> [Offence] {
        let endings = ["Manager", "Helper", "Helpers", "Util", "Utils", "Utilities"]
        return declaredTypes(file).filter { type in endings.contains { type.name.hasSuffix($0) } }
            .map { file.offence(at: $0.position, "`\($0.name)`: a name that says what it does") }
    }

    /// `Module.Type` cannot be written where the module has a type of its own name.
    static func namesakes(_ file: SourceFile) -> [Offence] {
        guard file.isSource else { return [] }
        return declaredTypes(file).filter { $0.name == file.module }
            .map { file.offence(at: $0.position, "a type with the name of its module") }
    }

    private static func declaredTypes(_ file: SourceFile) -> [(name: String, position: Int)] {
        ["struct", "class", "enum", "actor", "protocol", "typealias"].flatMap { keyword in
            file.text.positions(of: keyword).map { position in
                (file.text.code.word(at: position + keyword.utf8.count), position)
            }
        }
    }
}
