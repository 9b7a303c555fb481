import AlmanacCore
import Dispatch
import Testing

@Suite("Code that blocks the threads which all tasks share")
struct BlockedThreadsTests {
    @Test("a sleep of the machine's clock ends on time beside it")
    func sleepBesideBlocked() async throws {
        let clock = try SystemClock()
        let gate = DispatchSemaphore(value: 0)
        let blocked = 64
        let thread = WorkerThread(name: "sleeper")
        defer { thread.stop() }
        let sleeper = Task(executorPreference: thread) {
            try await clock.sleep(for: .milliseconds(300))
            for _ in 0..<blocked { gate.signal() }
        }
        // Each ends by the sleeper's hand, or by its own bound if the sleeper overslept.
        let blockers = (0..<blocked).map { _ in
            Task { gate.wait(timeout: .now() + 4) == .success }
        }
        try await sleeper.value
        for blocker in blockers { #expect(await blocker.value, "the sleeper overslept") }
    }
}
