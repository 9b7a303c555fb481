import Testing

@testable import AlmanacCore

@Suite("A text with placeholders")
struct PlaceholderTextTests {
    @Test("is taken apart into literals and placeholders with their offsets") func parts() throws {
        let text = try PlaceholderText("é ${scheduledFor}, ${env:HOME}${file:a b/c.txt}!")
        #expect(
            text.parts == [
                .literal("é "), .placeholder(.scheduledFor, offset: 2), .literal(", "),
                .placeholder(.environment(name: "HOME"), offset: 19),
                .placeholder(.file(path: "a b/c.txt"), offset: 30), .literal("!"),
            ])
        #expect(
            text.placeholders == [
                .scheduledFor, .environment(name: "HOME"), .file(path: "a b/c.txt"),
            ])
        #expect(text.literal == nil)
    }

    @Test(
        "is a literal where there is no placeholder",
        arguments: [
            ("", ""), ("abc", "abc"), ("$", "$"), ("a$b", "a$b"), ("$1", "$1"), ("$$", "$$"),
            ("{a}", "{a}"),
            ("$${a}", "${a}"), ("$$${a}", "$${a}"), ("$ {a}", "$ {a}"), ("$$body$$", "$$body$$"),
            ("a}", "a}"),
            ("x$", "x$"), ("$${", "${"), ("💶$${x}", "💶${x}"),
        ])
    func literal(text: String, literal: String) throws {
        #expect(try PlaceholderText(text).literal == literal)
        #expect(try PlaceholderText(text).placeholders.isEmpty)
    }

    @Test(
        "is refused where a placeholder is none",
        arguments: [
            ("${now}", 0, 6, "there is no placeholder '${now}'"),
            ("ab ${x} c", 3, 4, "there is no placeholder '${x}'"),
            ("${}", 0, 3, "there is no placeholder '${}'"),
            ("é${ scheduledFor }", 1, 17, "there is no placeholder '${ scheduledFor }'"),
            ("a ${b", 2, 2, "this '${' is not closed by a '}'"),
            ("${a\n}", 0, 2, "this '${' is not closed by a '}'"),
            ("${", 0, 2, "this '${' is not closed by a '}'"),
            ("${window}", 0, 9, "there is no placeholder '${window}'"),
            (
                "x${chunkTo}", 1, 10,
                "'${chunkTo}' stands in the SQL of the task 'sql' alone, and only with 'chunk'"
            ),
            ("${env:}", 0, 7, "'' is no name of an environment variable"),
            ("${env:1A}", 0, 9, "'1A' is no name of an environment variable"),
            ("${env:A-B}", 0, 10, "'A-B' is no name of an environment variable"),
            ("${env:É}", 0, 8, "'É' is no name of an environment variable"),
            ("${file:}", 0, 8, "'${file:}' names no file"),
        ])
    func refused(text: String, offset: Int, length: Int, message: String) throws {
        let error = #expect(throws: YAMLValueError.self) { try PlaceholderText(text) }
        #expect(error?.offset == offset)
        #expect(error?.length == length)
        #expect(error?.message == message)
        #expect(error?.help?.isEmpty == false)
    }

    @Test(
        "suggests what was probably meant",
        arguments: [
            ("${scheduledfor}", "did you mean '${scheduledFor}'?"),
            ("${scheduled_for}", "did you mean '${scheduledFor}'?"),
            ("${windowstart}", "did you mean '${windowStart}'?"),
            ("${WindowEnd}", "did you mean '${windowEnd}'?"),
            (
                "${PGUSER}",
                "for an environment variable write '${env:PGUSER}', for a plain '${' '$${'"
            ),
        ])
    func suggestion(text: String, help: String) throws {
        let error = #expect(throws: YAMLValueError.self) { try PlaceholderText(text) }
        #expect(error?.help == help)
    }
}
