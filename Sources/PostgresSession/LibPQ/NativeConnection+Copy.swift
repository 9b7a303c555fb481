internal import CLibPQ

/// COPY from and to the client (PostgreSQL manual, 34.10).
///
/// While it goes on libpq blocks by itself, which also keeps what is not sent yet within bounds.
extension NativeConnection {
    /// Sends a COPY statement; nil once the server waits for data, or sends them.
    func beginCopy(_ text: String) -> StepOutcome? {
        guard !isLost else { return .lost(.closed) }
        PQsetnonblocking(pointer, 0)
        guard PQsendQuery(pointer, text) == 1, let result = PQgetResult(pointer) else {
            return leaveCopyMode(lose())
        }
        switch PQresultStatus(result) {
        case PGRES_COPY_IN, PGRES_COPY_OUT:
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

    /// Sends a part of the data; false if the connection is lost.
    func putCopy(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        bytes.withMemoryRebound(to: CChar.self) { characters in
            PQputCopyData(pointer, characters.baseAddress, Int32(characters.count)) == 1
        }
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
