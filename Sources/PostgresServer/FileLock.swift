import Foundation
import Glibc

/// A lock that the kernel gives back when its holder ends, however that happens.
struct FileLock: ~Copyable {
    private let descriptor: Int32

    /// Waits for the lock; throws when it cannot be had in that time.
    init(path: String, timeoutSeconds: Double) throws {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Directory.error(errno, path) }
        let descriptor = descriptor
        let isLocked = Deadline(secondsFromNow: timeoutSeconds).wait {
            flock(descriptor, LOCK_EX | LOCK_NB) == 0
        }
        guard isLocked else {
            close(descriptor)
            throw ServerError(
                code: .notReady,
                message: "another process holds \(path) and has been starting a server for more "
                    + "than \(Int(timeoutSeconds)) s; end that process, then try again")
        }
    }

    deinit {
        close(descriptor)
    }
}
