import AlmanacCore
import AlmanacTesting
import Foundation
import PostgresSession

/// A run did not end as the test needs it to.
struct NotRun: Error, CustomStringConvertible {
    let description: String

    init(_ row: RunRecord) {
        description = "\(row.job) \(row.state): \(row.errorMessage ?? "") \(row.output ?? "")"
    }

    init(_ end: OrderEnd) { description = "\(end)" }
}

extension TaskRunner {
    /// Runs one occurrence of a job, as `almanac exec JOB --at INSTANT` does, and returns its row.
    func run(_ job: JobDefinition, at instant: Date) async throws -> RunRecord {
        let worker = Worker(number: 0, services: services)
        let order = RunOrder(
            identity: RunIdentity(
                runID: UUID(), job: job.name, scheduledFor: instant, trigger: .exec,
                node: services.ledger.node),
            job: job, worker: 0, version: nil,
            effects: services.registry.type(named: job.task)?.effects ?? .anywhere)
        let end = await withCheckedContinuation { continuation in
            worker.start(order, control: RunControl()) { continuation.resume(returning: $0) }
        }
        await worker.stop()
        guard case .ran(let report) = end else { throw NotRun(end) }
        return try row(of: report.identity.runID)
    }

    /// The texts in a query's first column.
    func texts(_ query: String) throws -> [String] {
        let connection = try Connection(EngineConfiguration(services.connectionString))
        defer { connection.close() }
        return try connection.query(SQL(raw: query)).map { try $0.get(at: 0) }
    }

    /// Runs SQL of a test's own.
    func execute(_ script: String) throws {
        let connection = try Connection(EngineConfiguration(services.connectionString))
        defer { connection.close() }
        try connection.executeScript(script)
    }
}

/// This repository.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static func text(of path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }
}

/// A folder of one test's own, with blanks and a quote in its name.
final class Scratch: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(
            path: "almanac's examples \(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// The files in a folder below it; none where there is no such folder.
    func files(in folder: String) -> [String] {
        let path = url.appending(path: folder).path
        return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    func text(of path: String) throws -> String {
        try String(contentsOf: url.appending(path: path), encoding: .utf8)
    }
}

extension Date {
    /// An instant as RFC 3339 has it.
    init(_ text: String) throws {
        self = try Date(text, strategy: .iso8601)
    }
}
