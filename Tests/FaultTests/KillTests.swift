import Foundation
import Testing

@Suite("kill -9 of a node", .serialized)
struct KillTests {
    /// How often; `ALMANAC_TEST_KILLS=100` for more.
    private static let kills =
        ProcessInfo.processInfo.environment["ALMANAC_TEST_KILLS"].flatMap { Int($0) } ?? 20

    @Test("effects and rows agree, however often a node is killed", .timeLimit(.minutes(10)))
    func counter() async throws {
        let seed = UInt64.random(in: .min ... .max)
        print("KillTests: seed \(seed), \(Self.kills) kills")
        var moments = Moments(seed: seed)
        let place = try await Surroundings(
            Jobs.count() + Jobs.count("by-hand", every: "1d", sleepSeconds: 0.1))
        let hands = Task { try await execAndKill(place, seed: seed) }
        for _ in 1...Self.kills {
            let node = try place.start()
            try await Task.sleep(for: .milliseconds(moments.next(in: 100...900)))
            node.send(SIGKILL)
            let end = try await node.waitForEnd()
            #expect(end == .killed(SIGKILL), "\(node.output + node.errors)")
        }
        hands.cancel()
        try await hands.value
        try await settle(place)

        #expect(try place.counted() == place.books.count("succeeded"))
        #expect(try place.counted() > 0)
        #expect(try place.books.errors("count", everySeconds: 1) == [])
        let twice = try place.books.number(
            """
            SELECT count(*) FROM (SELECT FROM almanac.runs WHERE state = 'succeeded' \
            GROUP BY job, scheduled_for HAVING count(*) > 1) AS twice
            """)
        #expect(twice == 0)
        let unproven = try place.books.number(
            """
            SELECT count(*) FROM almanac.runs WHERE state = 'orphaned' \
            AND error_message NOT LIKE 'the backend of the run (pid %, started %) is gone%'
            """)
        #expect(unproven == 0)
        let states = Set(try place.books.rows("count").map(\.state))
        #expect(states.isSubset(of: ["succeeded", "orphaned", "skipped"]))
    }

    /// Runs of the foreground, each killed at a moment of its own, until it is cancelled.
    private func execAndKill(_ place: Surroundings, seed: UInt64) async throws {
        var moments = Moments(seed: ~seed)
        while !Task.isCancelled {
            let exec = try place.start(["exec", "by-hand"])
            try? await Task.sleep(for: .milliseconds(moments.next(in: 50...700)))
            exec.send(SIGKILL)
            _ = try await Task { try await exec.waitForEnd() }.value
        }
    }

    /// A last node finds what the killed ones have left.
    private func settle(_ place: Surroundings) async throws {
        let node = try place.start()
        let before = try place.books.count("count", "succeeded")
        try await eventually("the last node runs") {
            try place.books.count("count", "succeeded") > before
        }
        try await eventually("nothing is left of the killed nodes") {
            try place.books.number(
                "SELECT count(*) FROM almanac.runs WHERE state = 'running' AND job = 'by-hand'")
                == 0
        }
        node.send(SIGTERM)
        #expect(try await node.waitForEnd() == .exited(0))
        #expect(try place.books.count("running") == 0)
    }

    @Test("a job is free again soon after the node that ran it was killed")
    func freedJob() async throws {
        let place = try await Surroundings(
            Jobs.sql("long", every: "2s", "SELECT pg_sleep(1.5)"))
        let first = try place.start()
        try await eventually("a run") { try place.books.count("running") == 1 }
        first.send(SIGKILL)
        let second = try place.start()
        try await eventually("the run is found orphaned", seconds: 8) {
            try place.books.count("long", "orphaned") == 1
        }
        try await eventually("the job runs again", seconds: 8) {
            try place.books.count("long", "succeeded") >= 1
        }
        second.send(SIGTERM)
        #expect(try await second.waitForEnd() == .exited(0))
        #expect(try place.books.errors("long", everySeconds: 2) == [])
    }

    @Test("a node that stood still and was given up cannot commit")
    func zombie() async throws {
        let place = try await Surroundings(
            Jobs.shell("still", every: "1h", "sleep 0.3") + Jobs.count())
        let zombie = try place.start()
        try await eventually("it runs") { try place.books.count("count", "succeeded") > 0 }
        try await eventually("it is in a run") { try place.books.count("count", "running") > 0 }
        zombie.send(SIGSTOP)
        // What the network does to a machine that is gone: its sessions end.
        try place.books.execute(
            """
            SELECT pg_terminate_backend(backend_pid) FROM almanac.runs WHERE state = 'running'
            """)
        let second = try place.start()
        try await eventually("its run is orphaned, or had committed before") {
            try place.books.count("running") == 0
        }
        zombie.send(SIGCONT)
        try await eventually("both go on") {
            Set(try place.books.rows("count").suffix(20).compactMap(\.node)).count == 2
        }
        for node in [zombie, second] {
            node.send(SIGTERM)
            #expect(try await node.waitForEnd() == .exited(0))
        }
        #expect(try place.counted() == place.books.count("count", "succeeded"))
        #expect(try place.books.errors("count", everySeconds: 1) == [])
    }
}

/// Moments that a seed brings about again.
struct Moments {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// A number of milliseconds (SplitMix64, Steele et al. 2014).
    mutating func next(in range: ClosedRange<Int>) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        mixed ^= mixed >> 31
        return range.lowerBound + Int(mixed % UInt64(range.count))
    }
}
