import AlmanacTesting
import Foundation
import Testing

@testable import PostgresSession

/// What a pool answered, without the connection and the signal in it.
private enum Said: Equatable { case idle, open, wait, closed }

extension Pool.Answer {
    fileprivate var said: Said {
        switch self {
        case .idle: .idle
        case .open: .open
        case .wait: .wait
        case .closed: .closed
        }
    }

    fileprivate var ticket: Int? {
        switch self {
        case .idle(_, let ticket), .open(let ticket): ticket
        case .wait, .closed: nil
        }
    }

    fileprivate var signal: DispatchSemaphore? {
        if case .wait(let signal) = self { signal } else { nil }
    }

    fileprivate var connection: Connection? {
        if case .idle(let parked, _) = self { parked.connection } else { nil }
    }
}

extension DispatchSemaphore {
    /// True if it has been signalled; takes the signal.
    fileprivate var isSignalled: Bool { wait(timeout: .now()) == .success }
}

/// A pool that can be asked inside of an expectation.
private final class TestPool {
    private var pool: Pool

    init(size: Int) { pool = Pool(size: size) }

    func take(for holder: String, at now: Double, after signal: DispatchSemaphore? = nil)
        -> Pool.Answer
    { pool.take(for: holder, at: now, after: signal) }
    @discardableResult
    func put(_ parked: Pool.Parked?, _ ticket: Int) -> Bool { pool.put(parked, ticket) }
    func stopWaiting(_ signal: DispatchSemaphore) { pool.stopWaiting(signal) }
    func close() -> [Pool.Parked] { pool.close() }
    func statistics(at now: Double) -> Engine.Statistics { pool.statistics(at: now) }
}

@Suite("The pool's bookkeeping")
struct PoolTests {
    @Test("connections are opened up to the size, then waited for, in the order of asking")
    func waitingOrder() throws {
        let pool = TestPool(size: 2)
        let first = try #require(pool.take(for: "a", at: 0).ticket)
        let second = try #require(pool.take(for: "b", at: 1).ticket)
        let waiting = try ["c", "d", "e"].map { try #require(pool.take(for: $0, at: 2).signal) }
        #expect(pool.statistics(at: 3).waiting == 3)
        #expect(!pool.put(nil, first))
        #expect(waiting.map(\.isSignalled) == [true, false, false])
        #expect(!pool.put(nil, second))
        #expect(waiting.map(\.isSignalled) == [false, true, false])
        // Whoever comes now is behind those who were called, though their places are still free.
        #expect(pool.take(for: "late", at: 4).said == .wait)
        #expect(pool.take(for: "c", at: 4, after: waiting[0]).said == .open)
        #expect(pool.take(for: "late", at: 4).said == .wait)
        #expect(pool.take(for: "d", at: 4, after: waiting[1]).said == .open)
        #expect(pool.statistics(at: 5).inUse == 2)
    }

    @Test("a call that came too late goes to the next in line")
    func lateCall() throws {
        let pool = TestPool(size: 1)
        let ticket = try #require(pool.take(for: "a", at: 0).ticket)
        let waiting = try ["b", "c", "d"].map { try #require(pool.take(for: $0, at: 0).signal) }
        pool.stopWaiting(waiting[1])  // Gave up before it was called.
        _ = pool.put(nil, ticket)
        #expect(waiting.map(\.isSignalled) == [true, false, false])
        pool.stopWaiting(waiting[0])  // Gave up although it was called.
        #expect(waiting.map(\.isSignalled) == [false, false, true])
        #expect(pool.take(for: "d", at: 0, after: waiting[2]).said == .open)
        #expect(pool.statistics(at: 0).waiting == 0)
    }

    @Test("after a call that nobody took up the place is free again")
    func nobodyLeft() throws {
        let pool = TestPool(size: 1)
        let ticket = try #require(pool.take(for: "a", at: 0).ticket)
        let signal = try #require(pool.take(for: "b", at: 0).signal)
        _ = pool.put(nil, ticket)
        pool.stopWaiting(signal)
        #expect(pool.take(for: "c", at: 0).said == .open)
    }

    @Test("closing wakes everyone who waits, and gives out what is idle to be closed")
    func closing() async throws {
        try await onSharedDatabase { connection in
            let pool = TestPool(size: 2)
            let tickets = try ["a", "b"].map { try #require(pool.take(for: $0, at: 0).ticket) }
            #expect(pool.put(.init(connection, idleSince: 0), tickets[0]))
            let again = try #require(pool.take(for: "a", at: 0).ticket)
            let waiting = try ["c", "d"].map { try #require(pool.take(for: $0, at: 0).signal) }
            #expect(pool.close().isEmpty)
            #expect(waiting.map(\.isSignalled) == [true, true])
            #expect(pool.take(for: "c", at: 0, after: waiting[0]).said == .closed)
            // What comes back now is not kept.
            let isKept = pool.put(.init(connection, idleSince: 0), again)
            #expect(!isKept)
            #expect(pool.statistics(at: 0).idle == 0)
            let idle = TestPool(size: 1)
            let ticket = try #require(idle.take(for: "a", at: 0).ticket)
            #expect(idle.put(.init(connection, idleSince: 0), ticket))
            #expect(idle.close().map { $0.connection === connection } == [true])
            #expect(idle.close().isEmpty)
        }
    }

    @Test("the connection given back last is given out first; a broken one is not kept")
    func lastInFirstOut() async throws {
        let library = try await Library.make()
        let connections = try (0..<3).map { _ in try library.engine.connect(for: "x") }
        defer { connections.forEach { $0.close() } }
        let pool = TestPool(size: 3)
        let tickets = try (0..<3).map { try #require(pool.take(for: "\($0)", at: 0).ticket) }
        for (connection, ticket) in zip(connections, tickets) {
            #expect(pool.put(.init(connection, idleSince: 0), ticket))
        }
        let last = pool.take(for: "x", at: 0)
        #expect(last.connection === connections[2])
        _ = pool.put(nil, try #require(last.ticket))
        #expect(pool.statistics(at: 0).idle == 2)
        #expect(pool.take(for: "x", at: 0).connection === connections[1])
        #expect(pool.take(for: "x", at: 0).connection === connections[0])
        #expect(pool.take(for: "x", at: 0).said == .open)
        #expect(pool.take(for: "x", at: 0).said == .wait)
    }

    @Test("the statistics name the holders, the longest first")
    func holders() throws {
        let pool = TestPool(size: 3)
        for (name, time) in [("young", 9.0), ("old", 1.0), ("middle", 5.0)] {
            _ = pool.take(for: name, at: time)
        }
        let statistics = pool.statistics(at: 10)
        #expect(statistics.holders.map(\.name) == ["old", "middle", "young"])
        #expect(statistics.holders.map(\.heldSeconds) == [9, 5, 1])
        #expect(statistics.inUse == 3 && statistics.idle == 0 && statistics.waiting == 0)
    }

    @Test("whatever is taken, given back, given up and called: never too many, never one lost")
    func random() throws {
        var random = SeededGenerator.printed("pool")
        let pool = TestPool(size: 3)
        var held: [Int] = []
        var waiting: [DispatchSemaphore] = []
        func note(_ answer: Pool.Answer) {
            if let ticket = answer.ticket { held.append(ticket) }
            if let signal = answer.signal { waiting.append(signal) }
        }
        for _ in 0..<20_000 {
            switch Int.random(in: 0..<4, using: &random) {
            case 0 where waiting.count < 6: note(pool.take(for: "x", at: 0))
            case 1 where !held.isEmpty:
                _ = pool.put(nil, held.remove(at: Int.random(in: 0..<held.count, using: &random)))
            case 2 where !waiting.isEmpty:
                let index = Int.random(in: 0..<waiting.count, using: &random)
                pool.stopWaiting(waiting.remove(at: index))
            default:
                guard let index = waiting.firstIndex(where: \.isSignalled) else { continue }
                let signal = waiting.remove(at: index)
                let answer = pool.take(for: "x", at: 0, after: signal)
                // Whoever was called is served.
                try #require(answer.ticket != nil)
                note(answer)
            }
            try #require(pool.statistics(at: 0).inUse == held.count && held.count <= 3)
        }
        // All give back: everyone who waits is served, one after another.
        while !held.isEmpty || !waiting.isEmpty {
            if let ticket = held.popLast() { _ = pool.put(nil, ticket) }
            if let index = waiting.firstIndex(where: \.isSignalled) {
                note(pool.take(for: "x", at: 0, after: waiting.remove(at: index)))
            }
            try #require(!held.isEmpty || waiting.isEmpty, "somebody waits for ever")
        }
    }
}

@Suite("The pool at work")
struct PoolAtWorkTests {
    @Test("threads that wait are served in the order they came")
    func served() async throws {
        let library = try await Library.make(poolSize: 1)
        let engine = library.engine
        let held = try engine.checkOut(for: "first")
        let order = Served()
        let threads = try (0..<4).map { number in
            let thread = startThread {
                try engine.withConnection(for: "\(number)") { _ in order.add(number) }
            }
            try eventually { engine.statistics.waiting == number + 1 }
            return thread
        }
        engine.checkIn(held)
        try threads.forEach { try $0() }
        #expect(order.all == [0, 1, 2, 3])
    }

    @Test("closing the engine turns away those who wait, at once")
    func closedWhileWaiting() async throws {
        let library = try await Library.make(poolSize: 1)
        let engine = library.engine
        let held = try engine.checkOut(for: "holder")
        let threads = (0..<3).map { _ in
            startThread { try failure(.engineClosed) { _ = try engine.checkOut(for: "waiter") } }
        }
        try eventually { engine.statistics.waiting == 3 }
        engine.close()
        for thread in threads { #expect(try thread().code == .engineClosed) }
        engine.checkIn(held)
        #expect(!held.isUsable)
    }

    @Test("a connection that breaks in use is dropped, and its place is free at once")
    func brokenInUse() async throws {
        let library = try await Library.make(poolSize: 1)
        let broken = try library.engine.checkOut(for: "victim")
        _ = try? broken.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        library.engine.checkIn(broken)
        #expect(library.engine.statistics.idle == 0 && library.engine.statistics.inUse == 0)
        let next = try library.engine.checkOut(for: "next")
        #expect(next !== broken && next.isUsable)
        library.engine.checkIn(next)
    }

    @Test("a connection is given back once; a second time, or to another engine, only closes it")
    func giveBackTwice() async throws {
        let library = try await Library.make(poolSize: 2)
        let held = try library.engine.checkOut(for: "x")
        library.engine.checkIn(held)
        library.engine.checkIn(held)
        #expect(!held.isUsable)
        let outside = try library.engine.connect(for: "outside")
        library.engine.checkIn(outside)
        #expect(!outside.isUsable)
        #expect(library.engine.statistics.inUse == 0)
        try library.engine.withConnection { #expect($0.isUsable) }
    }

    @Test("a connection given back calls nobody of its last holder any more")
    func closures() async throws {
        let library = try await Library.make(poolSize: 1)
        let log = try library.engine.withConnection { connection in
            connection.onNotice = { _ in Issue.record("a notice of another holder") }
            return StatementLog(connection)
        }
        log.clear()
        try library.engine.withConnection { connection in
            try connection.execute("DO $$ BEGIN RAISE NOTICE 'x'; END $$")
            #expect(connection.holder == "connection")
        }
        #expect(log.statements.isEmpty)
    }

    @Test(
        "a connection idle for long is asked for a sign of life, one fresh from use is not",
        arguments: [0.0, 3600])
    func ping(idlePingSeconds: Double) async throws {
        let library = try await Library.make(poolSize: 1) { $0.idlePingSeconds = idlePingSeconds }
        let process = try library.engine.withConnection { $0.backendProcessID }
        try library.engine.withConnection { connection in
            #expect(connection.backendProcessID == process)
            // The ping leaves nothing to be reset.
            #expect(!connection.needsReset)
            let other = try library.engine.connect(for: "observer")
            defer { other.close() }
            let last = try other.query(
                "SELECT query = 'SELECT 1' FROM pg_stat_activity WHERE pid = \(process)")[0]
            #expect(try last.get(at: 0, as: Bool.self) == (idlePingSeconds == 0))
        }
    }

    @Test("all connections dead, as after a restart: each is replaced at its first use")
    func allDead() async throws {
        let library = try await Library.make(poolSize: 3)
        let held = try (0..<3).map { try library.engine.checkOut(for: "\($0)") }
        held.forEach(library.engine.checkIn)
        let dead = held.map(\.backendProcessID)
        let killer = try library.engine.connect(for: "killer")
        defer { killer.close() }
        for process in dead { try killer.execute("SELECT pg_terminate_backend(\(process), 10000)") }
        let fresh = try (0..<3).map { _ in try library.engine.checkOut(for: "x") }
        for connection in fresh { try connection.execute("SELECT 1") }
        #expect(Set(fresh.map(\.backendProcessID)).isDisjoint(with: dead))
        fresh.forEach(library.engine.checkIn)
        #expect(library.engine.statistics.idle == 3)
    }

    @Test("a connection that cannot be made leaves its place free")
    func cannotConnect() throws {
        var configuration = EngineConfiguration("host=/nowhere dbname=x")
        configuration.poolSize = 1
        configuration.acquireTimeoutSeconds = 5
        let engine = Engine(configuration)
        for _ in 0..<3 {
            _ = try failure(.connectionRefused) { _ = try engine.checkOut(for: "x") }
        }
        #expect(engine.statistics.inUse == 0)
    }

    @Test("an exhausted pool's message has the time, the size and every holder, and what to do")
    func exhaustedMessage() async throws {
        let library = try await Library.make(poolSize: 2) { $0.acquireTimeoutSeconds = 0.05 }
        let held = try ["rollup, attempt 2", "report"].map { try library.engine.checkOut(for: $0) }
        let error = try failure(.poolExhausted) { _ = try library.engine.checkOut(for: "late") }
        let pattern =
            #/
            no\ connection\ became\ free\ within\ 0\.05\ s;\ all\ 2\ are\ held,
            \ by\ rollup,\ attempt\ 2\ for\ \d+\.\d\ s,\ report\ for\ \d+\.\d\ s
            /#
        #expect(error.message.wholeMatch(of: pattern) != nil, "\(error.message)")
        #expect(error.hint == "Close sessions sooner, or raise poolSize or maxOverflow")
        #expect(error.isRetryable && error.classification == .connection)
        held.forEach(library.engine.checkIn)
    }

    @Test("a pool has room for one, whatever it is told", arguments: [0, -3])
    func sizes(size: Int) async throws {
        let library = try await Library.make(poolSize: size)
        #expect(try library.engine.withConnection { try $0.query("SELECT 1").count } == 1)
    }
}

/// The order in which threads were served.
private final class Served: Sendable {
    private let lock = NSLock()
    // Safe because it is only touched under `lock`.
    nonisolated(unsafe) private var numbers: [Int] = []

    var all: [Int] { lock.withLock { numbers } }
    func add(_ number: Int) { lock.withLock { numbers.append(number) } }
}

@Suite("Overflow and age of a pool's connections")
struct PoolLimitTests {
    @Test("more connections than the size are lent for a while, and not kept")
    func overflow() async throws {
        let library = try await Library.make(poolSize: 1) {
            $0.maxOverflow = 2
            $0.acquireTimeoutSeconds = 0.1
        }
        let engine = library.engine
        let held = try ["a", "b", "c"].map { try engine.checkOut(for: $0) }
        let error = try failure(.poolExhausted) { _ = try engine.checkOut(for: "d") }
        #expect(error.message.contains("all 3 are held"))
        held.forEach(engine.checkIn)
        #expect(engine.statistics.idle == 1 && engine.statistics.inUse == 0)
        #expect(held.map(\.isUsable).count { $0 } == 1)
    }

    @Test("an overflow connection goes to somebody who waits")
    func handedOn() {
        var pool = Pool(size: 1, overflow: 1)
        guard case .open(let first) = pool.take(for: "a", at: 0),
            case .open(let second) = pool.take(for: "b", at: 0),
            case .wait(let signal) = pool.take(for: "c", at: 0)
        else {
            Issue.record("not as many as the size and the overflow")
            return
        }
        _ = pool.put(nil, first)
        if case .open = pool.take(for: "c", at: 0, after: signal) {
        } else {
            Issue.record("the place is not free")
        }
        _ = pool.put(nil, second)
    }

    @Test(
        "a connection that is too old is replaced when it is asked for",
        arguments: [
            (0.0, true), (3600.0, false),
        ])
    func recycle(seconds: Double, isReplaced: Bool) async throws {
        let library = try await Library.make(poolSize: 1) { $0.recycleSeconds = seconds }
        let first = try library.engine.withConnection { $0.backendProcessID }
        let second = try library.engine.withConnection { $0.backendProcessID }
        #expect((first != second) == isReplaced)
        #expect(library.engine.statistics.idle == 1)
    }
}
