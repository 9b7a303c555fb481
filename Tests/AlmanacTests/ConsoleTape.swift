import AlmanacCore
import AlmanacTasks
import Foundation
import Glibc
import Synchronization

@testable import Almanac

/// What a command has said.
final class ConsoleTape: Sendable {
    private let texts = Mutex<[Int32: String]>([:])

    var output: String { texts.withLock { $0[STDOUT_FILENO] ?? "" } }
    var errors: String { texts.withLock { $0[STDERR_FILENO] ?? "" } }

    func note(_ text: String, on descriptor: Int32) {
        texts.withLock { $0[descriptor, default: ""] += text }
    }
}

/// One call of the command line in this process, and what came of it.
struct CommandCall {
    let status: ExitStatus
    let output: String
    let errors: String

    init(_ arguments: [String]) async {
        let tape = ConsoleTape()
        status = await Console.$sink.withValue({ tape.note($0, on: $1) }) {
            await CommandLineRun(arguments: arguments).perform(tasks: BuiltInTasks.types)
        }
        output = tape.output
        errors = tape.errors
    }
}

/// A folder with files, gone with this object.
final class Folder: Sendable {
    let path: String

    init(_ files: [String: String] = [:]) throws {
        path = NSTemporaryDirectory() + "almanac-tests-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
        for (name, text) in files { try write(text, to: name) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A file in it, with the folders on the way there.
    func write(_ text: String, to name: String) throws {
        let url = URL(fileURLWithPath: path).appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: url, atomically: true, encoding: .utf8)
    }

    /// The path of a file in it.
    func path(_ name: String) -> String { path + "/" + name }
}

/// A schedule as its files would make it.
func makeSchedule(_ text: String) throws -> Schedule {
    let source = try SourceFile(path: "test.yaml", bytes: Array(text.utf8))
    return try ScheduleLoader(tasks: TaskRegistry(BuiltInTasks.types)).load(sources: [source])
        .schedule
}
