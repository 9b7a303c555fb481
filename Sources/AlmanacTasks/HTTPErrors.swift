package import AlmanacCore
import Foundation

/// An answer with a status that was not expected.
public struct HTTPStatus: Error, Sendable, CustomStringConvertible {
    /// The method and the address without its query.
    public let request: String
    /// The status, such as 503.
    public let code: Int
    /// Where a redirect points to.
    public let location: String?
    /// How long the other side asks to be left alone.
    public let retryAfterSeconds: Double?

    /// The request, the status and what to do.
    public var description: String {
        let target = location.map { " to \($0); redirects are followed for GET alone" } ?? ""
        return "\(request) was answered with status \(code)\(target)"
    }
}

extension HTTPStatus: RetryAdvising {
    /// Overload and trouble of the other side pass; what it refuses it will refuse again.
    package var retryAdvice: RetryAdvice {
        switch code {
        case 408, 425, 429, 500...: .retry(afterSeconds: retryAfterSeconds)
        default: .fail
        }
    }
}

/// A request has got no answer.
public struct HTTPFailed: Error, Sendable, CustomStringConvertible {
    /// The method and the address without its query.
    public let request: String
    /// What went wrong.
    public let problem: String

    /// The request and what went wrong.
    public var description: String { "\(request): \(problem)" }
}

/// The statuses that are a success: one, or a list.
public struct ExpectedStatus: Decodable, Sendable, Hashable {
    let codes: Set<Int>

    /// 200 to 299.
    static let success = ExpectedStatus(codes: Set(200...299))

    init(codes: Set<Int>) { self.codes = codes }

    /// - Throws: an error for what is neither a status nor a list of them.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let list =
            try (try? container.decode(Int.self)).map { [$0] } ?? container.decode([Int].self)
        guard !list.isEmpty, list.allSatisfy({ (100...599).contains($0) }) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a status is a number from 100 to 599")
        }
        codes = Set(list)
    }

    func contains(_ code: Int) -> Bool { codes.contains(code) }
}

/// The header `Retry-After` (RFC 9110, 10.2.3).
enum RetryAfter {
    /// So many seconds, or until an instant: from the `date` of the answer on, so that it is no
    /// matter whose clock is right.
    static func seconds(_ text: String, date: String?) -> Double? {
        let text = text.trimmingCharacters(in: .whitespaces)
        if let seconds = Int(text) { return seconds >= 0 ? Double(seconds) : nil }
        guard let until = instant(text), let now = date.flatMap(instant) else { return nil }
        return max(0, until.timeIntervalSince(now))
    }

    /// An instant as HTTP has it (RFC 9110, 5.6.7).
    private static func instant(_ text: String) -> Date? {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = .gmt
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        return format.date(from: text)
    }
}
