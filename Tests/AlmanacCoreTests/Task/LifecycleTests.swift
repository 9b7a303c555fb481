import AlmanacCore
import AlmanacTesting
import Foundation
import PostgresSession
import Testing

@Suite("The stages of an attempt")
struct LifecycleTests {
    @Test("a success goes through every stage once, under one run id")
    func success() async throws {
        let fixture = try await RunFixture()
        let row = try await fixture.run(.insert)
        #expect(row.state == .succeeded)
        let entries = Journal.of(fixture.name)
        #expect(entries.map(\.stage) == ["beforeStart", "run", "onSuccess", "afterReturn"])
        #expect(Set(entries.map(\.runID)) == [row.runID])
        #expect(try fixture.marks() == ["inserted"])
        #expect(try fixture.leftovers().isEmpty)
    }

    @Test("an error in run rolls back and reaches onFailure and afterReturn as itself")
    func failure() async throws {
        let fixture = try await RunFixture()
        let row = try await fixture.run(.insertThenFail)
        #expect(row.state == .failed)
        #expect(row.errorType == "ProbeError")
        #expect(row.errorMessage == "after the insert")
        let entries = Journal.of(fixture.name)
        #expect(entries.map(\.stage) == ["beforeStart", "run", "onFailure", "afterReturn"])
        #expect(
            entries.suffix(2).map(\.detail) == ["after the insert", "failed: after the insert"])
        #expect(try fixture.marks().isEmpty)
        #expect(try fixture.leftovers().isEmpty)
    }

    @Test("an error in beforeStart keeps run from being called and is the run's error")
    func failureBeforeStart() async throws {
        let fixture = try await RunFixture()
        let row = try await fixture.run(.insert, failing: "beforeStart")
        #expect(row.state == .failed)
        #expect(row.errorMessage == "beforeStart failed")
        #expect(Journal.stages(fixture.name) == ["beforeStart", "onFailure", "afterReturn"])
        #expect(try fixture.marks().isEmpty)
        #expect(try fixture.leftovers().isEmpty)
    }

    @Test("Ignore skips the run with its reason, and afterReturn is called")
    func ignore() async throws {
        let fixture = try await RunFixture()
        let row = try await fixture.run(.ignore)
        #expect(row.state == .skipped)
        #expect(row.reason == "ignored")
        #expect(row.errorMessage == "nothing to do")
        #expect(row.errorType == nil)
        #expect(Journal.stages(fixture.name) == ["beforeStart", "run", "afterReturn"])
        #expect(try fixture.leftovers().isEmpty)
    }

    @Test("Reject fails the run for good, and afterReturn is called")
    func reject() async throws {
        let fixture = try await RunFixture()
        let row = try await fixture.run(.reject)
        #expect(row.state == .failed)
        #expect(row.errorType == "Reject")
        #expect(row.errorMessage == "never will")
        #expect(Journal.of(fixture.name).last?.detail == "failed: never will")
        #expect(try fixture.leftovers().isEmpty)
    }

    @Test(
        "a hook that throws after the outcome is recorded, and changes neither it nor later hooks",
        arguments: [
            (ProbeTask.Deed.insert, "onSuccess", RunState.succeeded),
            (.insert, "afterReturn", .succeeded),
            (.fail, "onFailure", .failed),
            (.fail, "afterReturn", .failed),
        ])
    func failingHook(deed: ProbeTask.Deed, stage: String, state: RunState) async throws {
        let fixture = try await RunFixture()
        let row = try await fixture.run(deed, failing: stage)
        #expect(row.state == state)
        #expect(row.hookError == "\(stage): \(stage) failed")
        #expect(Journal.stages(fixture.name).last == "afterReturn")
        #expect(try fixture.marks() == (deed == .insert ? ["inserted"] : []))
        #expect(try fixture.leftovers().isEmpty)
        let next = try await fixture.run(.insert)
        #expect(next.state == .succeeded)
        #expect(next.hookError == nil)
    }

    @Test("a result is encoded before the commit: what cannot be encoded leaves nothing written")
    func unencodableResult() async throws {
        let fixture = try await RunFixture()
        let row = try await fixture.run(.unencodable)
        #expect(row.state == .failed)
        #expect(row.errorType == "EncodingError")
        #expect(row.result == nil)
        #expect(try fixture.marks().isEmpty)
    }

    @Test("what a run leaves as result and output is in its row")
    func resultAndOutput() async throws {
        let fixture = try await RunFixture()
        #expect(try await fixture.run(.result).result == #"{"answer": 42}"#)
        #expect(try await fixture.run(.print).output == "one\ntwo\n")
    }

    @Test("every run's row has its identity, its times and its place")
    func row() async throws {
        let fixture = try await RunFixture()
        let due = Date(timeIntervalSince1970: 1_790_000_000)
        let row = try await fixture.runner.run(
            "probe", parameters: "journal: \(fixture.name)\ndeed: insert", scheduledFor: due)
        #expect(row.job == "job")
        #expect(row.task == "probe")
        #expect(row.scheduledFor == due)
        #expect(row.attempt == 1)
        #expect(row.trigger == "manual")
        #expect(row.node == fixture.runner.services.ledger.node)
        #expect(row.worker == 1)
        #expect(row.rowsAffected == 1)
        #expect(row.transactionID != nil)
        #expect(row.backendPID ?? 0 > 0)
        let (started, finished) = (try #require(row.startedAt), try #require(row.finishedAt))
        #expect(row.queuedAt <= started && started <= finished)
        #expect(row.parameters == #"{"deed": "insert", "journal": "\#(fixture.name)"}"#)
    }

    @Test("a failed row has the error's type, SQLSTATE and message")
    func failedRow() async throws {
        let fixture = try await RunFixture()
        let row = try await fixture.run(.deferred)
        #expect(row.errorType == "UniqueViolation")
        #expect(row.sqlState == "23505")
        #expect(row.errorMessage?.contains("pairs_id_key") == true)
        #expect(row.finishedAt != nil)
        #expect(row.transactionID == nil)
    }

    @Test("a placeholder without a value fails the run before its task exists")
    func missingVariable() async throws {
        let fixture = try await RunFixture()
        let row = try await fixture.runner.run(
            "probe", parameters: "journal: ${env:ALMANAC_NO_SUCH_VARIABLE}\ndeed: succeed")
        #expect(row.state == .failed)
        #expect(row.errorType == "UnresolvedPlaceholder")
        #expect(row.errorMessage?.contains("ALMANAC_NO_SUCH_VARIABLE") == true)
    }
}
