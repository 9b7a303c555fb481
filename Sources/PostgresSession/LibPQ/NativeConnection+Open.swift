internal import CLibPQ
internal import Foundation

extension NativeConnection {
    /// Why a connection could not be made.
    struct OpenFailure: Error {
        var sqlState: String?
        var message: String
    }

    /// Connects, within the time given.
    ///
    /// `parameters` are libpq keywords in order; a later one wins. `dbname` may be a whole
    /// connection string.
    static func open(
        _ parameters: [(keyword: String, value: String)], timeoutSeconds: Double
    ) throws(OpenFailure) -> NativeConnection {
        guard let pointer = start(parameters) else {
            throw OpenFailure(sqlState: nil, message: "out of memory")
        }
        // With the SQLSTATE in the message a failure can be told apart in any language.
        PQsetErrorVerbosity(pointer, PQERRORS_VERBOSE)
        let isOpen = establish(pointer, deadline: MonotonicClock.seconds + timeoutSeconds)
        guard isOpen, PQstatus(pointer) == CONNECTION_OK else {
            let failure = failure(pointer, isLate: !isOpen, timeoutSeconds)
            PQfinish(pointer)
            throw failure
        }
        PQsetErrorVerbosity(pointer, PQERRORS_DEFAULT)
        return NativeConnection(pointer)
    }

    private static func start(_ parameters: [(keyword: String, value: String)]) -> OpaquePointer? {
        let keywords = parameters.map { strdup($0.keyword) }
        let values = parameters.map { strdup($0.value) }
        defer { (keywords + values).forEach { free($0) } }
        let keywordList = keywords.map { UnsafePointer($0) } + [nil]
        let valueList = values.map { UnsafePointer($0) } + [nil]
        return PQconnectStartParams(keywordList, valueList, 1)
    }

    /// Drives the connection until it stands or has failed; false if time ran out.
    private static func establish(_ pointer: OpaquePointer, deadline: Double) -> Bool {
        guard PQstatus(pointer) != CONNECTION_BAD else { return true }
        var state = PGRES_POLLING_WRITING
        while state == PGRES_POLLING_READING || state == PGRES_POLLING_WRITING {
            let left = deadline - MonotonicClock.seconds
            guard left > 0 else { return false }
            var descriptor = pollfd(
                fd: PQsocket(pointer),
                events: Int16(state == PGRES_POLLING_READING ? POLLIN : POLLOUT), revents: 0)
            let ready = poll(&descriptor, 1, Int32(min(left * 1000 + 1, 3_600_000)))
            if ready > 0 { state = PQconnectPoll(pointer) }
            if ready < 0 && errno != EINTR { return true }
        }
        return true
    }

    private static func failure(
        _ pointer: OpaquePointer, isLate: Bool, _ timeoutSeconds: Double
    ) -> OpenFailure {
        let text = PQerrorMessage(pointer).map { String(cString: $0) } ?? ""
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("LOCATION:") }
        var message = lines.joined(separator: " ")
        var sqlState: String?
        // "FATAL:  28P01: …": two spaces after the severity, which may be in any language.
        if let match = text.firstMatch(of: #/:  ([0-9A-Z]{5}): /#) { sqlState = String(match.1) }
        // Found out on this side, without the server's word for it.
        if PQconnectionNeedsPassword(pointer) == 1 { sqlState = sqlState ?? "28P01" }
        if let sqlState { message = message.replacing("\(sqlState): ", with: "") }
        if isLate { message = "no answer within \(timeoutSeconds) seconds. \(message)" }
        return OpenFailure(sqlState: sqlState, message: message)
    }

    /// The keywords and values of a connection string.
    ///
    /// - Throws: `OpenFailure` with libpq's message, which may quote the string: redact it.
    static func parse(_ connectionString: String) throws(OpenFailure) -> [String: String] {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(connectionString, &message) else {
            defer { PQfreemem(message) }
            throw OpenFailure(
                sqlState: nil, message: message.map { String(cString: $0) } ?? "out of memory")
        }
        defer { PQconninfoFree(options) }
        var values: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val {
                values[String(cString: keyword)] = String(cString: value)
            }
            option += 1
        }
        return values
    }
}
