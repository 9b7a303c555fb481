import Foundation
import PostgresSession
import Testing

@testable import AlmanacCore

@Suite("The policy of retries")
struct RetryPolicyTests {
    private static let runID = UUID(uuidString: "6f1c2f52-14a5-4f62-9a0c-3d1a7a5ab001") ?? UUID()

    private static func policy(
        limit: Int = 2, _ rules: [RetryPolicy.Rule] = [], pauses: RetryPolicy.Pauses = .init()
    ) -> RetryPolicy {
        var policy = RetryPolicy()
        policy.limit = limit
        policy.pauses = pauses
        policy.pauses.jitter = 0
        policy.rules = rules
        return policy
    }

    private static func verdict(
        _ policy: RetryPolicy, _ outcome: TaskOutcome, attempt: Int = 1
    ) -> RetryVerdict {
        policy.verdict(on: outcome, attempt: attempt, of: runID)
    }

    private static func failed(_ sqlState: String) -> TaskOutcome {
        .failed(PostgresError(.serverError, "no", sqlState: sqlState))
    }

    @Test(
        "by itself tries everything again but what waiting cannot mend",
        arguments: [
            ("40001", true), ("40P01", true), ("55P03", true), ("57P01", true), ("08006", true),
            ("53100", true), ("57014", true), ("P0001", true), ("XX000", true), ("25P02", true),
            ("22012", false), ("22P02", false), ("23505", false), ("23503", false),
            ("42P01", false), ("42601", false), ("42501", false),
        ])
    func builtIn(sqlState: String, isRetried: Bool) {
        let verdict = Self.verdict(Self.policy(), Self.failed(sqlState))
        #expect(verdict == (isRetried ? .retry(afterSeconds: 10) : .fail))
    }

    @Test("tries errors of Swift and deadlines again, what was cancelled or rejected never")
    func kinds() {
        let error = ProbeError(description: "x")
        let stopped = RunStopped(cause: .deadline(seconds: 1))
        #expect(Self.verdict(Self.policy(), .failed(error)) == .retry(afterSeconds: 10))
        #expect(Self.verdict(Self.policy(), .timedOut(stopped)) == .retry(afterSeconds: 10))
        #expect(Self.verdict(Self.policy(), .cancelled(error)) == .fail)
        #expect(Self.verdict(Self.policy(), .cancelled(Retry(after: .zero))) == .fail)
        #expect(Self.verdict(Self.policy(), .failed(Reject("never"))) == .fail)
        #expect(Self.verdict(Self.policy(), .succeeded) == .fail)
        #expect(Self.verdict(Self.policy(), .ignored("nothing")) == .fail)
    }

    @Test(
        "gives as many attempts as one and the limit",
        arguments: [(0, 1, false), (1, 1, true), (1, 2, false), (2, 2, true), (2, 3, false)])
    func limit(limit: Int, attempt: Int, isRetried: Bool) {
        for error in [ProbeError(description: "x"), Retry(after: .seconds(10))] as [any Error] {
            let verdict = Self.verdict(
                Self.policy(limit: limit, pauses: .init(factor: 1)), .failed(error),
                attempt: attempt)
            #expect(verdict == (isRetried ? .retry(afterSeconds: 10) : .fail))
        }
        let policy = Self.policy(limit: limit)
        #expect(
            (policy.secondsIfOrphaned(attempt: attempt, of: Self.runID) != nil) == isRetried)
    }

    @Test("asks the first rule that fits, by SQLSTATE, its beginning or the error's type")
    func rules() {
        let rules = [
            RetryPolicy.Rule(action: .ignore, sqlStates: ["P0002"]),
            RetryPolicy.Rule(
                action: .fail, sqlStates: ["40*", "08006"], errorTypes: ["ProbeError"]),
            RetryPolicy.Rule(action: .retry, sqlStates: ["23505", "40001"]),
            RetryPolicy.Rule(action: .ignore, errorTypes: ["RunStopped", "NoResultFound"]),
        ]
        let policy = Self.policy(rules)
        let table: [(TaskOutcome, RetryVerdict)] = [
            (Self.failed("P0002"), .ignore), (Self.failed("40001"), .fail),
            (Self.failed("40P01"), .fail), (Self.failed("08006"), .fail),
            (Self.failed("08001"), .retry(afterSeconds: 10)),
            (Self.failed("23505"), .retry(afterSeconds: 10)), (Self.failed("23503"), .fail),
            (.failed(ProbeError(description: "x")), .fail),
            (.timedOut(RunStopped(cause: .deadline(seconds: 1))), .ignore),
            (.cancelled(RunStopped(cause: .shutdown)), .fail),
            (.failed(PostgresError(.noResultFound, "none")), .ignore),
            (.failed(Reject("never")), .fail), (.failed(Retry()), .retry(afterSeconds: 10)),
        ]
        for (outcome, expected) in table {
            #expect(Self.verdict(policy, outcome) == expected, "\(outcome)")
        }
    }

    @Test("a rule may leave the dead alone, and cannot make nothing of them")
    func orphans() {
        for (action, seconds) in [
            (RetryPolicy.Action.retry, 10.0), (.fail, nil), (.ignore, nil),
        ] as [(RetryPolicy.Action, Double?)] {
            let rule = RetryPolicy.Rule(action: action, errorTypes: ["Orphaned"])
            let policy = Self.policy([rule])
            #expect(policy.secondsIfOrphaned(attempt: 1, of: Self.runID) == seconds)
        }
    }

    @Test("judges a swallowed error by the one that was swallowed")
    func swallowed() {
        let first = PostgresError(.serverError, "division", sqlState: "22012")
        let last = PostgresError(.transactionRolledBack, "rolled back", underlying: first)
        #expect(Self.verdict(Self.policy(), .failed(last)) == .fail)
    }

    @Test("judges a stop by what it interrupted, where a rule names that")
    func interrupted() {
        let error = PostgresError(.cancelled, "user request", sqlState: "57014")
        let outcome = TaskOutcome(error: error, stop: .deadline(seconds: 1))
        let rule = RetryPolicy.Rule(action: .fail, sqlStates: ["57014"])
        #expect(Self.verdict(Self.policy([rule]), outcome) == .fail)
        #expect(Self.verdict(Self.policy(), outcome) == .retry(afterSeconds: 10))
    }

    @Test(
        "pauses grow by the factor up to the longest",
        arguments: [(1, 10.0), (2, 20), (3, 40), (4, 80), (6, 320), (7, 600), (1_000, 600)])
    func pauses(attempt: Int, seconds: Double) {
        #expect(Self.policy().pauseSeconds(after: attempt, of: Self.runID) == seconds)
    }

    @Test("a factor of 1 keeps the pause, and a pause of nothing stays nothing")
    func plainPauses() {
        let even = Self.policy(pauses: .init(initialSeconds: 7, factor: 1))
        let none = Self.policy(pauses: .init(initialSeconds: 0))
        for attempt in [1, 2, 50, 5_000] {
            #expect(even.pauseSeconds(after: attempt, of: Self.runID) == 7)
        }
        for attempt in [1, 2, 50] {
            #expect(none.pauseSeconds(after: attempt, of: Self.runID) == 0)
        }
    }

    @Test("jitter stays in its bounds, uses all of them, and is the same for the same run")
    func jitter() {
        var policy = Self.policy(pauses: .init(initialSeconds: 100))
        policy.pauses.jitter = 0.25
        let ids = (0..<2_000).map { _ in UUID() }
        let pauses = ids.map { policy.pauseSeconds(after: 1, of: $0) }
        #expect(pauses == ids.map { policy.pauseSeconds(after: 1, of: $0) })
        #expect(pauses.allSatisfy { (75.0...125.0).contains($0) })
        let quarters = Dictionary(grouping: pauses) { min(3, Int(($0 - 75) / 12.5)) }
        #expect(quarters.count == 4)
        // Of 2,000 evenly spread ones 500 are expected in each, give or take five deviations.
        #expect(quarters.values.allSatisfy { (400...600).contains($0.count) })
    }

    @Test("the pause that the task asks for is taken as it is, within reason")
    func ownPause() {
        let table: [(Duration, Double)] = [
            (.zero, 0), (.milliseconds(250), 0.25), (.seconds(3_600), 3_600), (.seconds(-5), 0),
            (.seconds(Int64.max / 2), Double(DurationText.longestSeconds)),
        ]
        for (after, seconds) in table {
            let verdict = Self.verdict(Self.policy(), .failed(Retry(after: after)))
            #expect(verdict == .retry(afterSeconds: seconds))
        }
    }

    @Test("a Retry says why, and is recorded as its cause")
    func retryText() {
        let cause = PostgresError(.serverError, "gone", sqlState: "08006")
        #expect("\(Retry("later"))" == "later")
        #expect("\(Retry("later", cause: ProbeError(description: "x")))" == "later: x")
        #expect("\(Retry())" == "the task asked for another attempt")
        let failure = Failure(outcome: .failed(Retry("later", cause: cause)))
        #expect(failure.errorType == "ServerError")
        #expect(failure.sqlState == "08006")
        #expect(Failure(outcome: .failed(Retry("later"))).errorType == "Retry")
    }

    @Test("a row says of it what is needed when the run is found dead")
    func note() {
        #expect(Self.policy(limit: 0).note(secondsIfOrphaned: 3) == nil)
        #expect(Self.policy(limit: 2).note() == #"{"backoffLimit":2}"#)
        #expect(
            Self.policy(limit: 2).note(secondsIfOrphaned: 9.75)
                == #"{"afterSeconds":9.75,"backoffLimit":2}"#)
    }
}

/// An error with an opinion.
private struct Advising: RetryAdvising {
    var retryAdvice: RetryAdvice
}

@Suite("A retry policy with an error that knows better")
struct RetryAdviceTests {
    private func verdict(
        _ advice: RetryAdvice, initial: Int64 = 10, rules: [RetryPolicy.Rule] = [], attempt: Int = 1
    ) -> RetryVerdict {
        var policy = RetryPolicy()
        policy.limit = 2
        policy.pauses.initialSeconds = initial
        policy.pauses.jitter = 0
        policy.pauses.maxSeconds = 60
        policy.rules = rules
        return policy.verdict(
            on: .failed(Advising(retryAdvice: advice)), attempt: attempt, of: UUID())
    }

    @Test("waits as long as it asks for, between the job's own pause and the longest one")
    func pause() {
        #expect(verdict(.retry(afterSeconds: nil)) == .retry(afterSeconds: 10))
        #expect(verdict(.retry(afterSeconds: 3)) == .retry(afterSeconds: 10))
        #expect(verdict(.retry(afterSeconds: 30)) == .retry(afterSeconds: 30))
        #expect(verdict(.retry(afterSeconds: 3_600)) == .retry(afterSeconds: 60))
        #expect(verdict(.retry(afterSeconds: 3), attempt: 3) == .fail)
    }

    @Test("gives up where it says so, unless a rule of the job says otherwise")
    func fails() {
        #expect(verdict(.fail) == .fail)
        let rule = RetryPolicy.Rule(action: .retry, errorTypes: ["Advising"])
        #expect(verdict(.fail, rules: [rule]) == .retry(afterSeconds: 10))
        let ignore = RetryPolicy.Rule(action: .ignore, errorTypes: ["Advising"])
        #expect(verdict(.retry(afterSeconds: 5), rules: [ignore]) == .ignore)
    }
}
