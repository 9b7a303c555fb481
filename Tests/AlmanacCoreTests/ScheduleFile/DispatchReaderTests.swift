import Scheduling
import Testing

@testable import AlmanacCore

@Suite("What a job says of other runs")
struct DispatchReaderTests {
    private static let base = "task: cleanup\nevery: 1h\nactiveDeadlineSeconds: 60\n"

    private func policy(_ keys: String) throws -> DispatchPolicy {
        try job((Self.base + keys).split(separator: "\n").joined(separator: ", ")).dispatch
    }

    @Test("a job that says nothing forbids overlap, catches up the latest and shares nothing")
    func usual() throws {
        #expect(try policy("") == DispatchPolicy())
        #expect(try policy("").startingDeadline == .untilNext)
        #expect(DispatchPolicy().canonicalMembers.isEmpty)
    }

    @Test("the concurrency policies are those of Kubernetes and Queue, which waits without limit")
    func concurrency() throws {
        for policy in ConcurrencyPolicy.allCases {
            let read = try self.policy("concurrencyPolicy: \(policy.rawValue)")
            #expect(read.concurrency == policy)
            #expect(read.startingDeadline == (policy == .queue ? .none : .untilNext))
        }
        let late = try policy("concurrencyPolicy: Queue\nstartingDeadlineSeconds: 90")
        #expect(late.startingDeadline == .seconds(90))
    }

    @Test(
        "catchUp has a short form and a long one",
        arguments: [
            ("all", CatchUp(.all)), ("none", CatchUp(.none)), ("{}", .usual),
            ("{policy: all, window: 2h, max: 5}", CatchUp(.all, windowSeconds: 7_200, max: 5)),
            ("{policy: none}", CatchUp(.none)),
        ])
    func catchUp(text: String, expected: CatchUp) throws {
        #expect(try policy("catchUp: \(text)").catchUp == expected)
    }

    @Test("locks are sorted by name, and a plain name is an exclusive lock that is not waited for")
    func locks() throws {
        let read = try policy("locks: [{name: z, mode: shared, wait: 5m}, a]").locks
        #expect(
            read == [
                LockUse(name: "a"), LockUse(name: "z", mode: .shared, waitSeconds: 300),
            ])
    }

    @Test(
        "what is wrong is told where it stands",
        arguments: [
            (
                "startingDeadlineSeconds: 0",
                "8:30 'startingDeadlineSeconds' must be at least 1, not 0 "
                    + "(leave the key out for no limit)"
            ),
            (
                "catchUp: some",
                "8:14 'catchUp' cannot be 'some' (possible are 'latest', 'all' and 'none')"
            ),
            (
                "catchUp: {policy: latest, max: 3}",
                "8:31 'max' limits the policy 'all', and the policy is 'latest' "
                    + "(remove it, or write 'policy: all')"
            ),
            (
                "catchUp: {policy: all, max: 0}",
                "8:33 'max' must be from 1 to 1000, not 0"
            ),
            ("priority: 1001", "8:15 'priority' must be from -1000 to 1000, not 1001"),
            (
                "locks: [a, a]",
                "8:16 the lock 'a' stands here twice (remove one of them)"
            ),
            ("locks: [{mode: shared}]", "8:13 a lock has no 'name' (add 'name: …')"),
            (
                "locks: ledger",
                "8:12 'locks' must be a list, not the text 'ledger' "
                    + "(write [ledger], or [{name: ledger, wait: 5m}])"
            ),
            (
                "locks: [{name: a, wait: 30d}]",
                "8:29 'wait' must be at most 24d, which is all the server takes"
            ),
            (
                "needs: []",
                "8:12 'needs' is an empty list (write [load-orders], or [{job: load-orders}])"
            ),
            (
                "needs: [{job: a, when: failure}]",
                "8:28 'when' cannot be 'failure' (possible are 'success' and 'always')"
            ),
            (
                "pool: heavy",
                "8:11 there is no pool 'heavy' (declare it at the top level: "
                    + "'pools: {heavy: {slots: 2}}')"
            ),
        ])
    func wrong(line: String, answer: String) {
        #expect(jobAnswers(Self.base + line) == [answer])
    }

    @Test("a stored definition gives the same policy back, and says nothing of what is usual")
    func stored() throws {
        let text = """
            version: 1
            pools: {heavy: {slots: 2}}
            jobs:
              a: {task: cleanup, every: 1h}
              b:
                task: cleanup
                every: 1h
                concurrencyPolicy: Queue
                startingDeadlineSeconds: 90
                catchUp: {policy: all, window: 2h, max: 5}
                priority: -5
                pool: heavy
                locks: [{name: z, wait: 5m}, {name: a, mode: shared}]
                needs: [{job: a, when: always, within: 2h}]
            """
        let schedule = try self.schedule(text)
        let policy = try #require(schedule.job(named: "b")).dispatch
        #expect(policy.pool?.slots == 2)
        let canonical = try #require(schedule.job(named: "b")).canonicalText
        var kept = try JobDefinition.times(inCanonicalText: canonical).dispatch
        // Places and sizes of pools are those of the file.
        kept.pool = policy.pool
        #expect(kept.needs.map(\.job) == ["a"])
        #expect(kept.needs.map(\.withinSeconds) == [7_200])
        kept.needs = policy.needs
        #expect(kept == policy)
    }

    private func schedule(_ text: String) throws -> Schedule {
        let source = try SourceFile(path: "a.yaml", bytes: Array(text.utf8))
        return try ScheduleLoader(tasks: FakeTasks()).load(sources: [source]).schedule
    }
}

@Suite("Jobs that name jobs and pools")
struct JobReferencesTests {
    private func answers(_ jobs: String, top: String = "") -> [String] {
        scheduleAnswers("version: 1\n\(top)jobs:\n\(jobs)")
    }

    private func line(_ name: String, _ needs: String) -> String {
        "  \(name): {task: cleanup, every: 1h, activeDeadlineSeconds: 9, \(needs)}\n"
    }

    @Test("a need of a job that does not exist is an error, with the nearest name")
    func unknownJob() {
        #expect(
            answers(line("load", "priority: 0") + line("sum", "needs: [laod]")) == [
                "4:69 there is no job 'laod' (did you mean 'load'?)"
            ])
    }

    @Test("a need of a job that has errors of its own is not another error") func brokenJob() {
        let found = answers("  load: {task: cleanup}\n" + line("sum", "needs: [load]"))
        #expect(found.count == 1)
        #expect(found.first?.contains("load") == true)
        #expect(found.first?.contains("there is no job") == false)
    }

    @Test(
        "jobs that wait for one another are told with the whole way, each ring once",
        arguments: [
            (["a": ["a"]], ["the job 'a' would wait for itself: 'a' needs 'a'"]),
            (
                ["a": ["b"], "b": ["c"], "c": ["a"]],
                ["the job 'a' would wait for itself: 'a' needs 'b' needs 'c' needs 'a'"]
            ),
            (
                ["a": ["b"], "b": ["c"], "c": ["b"]],
                ["the job 'b' would wait for itself: 'b' needs 'c' needs 'b'"]
            ),
            (["a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []], []),
        ])
    func cycles(needs: [String: [String]], expected: [String]) {
        let text = needs.keys.sorted().map { name in
            let list = (needs[name] ?? []).joined(separator: ", ")
            return line(name, list.isEmpty ? "priority: 0" : "needs: [\(list)]")
        }.joined()
        let found = answers(text).map { answer in
            String(answer.drop { $0 != " " }.dropFirst().prefix { $0 != "(" }.dropLast())
        }
        #expect(found == expected)
    }

    @Test("a chain of ten thousand needs is no trouble") func longChain() {
        let text = (0..<10_000).map { number in
            line("j\(number)", number == 0 ? "priority: 0" : "needs: [j\(number - 1)]")
        }.joined()
        #expect(answers(text) == [])
    }

    @Test("a pool is for the jobs of all files, and is declared once") func pools() throws {
        let one = "version: 1\npools: {heavy: {slots: 2}}\njobs: {}\n"
        let other = "version: 1\njobs:\n" + line("a", "pool: heavy")
        let sources = try [("1.yaml", one), ("2.yaml", other)].map { path, text in
            try SourceFile(path: path, bytes: Array(text.utf8))
        }
        let loader = ScheduleLoader(tasks: FakeTasks())
        let schedule = try loader.load(sources: sources).schedule
        #expect(schedule.jobs.first?.dispatch.pool?.slots == 2)
        let again = try SourceFile(path: "3.yaml", bytes: Array(one.utf8))
        let error = #expect(throws: DiagnosticsError.self) {
            try loader.load(sources: sources + [again])
        }
        #expect(error?.diagnostics.map(\.message) == ["the pool 'heavy' is declared twice"])
    }

    @Test("a pool that does not exist is an error with the nearest name") func unknownPool() {
        #expect(
            answers(line("a", "pool: hevy"), top: "pools: {heavy: {slots: 2}}\n") == [
                "4:65 there is no pool 'hevy' (did you mean 'heavy'?)"
            ])
    }

    @Test(
        "a pool without a sensible number of slots is an error",
        arguments: [
            (
                "{slots: 0}",
                "2:24 'slots' must be from 1 to 1000, not 0 "
                    + "(to run nothing, suspend the jobs: 'suspend: true')"
            ),
            ("{}", "2:9 the pool 'heavy' has no 'slots' (add 'slots: 2' for two runs at once)"),
            (
                "2",
                "2:16 the pool 'heavy' must be a mapping, not the number 2 "
                    + "(its keys are 'slots')"
            ),
        ])
    func noSlots(value: String, answer: String) {
        #expect(answers("", top: "pools: {heavy: \(value)}\n").contains(answer))
    }
}
