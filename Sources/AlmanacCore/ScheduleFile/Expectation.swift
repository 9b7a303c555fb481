internal import Foundation

/// What must hold before a run's transaction is committed.
package struct Expectation: Sendable, Hashable {
    /// How many rows it changes at least.
    package var least: Int?
    /// How many rows it changes at the most.
    package var most: Int?
    /// By which part its number of rows may differ from the usual one.
    package var deviation: Double?
    /// A query whose answer is to be true.
    package var sql: String?

    /// How many successes the usual number of rows is the median of.
    package static let successes = 14

    package init() {}

    /// What is wrong with a number of rows, if anything is.
    ///
    /// - Parameter usual: the median of the last successes; nil when there are none.
    package func problem(rowsAffected rows: Int, usual: Double?) -> String? {
        if let least, rows < least {
            return "expected at least \(Self.rows(least)) affected, found \(rows)"
        }
        if let most, rows > most {
            return "expected at most \(Self.rows(most)) affected, found \(rows)"
        }
        guard let deviation, let usual else { return nil }
        let difference = abs(Double(rows) - usual)
        guard difference > deviation * usual else { return nil }
        let low = Self.number(max(0, usual - deviation * usual))
        let high = Self.number(usual + deviation * usual)
        return "expected \(low) to \(high) rows affected, found \(rows): the median of the last "
            + "\(Self.successes) successes is \(Self.number(usual)), and 'deviation' is "
            + Self.number(deviation)
    }

    private static func rows(_ count: Int) -> String { count == 1 ? "1 row" : "\(count) rows" }

    private static func number(_ value: Double) -> String {
        let text = String(format: "%.2f", value)
        return text.hasSuffix(".00") ? String(text.dropLast(3)) : text
    }

    /// What a stored definition says of it.
    var canonical: CanonicalJSON {
        var rows: [CanonicalJSON.Member] = []
        if let least { rows.append(("min", .raw("\(least)"))) }
        if let most { rows.append(("max", .raw("\(most)"))) }
        if let deviation { rows.append(("deviation", .raw("\(deviation)"))) }
        var members: [CanonicalJSON.Member] = []
        if !rows.isEmpty { members.append(("rowsAffected", .object(rows))) }
        if let sql { members.append(("sql", .text(sql))) }
        return .object(members)
    }
}

/// Thrown before the commit of a run that is not what its job expects.
public struct ExpectationNotMet: Error, Sendable, CustomStringConvertible {
    /// What was expected and what was found.
    public let description: String
}

extension ExpectationNotMet: RetryAdvising {
    /// The same data would come to the same.
    package var retryAdvice: RetryAdvice { .fail }
}

/// Reads the `expect` of a job.
struct ExpectationReader {
    let job: MappingReader
    let collector: DiagnosticCollector

    func read(transaction: TransactionMode) -> Expectation? {
        guard let node = job.value("expect"), let key = job.key("expect") else { return nil }
        guard
            let reader = MappingReader(
                node, place: .expect, subject: "'expect'", collector: collector)
        else { return nil }
        if transaction != .perRun {
            collector.add(
                Diagnostic(
                    category: .value, at: key,
                    message: "'expect' is checked before the commit, which is the task's own with "
                        + "'transaction: \(transaction.rawValue)'",
                    help: "remove it, or write 'transaction: perRun'"))
        }
        var expectation = Expectation()
        if let node = reader.value("rowsAffected") { read(node, into: &expectation) }
        expectation.sql = sql(in: reader)
        guard reader.hasTried("rowsAffected") || reader.hasTried("sql") else {
            collector.add(
                Diagnostic(
                    category: .missing, at: node, message: "'expect' says nothing",
                    help: "write 'rowsAffected: {min: 1}' or 'sql: SELECT …'"))
            return nil
        }
        return expectation
    }

    private func sql(in reader: MappingReader) -> String? {
        guard let node = reader.value("sql"), let text = reader.read("sql", as: String.self) else {
            return nil
        }
        guard text.contains(where: { !$0.isWhitespace }) else {
            reader.report(
                YAMLValueError(
                    message: "'sql' is empty", help: "write a query whose answer is to be true"),
                at: node)
            return nil
        }
        return text
    }

    private func read(_ node: YAMLNode, into expectation: inout Expectation) {
        guard
            let rows = MappingReader(
                node, place: .rowsAffected, subject: "'rowsAffected'", collector: collector)
        else { return }
        expectation.least = number("min", in: rows, from: 0)
        expectation.most = number("max", in: rows, from: 0)
        expectation.deviation = number("deviation", in: rows, from: 0.0)
        let keys = ["min", "max", "deviation"]
        if !keys.contains(where: rows.hasTried) {
            rows.report(
                YAMLValueError(
                    message: "'rowsAffected' says nothing",
                    help: "write {min: 1}, {max: 100000} or {deviation: 0.5}"), at: node)
        }
        if let least = expectation.least, let most = expectation.most, most < least,
            let node = rows.value("max")
        {
            rows.report(
                YAMLValueError(
                    message: "'max' is less than 'min', which is \(least)",
                    help: "write \(least) or more"), at: node)
        }
    }

    private func number<Value: YAMLScalarValue & Comparable>(
        _ key: String, in reader: MappingReader, from least: Value
    ) -> Value? {
        guard let node = reader.value(key), let value = reader.read(key, as: Value.self) else {
            return nil
        }
        if value >= least { return value }
        reader.report(
            YAMLValueError(message: "'\(key)' must be \(least) or more"), at: node)
        return nil
    }
}
