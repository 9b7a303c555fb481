import Testing

@testable import AlmanacCore

@Suite("Retries in a schedule file")
struct RetryReaderTests {
    private static let base = "task: cleanup, every: 1h"

    private func policy(_ keys: String, defaults: String = "activeDeadlineSeconds: 60") throws
        -> RetryPolicy
    {
        try job("\(Self.base), \(keys)", defaults: "{\(defaults)}").retry
    }

    @Test("are none by default")
    func none() throws {
        let policy = try job(Self.base).retry
        #expect(policy == RetryPolicy())
        #expect(policy.attempts == 1)
    }

    @Test("have a limit, pauses and rules")
    func all() throws {
        let policy = try policy(
            """
            backoffLimit: 3, backoff: {initial: 5s, factor: 1.5, max: 2m, jitter: 0.1}, \
            retryPolicy: {rules: [{action: Fail, sqlstates: [40001, 08*]}, \
            {action: Ignore, errorTypes: [NoResultFound]}]}
            """)
        #expect(policy.limit == 3)
        #expect(
            policy.pauses
                == .init(initialSeconds: 5, factor: 1.5, maxSeconds: 120, jitter: 0.1))
        #expect(
            policy.rules == [
                .init(action: .fail, sqlStates: ["40001", "08*"]),
                .init(action: .ignore, errorTypes: ["NoResultFound"]),
            ])
    }

    @Test("a first pause beyond the usual longest one is itself the longest")
    func longFirst() throws {
        let policy = try policy("backoffLimit: 1, backoff: {initial: 1h}")
        #expect(policy.pauses.maxSeconds == 3_600)
    }

    @Test("may stand in the defaults, and each key of a job replaces theirs whole")
    func defaults() throws {
        let defaults =
            "backoffLimit: 5, backoff: {initial: 1s, max: 9s}, "
            + "retryPolicy: {rules: [{action: Fail, sqlstates: [40001]}]}"
        let inherited = try policy("suspend: true", defaults: defaults)
        #expect(inherited.limit == 5)
        #expect(inherited.pauses.maxSeconds == 9)
        #expect(inherited.rules.count == 1)
        let own = try policy("backoffLimit: 0, backoff: {factor: 3}", defaults: defaults)
        #expect(own.limit == 0)
        #expect(own.pauses == .init(factor: 3))
        #expect(own.rules == inherited.rules)
    }

    @Test(
        "that make no sense are answered with what would",
        arguments: [
            ("backoffLimit: -1", "6:19 'backoffLimit' must be from 0 to 1000, not -1"),
            ("backoffLimit: 1001", "6:19 'backoffLimit' must be from 0 to 1000, not 1001"),
            (
                "backoffLimit: 1.5",
                "6:19 'backoffLimit' must be a whole number, not the number 1.5 (it says: how "
                    + "often a failed run is tried again)"
            ),
            (
                "backoff: 10s",
                "6:14 'backoff' must be a mapping, not the text '10s' (write {initial: 10s, "
                    + "factor: 2, max: 10m, jitter: 0.2}, or some of these)"
            ),
            ("backoff: {factor: 0.5}", "6:23 'factor' must be from 1 to 100, not 0.5"),
            ("backoff: {jitter: 2}", "6:23 'jitter' must be from 0 to 1, not 2"),
            ("backoff: {factor: .nan}", "6:23 'factor' must be from 1 to 100, not .nan"),
            (
                "backoff: {initial: 5m, max: 1m}",
                "6:33 'max' is shorter than the first pause, which is 5m (write 5m or more, or a "
                    + "shorter 'initial')"
            ),
            ("backoff: {base: 5s}", "6:15 unknown key 'base' (did you mean 'initial'?)"),
            (
                "retryPolicy: {rules: []}",
                "6:26 'rules' is an empty list (write {rules: [{action: Fail, sqlstates: "
                    + "[40001]}]})"
            ),
            (
                "retryPolicy: {}",
                "6:18 'retryPolicy' has no 'rules' (write {rules: [{action: Fail, sqlstates: "
                    + "[40001]}]})"
            ),
            (
                "retryPolicy: {rules: [{action: Retry}]}",
                "6:27 the rule does not say which failures it is for (add 'sqlstates: [40001]' or "
                    + "'errorTypes: [ConnectionLost]')"
            ),
            (
                "retryPolicy: {rules: [{sqlstates: [40001]}]}",
                "6:27 the rule has no 'action' (add 'action: Retry', 'Fail' or 'Ignore')"
            ),
            (
                "retryPolicy: {rules: [{action: retry, sqlstates: [40001]}]}",
                "6:36 'action' cannot be 'retry' (did you mean 'Retry'? possible are 'Retry', "
                    + "'Fail' and 'Ignore')"
            ),
            (
                "retryPolicy: {rules: [{action: Fail, sqlstates: [40p01]}]}",
                "6:54 '40p01' is no SQLSTATE (write 40P01)"
            ),
            (
                "retryPolicy: {rules: [{action: Fail, sqlstates: [4000]}]}",
                "6:54 '4000' is no SQLSTATE (write five digits or capital letters such as 40001 or "
                    + "40P01, or the first ones and a star: 08*)"
            ),
            (
                "retryPolicy: {rules: [{action: Fail, errorTypes: ['']}]}",
                "6:55 an item of 'errorTypes' is empty (write a name)"
            ),
        ])
    func wrong(line: String, answer: String) {
        let limit = line.hasPrefix("backoff:") ? "\nbackoffLimit: 1" : ""
        #expect(jobAnswers("task: cleanup\n\(line)\nevery: 1h\(limit)") == [answer])
    }

    @Test("pauses of a job with one attempt are warned of")
    func idlePauses() throws {
        #expect(try warnings("\(Self.base), backoff: {initial: 1s}").contains("no-retries"))
        for keys in ["backoffLimit: 0, backoff: {initial: 1s}", "backoffLimit: 2"] {
            #expect(try !warnings("\(Self.base), \(keys)").contains("no-retries"), "\(keys)")
        }
        #expect(
            try !warnings(Self.base, defaults: "{backoff: {initial: 1s}}").contains("no-retries"))
    }

    @Test("are in the stored definition, which can be read again, where there are any")
    func canonical() throws {
        #expect(try !job(Self.base).canonicalText.contains("backoff"))
        let keys =
            "backoffLimit: 2, backoff: {initial: 0s}, "
            + "retryPolicy: {rules: [{action: Retry, sqlstates: [23505], errorTypes: [X]}]}"
        let job = try job("\(Self.base), \(keys)")
        #expect(
            job.canonicalText.contains(
                #""backoff":{"factor":2.0,"initial":"0s","jitter":0.2,"max":"10m"}"#))
        #expect(
            job.canonicalText.contains(
                """
                "retryPolicy":{"rules":[{"action":"Retry","errorTypes":["X"],\
                "sqlstates":["23505"]}]}
                """))
        let times = try JobDefinition.times(inCanonicalText: job.canonicalText)
        #expect(times.recurrence == job.recurrence)
        let plain = try AlmanacCoreTests.job(Self.base)
        #expect(job.definitionDigest != plain.definitionDigest)
        #expect(job.scheduleDigest == plain.scheduleDigest)
    }
}
