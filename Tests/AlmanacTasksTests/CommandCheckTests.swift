import Testing

/// What a schedule file is told about its `command` jobs when it is loaded.
@Suite("A schedule file with jobs of the task command")
struct CommandCheckTests {
    @Test(
        "is told what is wrong with the parameters, where, and what to do",
        arguments: [
            (
                "{}",
                "6:17: 'command' needs 'run' or 'shell'; add 'run: [program, argument, …]', or "
                    + "'shell: …' for a line of shell"
            ),
            (
                "{run: [ls], shell: ls}",
                "6:36: 'command' takes 'run' or 'shell', not both; remove one of them"
            ),
            ("{run: []}", "6:23: 'run' names no program; write 'run: [program, argument, …]'"),
            ("{run: ['']}", "6:23: 'run' names no program; write 'run: [program, argument, …]'"),
            ("{run: ls -l}", "6:23: 'run' must be a list, not the text 'ls -l'"),
            ("{run: [ls, [l]]}", "6:28: item 2 of 'run' must be a text, not a list"),
            ("{shell: ' '}", "6:25: 'shell' is empty; write what the shell is to do"),
            ("{shell: ls, cwd: /tmp}", "6:29: unknown key 'cwd'"),
            ("{shell: ls, env: {A: b}}", "6:29: unknown key 'env'"),
            (
                "{shell: ls, environment: {A=B: c}}",
                "6:42: 'A=B' cannot be the name of an environment variable; use letters, digits "
                    + "and '_', a letter first"
            ),
            (
                "{shell: ls, environment: {1A: c}}",
                "6:42: '1A' cannot be the name of an environment variable; use letters, digits "
                    + "and '_', a letter first"
            ),
            ("{shell: 'echo ${today}'}", "6:31: there is no placeholder '${today}'"),
        ])
    func parameters(text: String, answer: String) {
        let found = SQLCheckTests.answers("task: command\nparameters: \(text)")
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix(answer) == true, "\(found)")
    }

    @Test("is told of everything at once")
    func allAtOnce() {
        let found = SQLCheckTests.answers(
            "task: command\nparameters:\n  run: ['${today}', {}]\n  env: {A: '${HOME}'}")
        #expect(
            found.map { $0.prefix { $0 != ";" } } == [
                "7:14: there is no placeholder '${today}'",
                "7:25: item 2 of 'run' must be a text, not a mapping",
                "8:7: unknown key 'env'",
                "8:17: there is no placeholder '${HOME}'",
            ])
    }

    @Test(
        "takes what is right",
        arguments: [
            "{run: [ls]}", "{shell: ls}", "{run: [ls, '', '-l'], environment: {a_1: ''}}",
            "{shell: 'echo $HOME $${HOME}', stdin: '${scheduledFor}', workingDirectory: ..}",
        ])
    func valid(text: String) {
        #expect(SQLCheckTests.answers("task: command\nparameters: \(text)") == [])
    }
}
