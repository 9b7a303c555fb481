import Foundation
import Glibc

/// A process of the built program `almanac`, ended with this object if it has not ended before.
final class AlmanacProcess: Sendable {
    /// How a process ended.
    enum End: Equatable, Sendable {
        case exited(Int32)
        case killed(Int32)
    }

    private let process = Process()
    private let folder: Folder
    private let outputName: String

    /// The program, which is built beside the tests.
    static let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("almanac")

    /// Starts it in the folder, with nothing of the tests' own environment that it would heed.
    init(
        _ arguments: [String], in folder: Folder, environment: [String: String] = [:],
        output: FileHandle? = nil
    ) throws {
        self.folder = folder
        outputName = "process-" + UUID().uuidString
        process.executableURL = Self.program
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        let inherited = ProcessInfo.processInfo.environment.filter { name, _ in
            !name.hasPrefix("ALMANAC_") && !name.hasPrefix("PG") && name != "NO_COLOR"
        }
        process.environment = inherited.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try output ?? folder.handle(outputName + ".out")
        process.standardError = try folder.handle(outputName + ".err")
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    var processID: Int32 { process.processIdentifier }

    /// What it has written to standard output so far.
    var output: String { folder.text(outputName + ".out") }

    /// What it has written to standard error so far.
    var errors: String { folder.text(outputName + ".err") }

    func send(_ signal: Int32) {
        if process.isRunning { kill(process.processIdentifier, signal) }
    }

    /// How it ended; nil while it runs.
    var end: End? {
        guard !process.isRunning else { return nil }
        let status = process.terminationStatus
        return process.terminationReason == .exit ? .exited(status) : .killed(status)
    }

    /// Waits for its end.
    ///
    /// - Throws: `TookTooLong` with what it said.
    @discardableResult
    func waitForEnd(seconds: Double = 30) async throws -> End {
        do {
            try await eventually("the end of almanac", seconds: seconds) { end != nil }
        } catch let error as TookTooLong {
            throw TookTooLong(what: error.what + "; it said: " + (output + errors).suffix(4_000))
        }
        return end ?? .exited(-1)
    }

    /// Starts it and waits for its end.
    static func run(
        _ arguments: [String], in folder: Folder, environment: [String: String] = [:],
        seconds: Double = 30
    ) async throws -> Finished {
        let process = try AlmanacProcess(arguments, in: folder, environment: environment)
        let end = try await process.waitForEnd(seconds: seconds)
        return Finished(end: end, output: process.output, errors: process.errors)
    }

    /// A process that has ended.
    struct Finished: Sendable {
        var end: End
        var output: String
        var errors: String
    }
}

/// A folder that every user may enter, with the files of one test, gone with this object.
final class Folder: Sendable {
    let path: String

    init(_ files: [String: String] = [:]) throws {
        path = "/tmp/almanac-faults-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        chmod(path, 0o755)
        for (name, text) in files { try write(text, to: name) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func path(_ name: String) -> String { path + "/" + name }

    /// A file in it, with the folders on the way there; the old text or the new, nothing between.
    func write(_ text: String, to name: String) throws {
        let url = URL(fileURLWithPath: path(name))
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: url, atomically: true, encoding: .utf8)
    }

    func text(_ name: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path(name)) ?? Data(), as: UTF8.self)
    }

    /// A fresh file in it to write to.
    func handle(_ name: String) throws -> FileHandle {
        try Data().write(to: URL(fileURLWithPath: path(name)))
        return try FileHandle(forWritingTo: URL(fileURLWithPath: path(name)))
    }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }
}

/// Something did not come about in its time.
struct TookTooLong: Error, CustomStringConvertible {
    var what: String
    var description: String { "took too long: \(what)" }
}

/// Looks again and again until something holds.
///
/// - Throws: `TookTooLong`.
func eventually(
    _ what: String, seconds: Double = 30, _ condition: () throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while try !condition() {
        guard ContinuousClock.now < deadline else { throw TookTooLong(what: what) }
        try await Task.sleep(for: .milliseconds(20))
    }
}

/// The processes whose working directory is in a folder, as that of every Postgres process is.
func processes(in folder: String) -> [Int32] {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return entries.compactMap { Int32($0) }.filter { process in
        let link = try? FileManager.default.destinationOfSymbolicLink(
            atPath: "/proc/\(process)/cwd")
        return link?.hasPrefix(folder + "/") ?? false
    }
}
