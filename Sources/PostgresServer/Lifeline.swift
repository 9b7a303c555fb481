import Glibc
internal import Synchronization

/// The writing end of a pipe that nothing is written to: to close it is the message.
final class Lifeline: Sendable {
    private let descriptor: Mutex<Int32>

    init(descriptor: Int32) {
        self.descriptor = Mutex(descriptor)
    }

    deinit {
        cut()
    }

    /// Lends the descriptor; negative once it is cut.
    func withDescriptor<Result>(_ body: (Int32) throws -> Result) rethrows -> Result {
        try descriptor.withLock { try body($0) }
    }

    /// Closes it, once.
    func cut() {
        descriptor.withLock {
            if $0 >= 0 { close($0) }
            $0 = -1
        }
    }
}
