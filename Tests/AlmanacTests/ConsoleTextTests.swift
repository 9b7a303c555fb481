import Testing

@testable import Almanac

@Suite("Texts on a terminal")
struct ConsoleTextTests {
    @Test("what plays tricks is replaced", arguments: Hostile.texts)
    func oneLine(text: String) {
        #expect(Hostile.tricks(in: text.printable()) == [])
        let kept = text.printable(lineBreaks: .kept).filter { !["\n", "\r\n", "\t"].contains($0) }
        #expect(Hostile.tricks(in: kept) == [])
    }

    @Test(
        "line breaks become blanks or stay",
        arguments: [
            ("a\nb", "a b", "a\nb"), ("a\r\nb", "a b", "a\r\nb"), ("a\tb", "a b", "a\tb"),
            ("a\rb", "a b", "a b"), ("Zoë 🎉 日本", "Zoë 🎉 日本", "Zoë 🎉 日本"), ("", "", ""),
            ("\u{1B}[0m", "�[0m", "�[0m"),
        ])
    func lineBreaks(text: String, blank: String, kept: String) {
        #expect(text.printable() == blank)
        #expect(text.printable(lineBreaks: .kept) == kept)
    }

    @Test("columns are as wide as what is in them, and no line ends in blanks")
    func table() {
        var table = TextTable([("JOB", .left), ("TOOK", .right), ("WHY", .left)])
        table.add(["rollup-daily-sales", "8 ms", ""])
        table.add(["x", "120500 ms", "overlap"])
        #expect(
            table.lines == [
                "JOB                      TOOK  WHY", "rollup-daily-sales       8 ms",
                "x                   120500 ms  overlap",
            ])
    }

    @Test("a table without rows has its headings")
    func emptyTable() {
        #expect(TextTable([("A", .left), ("B", .right)]).lines == ["A  B"])
    }

    @Test("a hostile name breaks no table", arguments: Hostile.texts)
    func hostileTable(text: String) {
        var table = TextTable([("JOB", .left), ("STATE", .left)])
        table.add([text, "failed"])
        table.add(["next", "failed"])
        #expect(table.lines.count == 3)
        #expect(table.lines.flatMap { Hostile.tricks(in: $0) } == [])
        let columns = Set(table.lines.dropFirst().map { $0.count })
        #expect(columns.count == 1)
    }

    @Test("an error is marked, and its text plays no tricks")
    func error() async {
        let tape = ConsoleTape()
        Console.$sink.withValue({ tape.note($0, on: $1) }) {
            Console.error("first\n\u{1B}[2Jsecond")
        }
        #expect(tape.errors == "error: first\n�[2Jsecond\n")
        #expect(tape.output == "")
    }
}
