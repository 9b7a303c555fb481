import Foundation
import Glibc
import Synchronization

/// An HTTP server on loopback that answers as it is told, one connection after the other.
final class TinyServer: Sendable {
    /// A request as it came.
    struct Request: Sendable {
        var method: String
        var target: String
        /// By names in lower case.
        var headers: [String: String]
        var body: String
    }

    /// What is sent back.
    struct Answer: Sendable {
        var status = 200
        var headers: [String: String] = [:]
        var body = ""
        /// Whether the connection is closed without an answer.
        var isHungUp = false
        /// Whether nothing is ever said.
        var isSilent = false
    }

    let port: UInt16
    private let descriptor: Int32
    private let seen = Mutex<[Request]>([])
    private let open = Mutex<[Int32]>([])

    /// The requests so far.
    var requests: [Request] { seen.withLock { $0 } }
    var url: String { "http://127.0.0.1:\(port)" }

    init(_ answer: @escaping @Sendable (Request, _ number: Int) -> Answer) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, size) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, address, &size) == 0
            }
        }
        guard code else { throw POSIXError(.EADDRNOTAVAIL) }
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [weak self] in
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0, let self else { return }
                self.serve(connection, answer)
            }
        }
    }

    deinit {
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
        for connection in open.withLock({ $0 }) { close(connection) }
    }

    private func serve(_ connection: Int32, _ answer: (Request, Int) -> Answer) {
        guard let request = Self.read(connection) else {
            close(connection)
            return
        }
        let number = seen.withLock { requests in
            requests.append(request)
            return requests.count
        }
        let answer = answer(request, number)
        if answer.isSilent {
            open.withLock { $0.append(connection) }
            return
        }
        if !answer.isHungUp {
            Self.send(answer, to: connection, withBody: request.method != "HEAD")
        }
        close(connection)
    }

    private static func send(_ answer: Answer, to connection: Int32, withBody: Bool) {
        var text = "HTTP/1.1 \(answer.status) Status\r\nConnection: close\r\n"
        text += "Content-Length: \(answer.body.utf8.count)\r\n"
        for (name, value) in answer.headers { text += "\(name): \(value)\r\n" }
        text += "\r\n" + (withBody ? answer.body : "")
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }

    private static func read(_ connection: Int32) -> Request? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            if let request = parse(bytes) { return request }
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            bytes += buffer[..<count]
        }
    }

    /// The request, once it is there with its body.
    private static func parse(_ bytes: [UInt8]) -> Request? {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
            .components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ").map(String.init)
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            if parts.count == 2 { headers[parts[0].lowercased()] = parts[1] }
        }
        let body = bytes[end.upperBound...]
        guard body.count >= headers["content-length"].flatMap({ Int($0) }) ?? 0 else { return nil }
        return Request(
            method: words[0], target: words[1], headers: headers,
            body: String(decoding: body, as: UTF8.self))
    }
}
