internal import CLibPQ
internal import Foundation

/// COPY from and to the client (PostgreSQL manual, 34.10).
extension NativeConnection {
    /// Sends a COPY statement; nil once the server waits for data, or sends them.
    func beginCopy(_ text: String) -> StepOutcome? {
        guard !isLost else { return .lost(.closed) }
        PQsetnonblocking(pointer, 0)
        guard PQsendQuery(pointer, text) == 1, let result = PQgetResult(pointer) else {
            return leaveCopyMode(lose())
        }
        switch PQresultStatus(result) {
        case PGRES_COPY_IN:
            PQclear(result)
            PQsetnonblocking(pointer, 1)
            return nil
        case PGRES_COPY_OUT:
            PQclear(result)
            return nil
        case _ where NativeResult.isFailure(result):
            let failure = NativeResult.failure(result)
            PQclear(result)
            return leaveCopyMode(readRest(.failed(failure)))
        default:
            return leaveCopyMode(readRest(.done(NativeResult(taking: result))))
        }
    }

    /// Sends a part of the data, and waits until it is sent: what is not sent yet stays within
    /// bounds. False if the connection is lost, or the server has ended the COPY with an error.
    func putCopy(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let isTaken = bytes.withMemoryRebound(to: CChar.self) { characters in
            PQputCopyData(pointer, characters.baseAddress, Int32(characters.count)) == 1
        }
        guard isTaken else { return false }
        while true {
            let pending = PQflush(pointer)
            guard pending >= 0, !hasFailedEarly else { return false }
            guard pending == 1 else { return true }
            guard wait(forWriting: true) >= 0 else { return false }
        }
    }

    /// True if the server has answered with an error while data is still being sent. It reads and
    /// drops all that follows, and libpq does not look at an answer before the end of the data.
    ///
    /// Of an encrypted connection nothing is seen; its error comes at the end.
    private var hasFailedEarly: Bool {
        guard hasHungUp else { return false }
        if PQsslInUse(pointer) == 0, PQgssEncInUse(pointer) == 0 {
            var bytes = [UInt8](repeating: 0, count: 64)
            let count = recv(PQsocket(pointer), &bytes, bytes.count, Int32(MSG_PEEK))
            if count > 0, ErrorResponse.begins(bytes.prefix(count)) { return true }
        }
        // A notice, or the end of the connection.
        guard PQconsumeInput(pointer) == 1 else { return true }
        PQfreemem(PQnotifies(pointer))
        return false
    }

    /// Ends COPY FROM STDIN, or has the server undo it for a reason.
    func endCopy(failure: String? = nil) -> StepOutcome {
        guard PQputCopyEnd(pointer, failure) == 1 else { return leaveCopyMode(lose()) }
        return leaveCopyMode(readRest(.skipped))
    }

    /// What COPY TO STDOUT sends next.
    enum CopyOutput {
        /// `body` was called with a row's bytes.
        case row
        case end(StepOutcome)
    }

    /// Calls `body` with the bytes of the next row, which are good until it returns.
    func getCopy(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows -> CopyOutput {
        var buffer: UnsafeMutablePointer<CChar>?
        let count = PQgetCopyData(pointer, &buffer, 0)
        guard count > 0 else {
            return .end(leaveCopyMode(count == -1 ? readRest(.skipped) : lose()))
        }
        defer { PQfreemem(buffer) }
        try body(UnsafeRawBufferPointer(start: buffer, count: Int(count)))
        return .row
    }

    /// Reads and drops what COPY TO STDOUT still sends.
    func drainCopy() -> StepOutcome {
        while true {
            if case .end(let outcome) = getCopy({ _ in }) { return outcome }
        }
    }

    /// The results up to the end of the command; the first error counts, else the last one.
    private func readRest(_ first: StepOutcome) -> StepOutcome {
        var outcome = first
        while let result = PQgetResult(pointer) {
            if NativeResult.isFailure(result) {
                let failure = NativeResult.failure(result)
                PQclear(result)
                if case .failed = outcome { continue }
                outcome = .failed(failure)
            } else if case .failed = outcome {
                PQclear(result)
            } else {
                outcome = .done(NativeResult(taking: result))
            }
        }
        guard case .failed(let failure) = outcome, failure.isFatal || isBad else {
            return isBad ? lose() : outcome
        }
        _ = lose()
        return .lost(failure)
    }

    private func leaveCopyMode(_ outcome: StepOutcome) -> StepOutcome {
        PQsetnonblocking(pointer, 1)
        return outcome
    }
}

/// An error as the server sends it (PostgreSQL manual, 55.7, "ErrorResponse").
enum ErrorResponse {
    /// True if an error begins here: `E`, its length, the severity in the server's language and
    /// then in English. In the middle of a notice, whatever it says, there is no such thing.
    static func begins(_ bytes: some Collection<UInt8>) -> Bool {
        let fields = bytes.dropFirst(5)
        guard bytes.first == UInt8(ascii: "E"), fields.first == UInt8(ascii: "S") else {
            return false
        }
        let severity = fields.split(separator: 0, omittingEmptySubsequences: false).dropFirst()
        return ["VERROR", "VFATAL", "VPANIC"].contains {
            severity.first?.elementsEqual($0.utf8) == true
        }
    }
}
