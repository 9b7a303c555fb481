import AlmanacCore
import AlmanacTesting
import Foundation
import Glibc
import PostgresSession
import Testing

@testable import AlmanacTasks

@Suite("The task http", .timeLimit(.minutes(1)))
struct HTTPTaskTests {
    private func run(
        _ fixture: TaskFixture, _ parameters: String, job: String = ""
    ) async throws -> RunRecord {
        let lines = parameters.split(separator: "\n").map { "  \($0)\n" }.joined()
        return try await fixture.run("task: http\n\(job)\nparameters:\n\(lines)")
    }

    @Test("sends what it is told, with the run's id, and keeps the answer")
    func request() async throws {
        let server = try TinyServer { _, _ in .init(status: 201, body: "made") }
        let fixture = try await TaskFixture()
        let row = try await run(
            fixture,
            """
            url: "\(server.url)/hooks/nightly?day=1"
            headers: {X-Kind: nightly, Content-Type: application/json}
            body: '{"at": "${scheduledFor}"}'
            """)
        #expect(row.state == .succeeded, "\(row.errorMessage ?? "")")
        #expect(row.output == "made")
        #expect(row.result == #"{"status": 201}"#)
        let request = try #require(server.requests.first)
        #expect(server.requests.count == 1)
        #expect(request.method == "POST")
        #expect(request.target == "/hooks/nightly?day=1")
        #expect(request.headers["x-kind"] == "nightly")
        #expect(request.headers["content-type"] == "application/json")
        #expect(request.headers["idempotency-key"] == row.runID.uuidString.lowercased())
        #expect(request.body.hasPrefix(#"{"at": "20"#))
    }

    @Test("sends the key that 'headers' have instead of the run's id")
    func ownKey() async throws {
        let server = try TinyServer { _, _ in .init() }
        let fixture = try await TaskFixture()
        _ = try await run(
            fixture, "url: \(server.url)\nmethod: PUT\nheaders: {idempotency-key: mine}")
        #expect(server.requests.first?.headers["idempotency-key"] == "mine")
        #expect(server.requests.first?.method == "PUT")
    }

    @Test(
        "takes the statuses that are expected, and no others",
        arguments: [
            (200, "", true), (299, "", true), (300, "", false), (404, "", false), (500, "", false),
            (404, "expectStatus: 404", true), (200, "expectStatus: 404", false),
            (202, "expectStatus: [200, 202]", true), (201, "expectStatus: [200, 202]", false),
        ])
    func status(code: Int, key: String, isGood: Bool) async throws {
        let server = try TinyServer { _, _ in .init(status: code, body: "because") }
        let fixture = try await TaskFixture()
        let row = try await run(fixture, "url: \(server.url)/x?secret=1\n\(key)")
        #expect(row.state == (isGood ? .succeeded : .failed))
        #expect(row.output == "because")
        guard !isGood else { return }
        #expect(row.errorType == "HTTPStatus")
        #expect(
            row.errorMessage == "POST \(server.url)/x was answered with status \(code)")
    }

    @Test(
        "is tried again after trouble of the other side, and not after a refusal",
        arguments: [(503, 3), (429, 3), (408, 3), (500, 3), (400, 1), (404, 1), (302, 1)])
    func retries(code: Int, requests: Int) async throws {
        let server = try TinyServer { _, _ in .init(status: code) }
        let fixture = try await TaskFixture()
        let job = try fixture.job(
            "task: http\nbackoffLimit: 2\nbackoff: {initial: 0s}\nparameters: {url: \(server.url)}")
        let row = try await fixture.runInForeground(job)
        #expect(row.state == .failed)
        #expect(server.requests.count == requests)
        #expect(Set(server.requests.map { $0.headers["idempotency-key"] }).count == requests)
    }

    @Test("waits as long as it is asked to, up to the longest pause of the job")
    func retryAfter() async throws {
        let server = try TinyServer { _, number in
            number == 1 ? .init(status: 503, headers: ["Retry-After": "3600"]) : .init()
        }
        let fixture = try await TaskFixture()
        let job = try fixture.job(
            """
            task: http
            backoffLimit: 2
            backoff: {initial: 0s, max: 1s}
            parameters: {url: \(server.url)}
            """)
        let row = try await fixture.runInForeground(job)
        #expect(row.state == .succeeded)
        let pause = try fixture.texts(
            """
            SELECT (extract(epoch FROM not_before - queued_at) >= 0.9)::text FROM almanac.runs \
            WHERE attempt = 2
            """)
        #expect(pause == ["true"])
    }

    @Test(
        "reads Retry-After as seconds or as a date",
        arguments: [
            ("120", nil, 120), (" 0 ", nil, 0), ("-1", nil, nil), ("soon", nil, nil),
            ("Sun, 06 Nov 1994 08:50:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", 60),
            ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:50:37 GMT", 0),
            ("Sun, 06 Nov 1994 08:50:37 GMT", nil, nil),
        ] as [(String, String?, Double?)])
    func dates(text: String, date: String?, seconds: Double?) {
        #expect(RetryAfter.seconds(text, date: date) == seconds)
    }

    @Test("shows no secret: not in its row, its error, its output or its log")
    func secrets() async throws {
        let server = try TinyServer { request, _ in
            .init(status: 403, body: "no: \(request.headers["authorization"] ?? "")")
        }
        let fixture = try await TaskFixture()
        try fixture.write("s3cret-of-the-file\n", to: "token")
        let row = try await run(
            fixture,
            """
            url: "\(server.url)/${file:token}/x"
            headers: {Authorization: "Bearer ${file:token}"}
            body: "${file:token}"
            """)
        #expect(row.state == .failed)
        #expect(server.requests.first?.headers["authorization"] == "Bearer s3cret-of-the-file")
        #expect(server.requests.first?.body == "s3cret-of-the-file")
        #expect(row.output == "no: Bearer ***")
        #expect(row.errorMessage?.contains("/***/x") == true, "\(row.errorMessage ?? "")")
        let rows = try fixture.texts("SELECT r::text FROM almanac.runs AS r")
        #expect(!rows.joined().contains("s3cret"))
    }

    @Test("follows redirects of GET, five at the most, and none of POST")
    func redirects() async throws {
        let server = try TinyServer { request, _ in
            let count = Int(request.target.dropFirst()) ?? 0
            return count == 0
                ? .init(body: "there")
                : .init(status: 302, headers: ["Location": "/\(count - 1)"])
        }
        let fixture = try await TaskFixture()
        let near = try await run(fixture, "url: \(server.url)/5\nmethod: GET")
        #expect(near.state == .succeeded, "\(near.errorMessage ?? "")")
        #expect(near.output == "there")
        let far = try await run(fixture, "url: \(server.url)/6\nmethod: GET")
        #expect(far.errorType == "HTTPFailed")
        #expect(far.errorMessage?.contains("redirected more than 5 times") == true)
        let post = try await run(fixture, "url: \(server.url)/1")
        #expect(post.errorType == "HTTPStatus")
        #expect(post.errorMessage?.contains("status 302 to /0; redirects are") == true)
    }

    @Test(
        "fails, and may be tried again, where no answer comes",
        arguments: [true, false])
    func noAnswer(isSilent: Bool) async throws {
        let server = try TinyServer { _, _ in
            .init(isHungUp: !isSilent, isSilent: isSilent)
        }
        let fixture = try await TaskFixture()
        let row = try await run(fixture, "url: \(server.url)\ntimeoutSeconds: 1")
        #expect(row.state == .failed)
        #expect(row.errorType == "HTTPFailed")
        #expect(row.errorMessage?.hasPrefix("POST \(server.url): ") == true)
        if isSilent { #expect(row.errorMessage?.contains("'timeoutSeconds'") == true) }
    }

    @Test("fails where nobody listens")
    func refusedConnection() async throws {
        let server = try TinyServer { _, _ in .init() }
        let fixture = try await TaskFixture()
        // TLS is not what this server speaks.
        let row = try await run(
            fixture, "url: https://127.0.0.1:\(server.port)\ntimeoutSeconds: 2")
        #expect(row.errorType == "HTTPFailed")
        let nobody = try await run(fixture, "url: http://127.0.0.1:1\ntimeoutSeconds: 5")
        #expect(nobody.errorType == "HTTPFailed")
        #expect(nobody.errorMessage?.hasSuffix(": no answer: Connection refused") == true)
        #expect(nobody.durationMilliseconds ?? 0 < 4_000, "it does not try again by itself")
    }

    @Test("at the deadline of its job is timed_out, whatever the other side does")
    func deadline() async throws {
        let server = try TinyServer { _, _ in .init(isSilent: true) }
        let fixture = try await TaskFixture()
        let row = try await run(fixture, "url: \(server.url)", job: "activeDeadlineSeconds: 1")
        #expect(row.state == .timedOut)
        #expect(row.errorType == "RunStopped")
        #expect(row.durationMilliseconds ?? 0 < 5_000)
    }

    @Test("keeps the tail of a long answer")
    func longAnswer() async throws {
        let body = String(repeating: "x", count: 3_000_000) + "end"
        let server = try TinyServer { _, _ in .init(body: body) }
        let fixture = try await TaskFixture()
        let row = try await run(fixture, "url: \(server.url)\nmethod: GET")
        #expect(row.state == .succeeded)
        #expect(row.output?.utf8.count ?? 0 < OutputTail.limitBytes + 100)
        #expect(row.output?.hasSuffix("xend") == true)
    }

    @Test(
        "is refused where it could not be sent",
        arguments: [
            ("url: ftp://example.org", "'url' is no address of the web"),
            ("url: example.org/x", "'url' is no address of the web"),
            ("url: https://a:b@example.org", "'url' has a user or a password in it"),
            ("url: https://example.org\nmethod: post", "'post' is no method"),
            ("url: https://example.org\nmethod: GET\nbody: x", "GET has no body"),
            ("url: https://example.org\nheaders: {A B: c}", "'A B' cannot be the name of a header"),
            ("url: https://example.org\nexpectStatus: 99", "a status is a number from 100 to 599"),
            ("url: https://example.org\nexpectStatus: []", "a status is a number from 100 to 599"),
            ("url: https://example.org\ntimeoutSeconds: 0", "'timeoutSeconds' is out of range"),
            ("url: https://example.org/${now}", "there is no placeholder '${now}'"),
            ("url: https://example.org/${windowEnd}", "the job has no 'window'"),
            ("url: https://example.org\nheader: {A: b}", "did you mean 'headers'?"),
        ])
    func refused(parameters: String, answer: String) throws {
        let lines = parameters.split(separator: "\n").map { "  \($0)\n" }.joined()
        let error = #expect(throws: DiagnosticsError.self) {
            try TaskFixture.schedule("task: http\nparameters:\n\(lines)")
        }
        let texts = error?.diagnostics.map { "\($0.message); \($0.help ?? "")" } ?? []
        #expect(texts.contains { $0.contains(answer) }, "\(texts)")
    }

    @Test("refuses a value with a line break in a header, also of a file")
    func lineBreak() async throws {
        let server = try TinyServer { _, _ in .init() }
        let fixture = try await TaskFixture()
        try fixture.write("a\nX-Evil: 1\n", to: "token")
        let row = try await run(
            fixture, "url: \(server.url)\nheaders: {Authorization: \"${file:token}\"}")
        #expect(row.state == .failed)
        #expect(row.errorMessage == "the value of 'Authorization' has a line break")
        #expect(server.requests.isEmpty)
    }

    @Test("trusts no certificate that nobody has vouched for", .enabled(if: SelfSigned.isPossible))
    func certificate() async throws {
        let server = try SelfSigned()
        let fixture = try await TaskFixture()
        // Until the server listens nobody answers.
        for _ in 1...100 {
            let row = try await run(
                fixture, "url: https://localhost:\(server.port)/\nmethod: GET\ntimeoutSeconds: 10")
            #expect(row.state == .failed)
            #expect(row.errorType == "HTTPFailed")
            if row.errorMessage?.uppercased().contains("CERTIFICATE") == true { return }
        }
        Issue.record("the certificate was never refused")
    }
}

/// A server with a certificate of its own making, by the program `openssl`.
private final class SelfSigned {
    static let openssl = "/usr/bin/openssl"
    static var isPossible: Bool { FileManager.default.isExecutableFile(atPath: openssl) }

    let port: UInt16
    private let server = Process()
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // A port that was free a moment ago.
        port = try TinyServer { _, _ in .init() }.port
        try Self.run([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", path("key"), "-out",
            path("cert"), "-days", "2", "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost",
        ])
        server.executableURL = URL(filePath: Self.openssl)
        server.arguments = [
            "s_server", "-accept", "127.0.0.1:\(port)", "-key", path("key"), "-cert", path("cert"),
            "-www", "-quiet",
        ]
        server.standardInput = FileHandle.nullDevice
        server.standardOutput = FileHandle.nullDevice
        server.standardError = FileHandle.nullDevice
        try server.run()
    }

    deinit {
        // It inherits the signals that this process blocks.
        kill(server.processIdentifier, SIGKILL)
        server.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    private func path(_ name: String) -> String { folder.appending(path: name).path }

    private static func run(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: openssl)
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
    }
}
