@testable import AlmanacCore

/// What is told of texts named a.yaml, b.yaml, …: errors, or else warnings, each as
/// `line:column message (help)`.
func scheduleAnswers(_ texts: String..., tasks: any TaskCatalog = FakeTasks()) -> [String] {
    do {
        let sources = try zip("abcdefgh", texts).map { letter, text in
            try SourceFile(path: "schedules/\(letter).yaml", text: text)
        }
        return told(try ScheduleLoader(tasks: tasks).load(sources: sources).warnings)
    } catch let error as DiagnosticsError {
        return told(error.diagnostics)
    } catch {
        return ["unexpected error: \(error)"]
    }
}

/// What is told of the only job of a file, with these lines below its name in the fourth line.
func jobAnswers(_ lines: String, tasks: any TaskCatalog = FakeTasks()) -> [String] {
    let keys = lines.split(separator: "\n").map { "    \($0)\n" }.joined()
    return scheduleAnswers(
        "version: 1\ndefaults: {timeZone: UTC, activeDeadlineSeconds: 60}\njobs:\n  nightly:\n"
            + keys, tasks: tasks)
}

/// A catalog whose tasks take any parameters.
struct AnyTasks: TaskCatalog {
    var taskNames = ["any", "other"]

    func check(
        task name: String, parameters: YAMLNode, definition: TaskDefinition
    ) -> [Diagnostic] {
        []
    }
}

/// A catalog that answers with what it was asked.
struct EchoTasks: TaskCatalog {
    var taskNames = ["echo"]

    func check(
        task name: String, parameters: YAMLNode, definition: TaskDefinition
    ) -> [Diagnostic] {
        let place = "in \(definition.baseDirectory), \(definition.transaction)"
        let words = "\(name) \(parameters.summary) \(place)"
        return [Diagnostic(severity: .warning, category: .task, at: parameters, message: words)]
    }
}
