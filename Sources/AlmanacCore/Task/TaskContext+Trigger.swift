public import Foundation
import PostgresSession

extension TaskContext {
    /// Queues a run of another job, as part of what the session does: nodes see it, and one of them
    /// runs it, once the session has committed. After a rollback it was never there.
    ///
    /// ```swift
    /// try session.add(Invoice(total: 12))
    /// try context.trigger("send-invoices", parameters: ["limit": 100])
    /// ```
    ///
    /// - Parameters:
    ///   - job: a job of the schedule in force.
    ///   - parameters: count before the job's own; kept in the audit table, so no secrets. They are
    ///     not checked before the run.
    /// - Returns: the id of the run.
    /// - Throws: ``UnknownJob``; `EncodingError`; `PostgresError`, also where the session's role
    ///   may not write to the ledger.
    @discardableResult
    public func trigger(
        _ job: String, parameters: [String: any Encodable] = [:]
    ) throws -> UUID {
        let request = RunRequest(
            job: job, overrides: parameters.isEmpty ? nil : try Self.json(of: parameters),
            author: "run \(runID.uuidString.lowercased()) of \(self.job)")
        let queued = UUID()
        guard try !session.rows(ledger.queueing(request, as: queued)).isEmpty else {
            throw UnknownJob(name: job)
        }
        return queued
    }

    private static func json(of parameters: [String: any Encodable]) throws -> String {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        let data = try encoder.encode(parameters.mapValues(AnyParameter.init))
        return String(decoding: data, as: UTF8.self)
    }
}

private struct AnyParameter: Encodable {
    let value: any Encodable

    func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
}

/// The schedule in force has no job of a name.
public struct UnknownJob: Error, Sendable, CustomStringConvertible {
    /// The name.
    public let name: String

    /// What happened, for people.
    public var description: String { "the schedule in force has no job named '\(name)'" }
}
