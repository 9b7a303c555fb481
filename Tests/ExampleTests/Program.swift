import Foundation

/// The program `almanac`, which is built beside the tests.
enum Program {
    /// What a command has printed, on either of its outputs, and its exit code.
    struct Finished: Sendable {
        var output: String
        var status: Int32
    }

    /// A process that has nothing of the tests' own environment that it would heed.
    static func process(
        _ arguments: [String], in folder: URL, _ connectionString: String,
        environment: [String: String] = [:]
    ) -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appending(path: "almanac")
        process.arguments = arguments
        process.currentDirectoryURL = folder
        let inherited = ProcessInfo.processInfo.environment.filter { name, _ in
            !name.hasPrefix("ALMANAC_") && !name.hasPrefix("PG")
        }
        let own = ["ALMANAC_DATABASE_URL": connectionString, "NO_COLOR": "1"]
        process.environment = inherited.merging(own) { $1 }.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        return process
    }

    static func run(
        _ arguments: [String], in folder: URL, _ connectionString: String,
        environment: [String: String] = [:]
    ) async throws -> Finished {
        let process = process(arguments, in: folder, connectionString, environment: environment)
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Finished(
            output: String(decoding: data, as: UTF8.self), status: process.terminationStatus)
    }
}
