internal import Foundation

/// The thread that something belongs to.
struct ThreadIdentity {
    private let thread = pthread_self()

    /// True on that thread.
    var isCurrent: Bool { pthread_equal(thread, pthread_self()) != 0 }
}
