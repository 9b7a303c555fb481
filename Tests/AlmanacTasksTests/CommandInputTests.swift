import AlmanacCore
import AlmanacTesting
import Foundation
import Testing

@Suite("What a program is given")
struct CommandInputTests {
    @Test("its environment says which run it is of which job")
    func variables() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            "task: command\nparameters: {shell: 'echo $ALMANAC_RUN_ID $ALMANAC_JOB "
                + "$ALMANAC_SCHEDULED_FOR $ALMANAC_ATTEMPT; echo $ALMANAC_DATABASE_URL'}",
            scheduledFor: Date(timeIntervalSince1970: 1_790_000_000.25))
        #expect(
            row.output == """
                \(row.runID.uuidString.lowercased()) job 2026-09-21T14:13:20.250Z 1
                \(fixture.database.connectionString)

                """)
    }

    @Test("the database's connection string is one that psql takes")
    func database() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            """
            task: command
            parameters:
              shell: psql -XAtc "SELECT current_database()" "$ALMANAC_DATABASE_URL"
            """)
        #expect(row.output == "\(fixture.database.name)\n")
    }

    @Test("the scheduler's environment is inherited, added to and changed")
    func environment() async throws {
        let fixture = try await TaskFixture()
        let home = ProcessInfo.processInfo.environment["HOME"] ?? ""
        let row = try await fixture.run(
            """
            task: command
            parameters:
              run: [sh, -c, 'printf "%s|%s|%s|%s" "$HOME" "$ADDED" "$TZ" "$ALMANAC_JOB"']
              environment: {ADDED: "a b\\n'c' $HOME", TZ: Asia/Tokyo, ALMANAC_JOB: mine}
            """)
        #expect(row.output == "\(home)|a b\n'c' $HOME|Asia/Tokyo|mine")
    }

    @Test("a PATH of its own is where its program is looked for")
    func path() async throws {
        let fixture = try await TaskFixture()
        try fixture.write("#!/bin/sh\necho found\n", to: "bin/report", permissions: 0o755)
        let row = try await fixture.run(
            """
            task: command
            parameters: {run: [report], environment: {PATH: '\(fixture.folder.path)/bin'}}
            """)
        #expect(row.output == "found\n", "\(row.errorMessage ?? "")")
    }

    @Test(
        "it runs in the folder of the schedule file, or where it is told to",
        arguments: [("", ""), ("workingDirectory: .", "/."), ("workingDirectory: a b", "/a b")])
    func workingDirectory(key: String, folder: String) async throws {
        let fixture = try await TaskFixture()
        try fixture.write("#!/bin/sh\npwd -P\n", to: "a b/here", permissions: 0o755)
        try fixture.write("#!/bin/sh\npwd -P\n", to: "here", permissions: 0o755)
        let row = try await fixture.run(
            "task: command\nparameters:\n  run: [./here]\n  \(key)")
        let expected = fixture.folder.path + (folder == "/." ? "" : folder)
        #expect(row.output == expected + "\n", "\(row.errorMessage ?? "")")
        let absolute = try await fixture.run(
            "task: command\nparameters: {run: [pwd], workingDirectory: /}")
        #expect(absolute.output == "/\n")
    }

    @Test(
        "standard input is the text, to its last byte",
        arguments: ["hello", "two\nlines\n", "é😀", "x\u{1}y", "-n", "$HOME `ls`"])
    func stdin(text: String) async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            "task: command\nparameters: {run: [cat], stdin: \(text.quoted)}")
        #expect(row.output == text)
    }

    @Test("without one standard input is empty, and not that of the scheduler")
    func noInput() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            "task: command\nparameters: {run: [sh, -c, 'cat; readlink /proc/self/fd/0']}")
        #expect(row.output == "/dev/null\n")
    }

    @Test("a long standard input arrives whole; one that nobody reads ends nothing but itself")
    func longInput() async throws {
        let fixture = try await TaskFixture()
        try fixture.write(String(repeating: "line\n", count: 1_000_000), to: "input")
        let read = try await fixture.run(
            "task: command\nparameters: {run: [wc, -c], stdin: '${file:input}x'}")
        #expect(read.output?.trimmingCharacters(in: .whitespacesAndNewlines) == "5000000")
        for program in ["'true'", "sh, -c, 'exec 0<&-'", "head, -c, '10'"] {
            let row = try await fixture.run(
                "task: command\nparameters: {run: [\(program)], stdin: '${file:input}'}")
            #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        }
    }

    @Test(
        "arguments and file names arrive as they are",
        arguments: [
            "a b", "$(touch pwned)", "`touch pwned`", "; touch pwned", "'", "\"", "\\", "*", "-rf",
            "a\nb", "é😀", "", " ", "~", "#", "&", "|", "../x", "\u{1}", "${HOME}",
        ])
    func hostile(name: String) async throws {
        let fixture = try await TaskFixture()
        let argument = name.replacing("${", with: "$${").quoted
        let row = try await fixture.run(
            "task: command\nparameters: {run: [printf, '<%s>', \(argument), \(argument)]}")
        #expect(row.output == "<\(name)><\(name)>")
        let files = try FileManager.default.contentsOfDirectory(atPath: fixture.folder.path)
        #expect(files.isEmpty)
    }

    @Test("a placeholder's value is one argument, whatever is in it")
    func placeholder() async throws {
        let fixture = try await TaskFixture()
        try fixture.write("a b; touch pwned\n'c'\n", to: "value")
        let row = try await fixture.run(
            "task: command\nparameters: {run: [printf, '<%s>', '${file:value}', x]}")
        #expect(row.output == "<a b; touch pwned\n'c'><x>")
    }

    @Test("no signal is ignored or blocked in it, whatever the scheduler does with them")
    func signals() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            "task: command\nparameters: {run: [grep, -E, '^Sig(Blk|Ign):', /proc/self/status]}")
        let masks = row.output?.split(separator: "\n").compactMap {
            UInt64($0.split(separator: "\t").last ?? "", radix: 16)
        }
        // Above 31 are those that the C library keeps for itself.
        #expect(masks?.map { $0 & 0x7FFF_FFFF } == [0, 0], "\(row.output ?? "")")
    }

    @Test("it inherits no file of the scheduler but its own three")
    func descriptors() async throws {
        let fixture = try await TaskFixture()
        let row = try await fixture.run(
            "task: command\nparameters: {run: [sh, -c, 'cd /proc/$$/fd; echo *']}")
        // The last is the folder that is being listed.
        #expect(row.output == "0 1 2 3\n")
    }
}
