import Glibc

/// One client of a `CuttingProxy` and its connection to the server, on a thread of their own.
struct ProxiedConnection {
    private var client: Int32
    private let server: Int32
    private weak var proxy: CuttingProxy?
    private var stream = FrontendStream()
    private var watch = CommitWatch()
    /// The cut that waits for the server's answer.
    private var pending: CuttingProxy.Cut?
    private var buffer = [UInt8](repeating: 0, count: 65_536)

    init(client: Int32, server: Int32, proxy: CuttingProxy?) {
        self.client = client
        self.server = server
        self.proxy = proxy
    }

    /// Passes on what comes until either side ends or the connection is cut.
    mutating func serve() {
        var isOpen = true
        while isOpen {
            var descriptors = [
                pollfd(fd: client, events: Int16(POLLIN), revents: 0),
                pollfd(fd: server, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&descriptors, 2, -1) >= 0 || errno == EINTR else { break }
            if descriptors[1].revents != 0 { isOpen = passAnswer() }
            if isOpen, descriptors[0].revents != 0 { isOpen = passRequest() }
        }
        closeClient()
        close(server)
    }

    // MARK: Each way; false at the end

    private mutating func passRequest() -> Bool {
        guard let bytes = receive(from: client) else { return false }
        stream.append(bytes)
        watch.mark = proxy?.cut?.mark
        while let message = stream.next() {
            let place = watch.place(of: message)
            let cut = proxy?.cut
            if let cut, place == .commit, cut.moment == .beforeCommit, take(cut) {
                return end(by: cut)
            }
            guard Self.send(message.bytes, to: server) else { return false }
            guard let cut, place == .end, cut.moment != .beforeCommit, take(cut) else { continue }
            if cut.moment == .duringCommit { return end(by: cut) }
            pending = cut
        }
        return true
    }

    private mutating func passAnswer() -> Bool {
        guard let bytes = receive(from: server) else { return false }
        guard let pending else { return Self.send(bytes, to: client) }
        // The whole answer ends with the word that the server is ready for the next query.
        guard bytes.count >= 6, bytes[bytes.count - 6] == UInt8(ascii: "Z") else { return true }
        return end(by: pending)
    }

    private func take(_ cut: CuttingProxy.Cut) -> Bool { proxy?.take(cut) ?? false }

    private mutating func end(by cut: CuttingProxy.Cut) -> Bool {
        if cut.manner == .silence { usleep(UInt32(cut.silenceMilliseconds) * 1_000) }
        var linger = linger(l_onoff: 1, l_linger: 0)
        let size = socklen_t(MemoryLayout.size(ofValue: linger))
        setsockopt(client, SOL_SOCKET, SO_LINGER, &linger, size)
        closeClient()
        // Until the server has ended its side by itself.
        while cut.manner == .silence, receive(from: server) != nil {}
        return false
    }

    private mutating func closeClient() {
        if client >= 0 { close(client) }
        client = -1
    }

    // MARK: Bytes

    private mutating func receive(from descriptor: Int32) -> ArraySlice<UInt8>? {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? buffer[..<count] : nil
    }

    private static func send(_ bytes: some Collection<UInt8>, to descriptor: Int32) -> Bool {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { bytes in
                Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            rest.removeFirst(count)
        }
        return true
    }
}
