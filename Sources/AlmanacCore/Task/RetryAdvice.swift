/// An error that knows whether another attempt can help.
package protocol RetryAdvising: Error {
    /// What to do where the job's rules say nothing.
    var retryAdvice: RetryAdvice { get }
}

/// What an error advises.
package enum RetryAdvice: Sendable, Hashable {
    /// Another attempt may help, but not before so many seconds.
    case retry(afterSeconds: Double?)
    /// It would end the same way.
    case fail
}

extension RetryAdvice {
    var action: RetryPolicy.Action {
        switch self {
        case .retry: .retry
        case .fail: .fail
        }
    }

    /// How long to wait at the least, if it says so.
    var leastSeconds: Double? {
        switch self {
        case .retry(let seconds): seconds
        case .fail: nil
        }
    }
}
