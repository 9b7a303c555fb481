import AlmanacCore
import Foundation
import Glibc
import Synchronization
import SystemPackage

/// The pipe that a program's output comes through, and the tail of what came.
final class OutputCollector: Sendable {
    private let reading: FileDescriptor
    private let writing: FileDescriptor
    private let tail = Mutex(OutputTail())
    private let isOver = DispatchSemaphore(value: 0)

    /// How long what is still in the pipe may take to arrive once the program has ended, in seconds.
    private static let drainSeconds = 0.5

    init() throws {
        (reading, writing) = try FileDescriptor.pipe()
        for end in [reading, writing] { _ = fcntl(end.rawValue, F_SETFD, FD_CLOEXEC) }
        let thread = Thread { [self] in read() }
        thread.name = "almanac-output"
        thread.start()
    }

    /// The ends for standard output and standard error; the one who gets them closes them.
    func writingEnds() throws -> (FileDescriptor, FileDescriptor) {
        let second = try writing.duplicate()
        _ = fcntl(second.rawValue, F_SETFD, FD_CLOEXEC)
        return (writing, second)
    }

    /// The tail of what the program printed, once its group has ended.
    ///
    /// A process that left the group may hold the pipe open for ever; it is not waited for.
    func finish(after child: ChildGroup) -> OutputTail {
        child.end()
        // After a time-out the thread goes on until the pipe's last writer ends; nobody reads it.
        _ = isOver.wait(timeout: .now() + Self.drainSeconds)
        return tail.withLock { $0 }
    }

    private func read() {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = buffer.withUnsafeMutableBytes { try? reading.read(into: $0) } ?? 0
            guard count > 0 else { break }
            tail.withLock { $0.append(contentsOf: buffer[..<count]) }
        }
        try? reading.close()
        isOver.signal()
    }
}

/// The process group of a program, to be ended as a whole.
final class ChildGroup: Sendable {
    private let leader = Mutex<pid_t?>(nil)

    /// The program has started and leads a group of its own.
    func began(_ process: pid_t) { leader.withLock { $0 = process } }

    /// Ends what is left of the group. Does nothing the second time.
    func end() {
        leader.withLock { leader in
            guard let group = leader, group > 1 else { return }
            _ = kill(-group, SIGKILL)
            leader = nil
        }
    }
}
