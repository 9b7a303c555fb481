import Foundation
import PostgresSession
import Testing

@testable import AlmanacCore

@Suite("The session of a job in a schedule file")
struct SessionReaderTests {
    private static let base = "task: cleanup, every: 1h"

    @Test("is the usual one by default")
    func none() throws {
        let job = try job(Self.base)
        #expect(job.session == SessionSettings())
        #expect(job.expectation == nil)
        #expect(job.canonicalText.contains("session") == false)
    }

    @Test("has role, search path, timeouts and settings, with values as they are written")
    func all() throws {
        let session = try job(
            Self.base + """
                , isolation: serializable, readOnly: true, session: {role: "Reader \\"x\\"", \
                searchPath: [app, 'Public; --'], statementTimeout: 5m, lockTimeout: 10s, \
                settings: {work_mem: 64MB, enable_seqscan: off, app.tenant: 7}}
                """
        ).session
        #expect(session.isolation == .serializable)
        #expect(session.isReadOnly)
        #expect(session.role == "Reader \"x\"")
        #expect(session.searchPath == ["app", "Public; --"])
        #expect(session.statementTimeoutSeconds == 300)
        #expect(session.lockTimeoutSeconds == 10)
        #expect(
            session.settings == ["work_mem": "64MB", "enable_seqscan": "off", "app.tenant": "7"])
    }

    @Test(
        "makes the session's options",
        arguments: zip(
            SessionSettings.Isolation.allCases,
            [SessionOptions.Isolation.readCommitted, .repeatableRead, .serializable]))
    func options(isolation: SessionSettings.Isolation, expected: SessionOptions.Isolation) {
        var settings = SessionSettings()
        settings.isolation = isolation
        settings.lockTimeoutSeconds = 3
        settings.settings = ["work_mem": "1MB"]
        settings.searchPath = ["a"]
        var options = SessionOptions()
        settings.apply(to: &options)
        #expect(options.isolation == expected)
        #expect(options.settings == ["work_mem": "1MB", "lock_timeout": "3s"])
        #expect(options.searchPath == ["a"])
        #expect(options.role == nil)
        #expect(!options.isReadOnly)
    }

    @Test(
        "changes the definition's digest, each of its keys by itself",
        arguments: [
            "isolation: serializable", "readOnly: true", "session: {role: a}",
            "session: {searchPath: [a]}", "session: {searchPath: [a, b]}",
            "session: {statementTimeout: 1s}", "session: {lockTimeout: 1s}",
            "session: {settings: {work_mem: 1MB}}", "session: {settings: {work_mem: 2MB}}",
            "expect: {sql: SELECT true}", "expect: {rowsAffected: {min: 1}}",
            "expect: {rowsAffected: {max: 1}}", "expect: {rowsAffected: {deviation: 1}}",
        ])
    func digest(keys: String) throws {
        let usual = try job(Self.base)
        let other = try job("\(Self.base), \(keys)")
        #expect(usual.definitionDigest != other.definitionDigest)
        #expect(usual.scheduleDigest == other.scheduleDigest)
        // What is stored can be read again.
        _ = try JobDefinition.times(inCanonicalText: other.canonicalText)
    }

    @Test("a null of isolation and the like is an error and not the default")
    func null() {
        for key in ["isolation", "readOnly", "session", "expect"] {
            let answers = scheduleAnswers(
                """
                version: 1
                defaults: {activeDeadlineSeconds: 1}
                jobs:
                  a: {task: cleanup, every: 1h, \(key): }

                """)
            #expect(answers.count == 1, "\(key): \(answers)")
        }
    }
}

@Suite("What a job expects of its runs")
struct ExpectationTests {
    private static func expectation(
        least: Int? = nil, most: Int? = nil, deviation: Double? = nil
    ) -> AlmanacCore.Expectation {
        var expectation = AlmanacCore.Expectation()
        expectation.least = least
        expectation.most = most
        expectation.deviation = deviation
        return expectation
    }

    @Test("is read as it is written")
    func read() throws {
        let expectation = try #require(
            try job(
                """
                task: cleanup, every: 1h, expect: {rowsAffected: {min: 1, max: 10, \
                deviation: 0.5}, sql: "SELECT count(*) > 0 FROM t"}
                """
            ).expectation)
        #expect(expectation.least == 1)
        #expect(expectation.most == 10)
        #expect(expectation.deviation == 0.5)
        #expect(expectation.sql == "SELECT count(*) > 0 FROM t")
    }

    @Test(
        "is met up to its bounds",
        arguments: [
            (1, nil, 1), (0, nil, 0), (nil, 5, 5), (nil, 5, 0), (2, 2, 2), (nil, nil, 7),
        ] as [(Int?, Int?, Int)])
    func met(least: Int?, most: Int?, rows: Int) {
        #expect(
            Self.expectation(least: least, most: most).problem(rowsAffected: rows, usual: nil)
                == nil)
    }

    @Test(
        "is not met beyond them, and says by what",
        arguments: [
            (1, nil, 0, "expected at least 1 row affected, found 0"),
            (10, nil, 9, "expected at least 10 rows affected, found 9"),
            (nil, 5, 6, "expected at most 5 rows affected, found 6"),
            (nil, 1, 2, "expected at most 1 row affected, found 2"),
        ] as [(Int?, Int?, Int, String)])
    func missed(least: Int?, most: Int?, rows: Int, problem: String) {
        #expect(
            Self.expectation(least: least, most: most).problem(rowsAffected: rows, usual: nil)
                == problem)
    }

    @Test(
        "a deviation is a part of the usual number, in both directions",
        arguments: [
            (0.5, 100, 50, true), (0.5, 100, 150, true), (0.5, 100, 49, false),
            (0.5, 100, 151, false), (0, 100, 100, true), (0, 100, 101, false),
            (0.1, 0, 0, true), (0.1, 0, 1, false), (2, 100, 0, true), (2, 100, 300, true),
            (2, 100, 301, false),
        ] as [(Double, Double, Int, Bool)])
    func deviation(deviation: Double, usual: Double, rows: Int, isMet: Bool) {
        let expectation = Self.expectation(deviation: deviation)
        #expect((expectation.problem(rowsAffected: rows, usual: usual) == nil) == isMet)
        #expect(expectation.problem(rowsAffected: rows, usual: nil) == nil)
    }

    @Test("a deviation that is not met says the figures")
    func figures() {
        #expect(
            Self.expectation(deviation: 0.25).problem(rowsAffected: 10, usual: 101.5)
                == "expected 76.12 to 126.88 rows affected, found 10: the median of the last 14 "
                + "successes is 101.50, and 'deviation' is 0.25")
    }

    @Test("what is not met is not tried again, unless a rule says so")
    func retries() {
        var policy = RetryPolicy()
        policy.limit = 3
        let outcome = TaskOutcome.failed(ExpectationNotMet(description: "no"))
        let runID = UUID()
        #expect(policy.verdict(on: outcome, attempt: 1, of: runID) == .fail)
        policy.rules = [.init(action: .retry, errorTypes: ["ExpectationNotMet"])]
        guard case .retry = policy.verdict(on: outcome, attempt: 1, of: runID) else {
            Issue.record("the rule was not heard")
            return
        }
    }
}
