import Foundation
import Glibc
import Testing

@testable import AlmanacCore

@Suite("A worker's thread")
struct WorkerThreadTests {
    @Test("bears its name where the system shows threads", arguments: ["almanac-1", "almanac-512"])
    func name(name: String) async {
        let thread = WorkerThread(name: name)
        defer { thread.stop() }
        let shown = await Task(executorPreference: thread) { Self.currentName() }.value
        #expect(shown == name)
    }

    @Test("runs one thing after the other, in the order in which they came")
    func order() async {
        let thread = WorkerThread(name: "almanac-test")
        defer { thread.stop() }
        let (threads, post) = AsyncStream.makeStream(of: (Int, UInt).self)
        for number in 0..<50 {
            Task(executorPreference: thread) { post.yield((number, Self.currentThread())) }
        }
        Task(executorPreference: thread) { post.finish() }
        var numbers: [Int] = []
        var seen: Set<UInt> = []
        for await (number, thread) in threads {
            numbers.append(number)
            seen.insert(thread)
        }
        #expect(numbers == Array(0..<50))
        #expect(seen.count == 1)
    }

    /// As proc(5) has it.
    private static func currentName() -> String? {
        let text = try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
        return text?.trimmingCharacters(in: .newlines)
    }

    private static func currentThread() -> UInt { UInt(pthread_self()) }
}
