import Testing

/// The numbers of this house, over all of its Swift files.
struct HouseTests {
    @Test("lines are at most 100 columns")
    func lineLength() { expectNone(Rules.lineLength) }

    @Test("files are at most 450 lines")
    func fileLength() { expectNone(Rules.fileLength) }

    @Test("functions are at most 70 lines")
    func functionLength() { expectNone(Rules.functionLength) }

    @Test("nine in ten functions are at most 25 lines", arguments: ["Sources/", "Tests/"])
    func usualFunctionLength(folder: String) {
        let files = SourceTree.house.files.filter { $0.path.hasPrefix(folder) }
        expectNone(Rules.usualFunctionLength(files))
    }

    @Test("what is public is documented")
    func documentation() { expectNone(Rules.documentation) }

    @Test("the wall clock is read in clocks only")
    func wallClock() { expectNone(Rules.wallClock) }

    @Test("nothing ends the process")
    func crash() { expectNone(Rules.crash) }

    @Test("nothing is left to be done")
    func unfinished() { expectNone(Rules.unfinished) }

    @Test("tests do not sleep, except among faults")
    func sleeps() { expectNone(Rules.sleeps) }

    @Test("names say what a thing does")
    func names() { expectNone(Rules.emptyNames) }

    @Test("no module has a type of its own name")
    func namesakes() { expectNone(Rules.namesakes) }

    @Test("modules know only those below them")
    func arrows() { expectNone(Rules.importArrows) }

    @Test("each C library is imported in one folder")
    func rooms() { expectNone(Rules.importRooms) }

    @Test("what the compiler does not check says why it is safe")
    func uncheckedSafety() { expectNone(Rules.uncheckedSafety) }

    @Test("no test has lost its attribute")
    func lostTests() { expectNone(Rules.lostTests(SourceTree.house.files)) }

    @Test("every test can fail")
    func emptyTests() { expectNone(Rules.emptyTests(SourceTree.house.files)) }

    @Test("there is at least 1.3 times as much test code as source code")
    func testRatio() {
        let lines = Rules.testRatio(SourceTree.house.files)
        #expect(lines.sources > 0)
        #expect(lines.tests * 10 >= lines.sources * 13, "\(lines)")
    }

    private func expectNone(
        _ rule: (SourceFile) -> [Offence], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        expectNone(SourceTree.house.offences(rule), sourceLocation: sourceLocation)
    }

    private func expectNone(
        _ offences: [Offence], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(!SourceTree.house.files.isEmpty, sourceLocation: sourceLocation)
        guard !offences.isEmpty else { return }
        let text = offences.map(\.description).joined(separator: "\n")
        Issue.record("\(offences.count) offences:\n\(text)", sourceLocation: sourceLocation)
    }
}
