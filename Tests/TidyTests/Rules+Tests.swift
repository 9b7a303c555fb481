extension Rules {
    /// Macros and calls by which a test can fail.
    private static let checks = ["#expect(", "#require(", "Issue.record", "confirmation("]

    private static func hasCheck(_ file: SourceFile, _ function: Function) -> Bool {
        let body = Array(file.text.code[function.body])
        return checks.contains { !body.positions(of: $0).isEmpty }
            || !body.positions(of: "#expect").isEmpty
    }

    /// Whether `@Test` stands between the declaration before and this one.
    private static func isTest(_ file: SourceFile, _ function: Function) -> Bool {
        guard let test = file.text.positions(of: "@Test").last(where: { $0 < function.start })
        else {
            return false
        }
        return Array(file.text.code[test..<function.start]).positions(of: "func").isEmpty
    }

    /// A test that lost its `@Test` never runs, and nobody is told.
    static func lostTests(_ files: [SourceFile]) -> [Offence] {
        let files = files.filter(\.isTest)
        return files.flatMap { file in
            file.functions.filter { function in
                let isNamedSo = function.name.hasPrefix("test") && function.name != "test"
                return !isTest(file, function) && !["init", "deinit"].contains(function.name)
                    && (isNamedSo || hasCheck(file, function))
                    && isNeverCalled(function, in: files.filter { $0.module == file.module })
            }.map {
                Offence(path: file.path, line: $0.line, message: "`\($0.name)` has no @Test")
            }
        }
    }

    /// What checks and is mentioned but once, where it is declared, is no part of a test either.
    private static func isNeverCalled(_ function: Function, in files: [SourceFile]) -> Bool {
        files.reduce(0) { $0 + $1.text.positions(of: function.name).count } == 1
    }

    /// A test that cannot fail proves nothing.
    static func emptyTests(_ files: [SourceFile]) -> [Offence] {
        let files = files.filter(\.isTest)
        let checking = Set(
            files.flatMap { file in file.functions.filter { hasCheck(file, $0) }.map(\.name) })
        return files.flatMap { file in
            file.functions.filter { isTest(file, $0) }.compactMap { function in
                let body = Array(file.text.code[function.body])
                let fails =
                    hasCheck(file, function) || !body.positions(of: "try").isEmpty
                    || checking.contains { !body.positions(of: $0).isEmpty }
                guard !fails else { return nil }
                return Offence(
                    path: file.path, line: function.line,
                    message: "`\(function.name)` checks nothing")
            }
        }
    }
}
