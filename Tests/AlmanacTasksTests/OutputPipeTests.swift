import AlmanacCore
import Foundation
import Glibc
import SystemPackage
import Testing

@testable import AlmanacTasks

@Suite("The pipe of a program's output")
struct OutputPipeTests {
    @Test("has what was written in the moment before its end")
    func lastMoment() throws {
        let text = String(repeating: "x", count: 10_000) + "end"
        for _ in 1...200 {
            let pipe = try OutputPipe()
            try pipe.writing.writeAll(text.utf8)
            let tail = pipe.finish()
            #expect(tail.description == text)
        }
    }

    @Test("ends while others write to it without end")
    func endless() throws {
        for _ in 1...20 {
            let pipe = try OutputPipe()
            let writers = (1...3).map { _ in EndlessWriter(to: pipe.writing.rawValue) }
            for writer in writers { writer.waitUntilWriting() }
            let tail = pipe.finish()
            #expect(!tail.isEmpty)
            for writer in writers { writer.stop() }
        }
    }
}

/// A thread that writes to a pipe as fast as it can.
private final class EndlessWriter: Sendable {
    private let descriptor: Int32
    private let hasWritten = DispatchSemaphore(value: 0)
    private let hasStopped = DispatchSemaphore(value: 0)

    init(to descriptor: Int32) {
        // One of its own, for the pipe closes that of its own.
        self.descriptor = dup(descriptor)
        _ = fcntl(self.descriptor, F_SETFL, O_NONBLOCK)
        let thread = Thread { [self] in write() }
        thread.start()
    }

    func waitUntilWriting() { hasWritten.wait() }

    func stop() {
        hasStopped.wait()
        close(descriptor)
    }

    private func write() {
        // On this thread alone: its reader will go, and that is not to end the tests.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        let bytes = [UInt8](repeating: 0x78, count: 1 << 16)
        var rounds = 0
        while Glibc.write(descriptor, bytes, bytes.count) >= 0 || errno == EAGAIN {
            rounds += 1
            if rounds == 100 { hasWritten.signal() }
        }
        hasStopped.signal()
    }
}
