public import AlmanacCore
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// Makes an HTTP request: the built-in task `http`.
///
/// The run succeeds when the answer has an expected status, by default 200 to 299. The tail of the
/// answer is the run's `output`, its status the `result`. Certificates are verified. Redirects are
/// followed for GET and HEAD alone, five at the most: elsewhere a redirect would turn the request
/// into another one, and is a status like any other.
///
/// In a channel it sends the message as one JSON object where there is no `body`. In its `url` the
/// fields of the message are percent-encoded.
///
/// `Idempotency-Key` is the run's id unless `headers` say otherwise. Values of `${env:X}` and
/// `${file:P}` are left out of all messages and of the output.
///
/// Not guaranteed: that a request which has failed was not carried out. A connection may end
/// between the deed and the answer.
public struct HTTPTask: BatchTask {
    /// The name in a schedule file.
    public static let name = "http"
    /// Filled in by the task: in an address a message is written in another way.
    public static var placeholders: PlaceholderPolicy { .verbatim }

    /// Where to: `https://` or `http://`.
    public var url: String
    /// By default POST.
    public var method: String?
    /// Added to the request.
    public var headers: [String: String]?
    /// What is sent.
    public var body: String?
    /// The statuses that are a success.
    public var expectStatus: ExpectedStatus?
    /// How long the request may take, with its answer. By default 60.
    public var timeoutSeconds: Int?

    static let defaultTimeoutSeconds = 60
    static let redirectLimit = 5

    /// A URL, method and headers that a request can have, and placeholders that there are.
    public func validate(_ definition: TaskDefinition) throws {
        for (name, text) in texts {
            let problems = try Self.placeholders(name, text).lazy.compactMap {
                $0.problem(in: definition)
            }
            if let problem = problems.first {
                throw InvalidParameter(name, problem.message, help: problem.help)
            }
            if name == "headers" { try Self.checkLines(text) }
        }
        // What is behind a placeholder is seen when the run starts.
        if !url.contains("${") { try Self.check(url: url) }
        try Self.check(method: usedMethod)
        for name in (headers ?? [:]).keys { try Self.check(headerName: name) }
        guard timeoutSeconds.map({ (1...86_400).contains($0) }) ?? true else {
            throw InvalidParameter(
                "timeoutSeconds", "'timeoutSeconds' is out of range", help: "use 1 to 86400")
        }
        if body != nil, ["GET", "HEAD"].contains(usedMethod) {
            throw InvalidParameter(
                "body", "\(usedMethod) has no body", help: "remove it, or use 'method: POST'")
        }
    }

    /// Makes the request.
    ///
    /// - Throws: `HTTPStatus` for another status than the expected ones, `HTTPFailed` when there is
    ///   no answer.
    public func run(_ context: TaskContext) async throws {
        let request = try request(context)
        let target = Self.shown(request.url)
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration =
            ["GET", "HEAD"].contains(usedMethod)
            ? .follow(max: Self.redirectLimit, allowCycles: false) : .disallow
        configuration.timeout.connect = .seconds(Int64(min(usedTimeoutSeconds, 10)))
        // Whether to try again is a matter of the job.
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let answer = try await answer(to: request, by: client)
            try? await client.shutdown()
            try finish(answer, target, context)
        } catch let error as HTTPStatus {
            throw error
        } catch {
            try? await client.shutdown()
            try context.checkStopped()
            throw HTTPFailed(
                request: "\(usedMethod) \(target)", problem: RunSecrets.striking(Self.words(error)))
        }
    }

    private struct Answer {
        let status: Int
        let retryAfterSeconds: Double?
        let location: String?
        let body: OutputTail
    }

    private func answer(to request: HTTPClientRequest, by client: HTTPClient) async throws -> Answer
    {
        let response = try await client.execute(
            request, timeout: .seconds(Int64(usedTimeoutSeconds)))
        var tail = OutputTail()
        for try await part in response.body { tail.append(contentsOf: part.readableBytesView) }
        return Answer(
            status: Int(response.status.code),
            retryAfterSeconds: response.headers.first(name: "Retry-After").flatMap {
                RetryAfter.seconds($0, date: response.headers.first(name: "Date"))
            },
            location: response.headers.first(name: "Location"), body: tail)
    }

    private func finish(
        _ answer: Answer, _ target: String, _ context: TaskContext
    ) throws {
        context.output.append(RunSecrets.striking(answer.body.description))
        context.result = ["status": answer.status]
        guard (expectStatus ?? .success).contains(answer.status) else {
            throw HTTPStatus(
                request: "\(usedMethod) \(target)", code: answer.status,
                location: answer.location.map { Self.shown($0) },
                retryAfterSeconds: answer.retryAfterSeconds)
        }
    }

    // MARK: The request

    private var usedMethod: String { method ?? "POST" }

    private var usedTimeoutSeconds: Int { timeoutSeconds ?? Self.defaultTimeoutSeconds }

    private var texts: [(name: String, text: String)] {
        [("url", url)] + (body.map { [("body", $0)] } ?? [])
            + (headers ?? [:]).values.map { ("headers", $0) }
    }

    private func request(_ context: TaskContext) throws -> HTTPClientRequest {
        let values = context.placeholderValues
        let url = try values.render(PlaceholderText(url), message: Self.percentEncoded)
        try Self.check(url: url)
        var request = HTTPClientRequest(url: url)
        request.method = HTTPMethod(rawValue: usedMethod)
        request.headers.add(name: "User-Agent", value: "almanac")
        request.headers.add(
            name: "Idempotency-Key", value: context.runID.uuidString.lowercased())
        let message = ["GET", "HEAD"].contains(usedMethod) ? nil : values.message
        if body == nil, message != nil {
            request.headers.add(name: "Content-Type", value: "application/json")
        }
        for (name, text) in headers ?? [:] {
            let value = try values.render(PlaceholderText(text))
            guard value.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 }) else {
                throw InvalidParameter("headers", "the value of '\(name)' has a line break")
            }
            request.headers.replaceOrAdd(name: name, value: value)
        }
        if let text = try body.map({ try values.render(PlaceholderText($0)) }) ?? message?.json {
            request.body = .bytes(ByteBuffer(string: text))
        }
        return request
    }

    // MARK: Checks

    private static func placeholders(
        _ name: String, _ text: String
    ) throws -> [PlaceholderText.Placeholder] {
        do {
            return try PlaceholderText(text).placeholders
        } catch {
            throw InvalidParameter(name, error.message, help: error.help)
        }
    }

    /// A header has one line, and an error often has several.
    private static func checkLines(_ text: String) throws {
        let fields: [MessageField] = [.text, .error, .description, .reason]
        for placeholder in try placeholders("headers", text) {
            guard case .message(.text(let field)) = placeholder, fields.contains(field) else {
                continue
            }
            throw InvalidParameter(
                "headers", "'${\(placeholder.name)}' may have several lines, and a header has one",
                help: "use '${subject}' or '${json:\(field.rawValue)}'")
        }
    }

    /// A field of a message as part of an address, where it is to mean nothing but itself.
    private static func percentEncoded(_ text: String) -> String {
        let plain = CharacterSet(
            charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
        return text.addingPercentEncoding(withAllowedCharacters: plain) ?? ""
    }

    private static func check(url: String) throws {
        guard let parts = URLComponents(string: url), let host = parts.host, !host.isEmpty,
            ["http", "https"].contains(parts.scheme?.lowercased() ?? "")
        else {
            throw InvalidParameter(
                "url", "'url' is no address of the web",
                help: "write it as in 'https://example.org/hooks/nightly'")
        }
        guard parts.user == nil, parts.password == nil else {
            throw InvalidParameter(
                "url", "'url' has a user or a password in it",
                help: "write 'headers: {Authorization: \"Bearer ${env:TOKEN}\"}'")
        }
    }

    private static func check(method: String) throws {
        guard !method.isEmpty, method.utf8.allSatisfy({ (0x41...0x5A).contains($0) }) else {
            throw InvalidParameter(
                "method", "'\(method)' is no method", help: "write it in capitals, as in POST")
        }
    }

    private static func check(headerName name: String) throws {
        let signs = "!#$%&'*+-.^_`|~"
        guard !name.isEmpty,
            name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || signs.contains($0)) })
        else {
            throw InvalidParameter(
                "headers", "'\(name)' cannot be the name of a header",
                help: "use letters, digits and '-'")
        }
    }

    // MARK: Words

    /// An address as messages may have it: without its query, where secrets are.
    private static func shown(_ url: String) -> String {
        let end = url.firstIndex { $0 == "?" || $0 == "#" } ?? url.endIndex
        return String(RunSecrets.striking(String(url[..<end])).prefix(200))
    }

    private static func words(_ error: any Error) -> String {
        switch error as? HTTPClientError {
        case .deadlineExceeded?, .readTimeout?, .connectTimeout?, .writeTimeout?:
            "took longer than its 'timeoutSeconds'"
        case .redirectLimitReached?: "was redirected more than \(redirectLimit) times"
        case .redirectCycleDetected?: "was redirected in a circle"
        case .remoteConnectionClosed?: "the other side closed the connection"
        default: systemError(in: String(describing: error)) ?? String(describing: error)
        }
    }

    /// What the system says of a connection; the libraries put it into words of their own.
    private static func systemError(in text: String) -> String? {
        text.firstMatch(of: /errno: (\d+)/).flatMap { Int32($0.1) }
            .map { "no answer: \(String(cString: strerror($0)))" }
    }
}
