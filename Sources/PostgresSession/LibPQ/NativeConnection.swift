internal import CLibPQ
internal import Foundation

/// The one owner of a `PGconn`.
///
/// Every byte goes through the non-blocking interface and `poll`, so that a long pipeline cannot
/// deadlock with a server that waits for its answers to be read (PostgreSQL manual, 34.5).
final class NativeConnection {
    let pointer: OpaquePointer
    private let notices: NoticeSink
    /// True once the connection has failed: nothing may be sent on it.
    private(set) var isLost = false
    private var isFinished = false
    let backendProcessID: Int32
    let serverVersion: Int
    /// When to give the server up if it has not answered, by the clock of timeouts; nil is never.
    var answerDeadline: Double?
    /// The cancel requests under way.
    let cancels = CancelTraffic()

    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
        backendProcessID = PQbackendPID(pointer)
        serverVersion = Int(PQserverVersion(pointer))
        notices = NoticeSink()
        PQsetnonblocking(pointer, 1)
        PQsetNoticeReceiver(
            pointer,
            { context, result in
                guard let context, let result else { return }
                let sink = Unmanaged<NoticeSink>.fromOpaque(context).takeUnretainedValue()
                sink.take(NativeResult.failure(result))
            }, Unmanaged.passUnretained(notices).toOpaque())
    }

    deinit {
        finish()
    }

    /// Closes the socket. Nothing may be called after it but `isLost` and `run`, which then fails.
    func finish() {
        guard !isFinished else { return }
        isFinished = true
        isLost = true
        PQfinish(pointer)
    }

    var transactionStatus: TransactionStatus {
        guard !isFinished else { return .unknown }
        return switch PQtransactionStatus(pointer) {
        case PQTRANS_IDLE: .idle
        case PQTRANS_ACTIVE: .active
        case PQTRANS_INTRANS: .inTransaction
        case PQTRANS_INERROR: .inFailedTransaction
        default: .unknown
        }
    }

    /// What a cancel request needs, nil if the connection is closed. To be freed by its taker.
    func cancelTarget() -> OpaquePointer? {
        isFinished ? nil : PQgetCancel(pointer)
    }

    func parameterStatus(_ name: String) -> String? {
        isFinished ? nil : PQparameterStatus(pointer, name).map { String(cString: $0) }
    }

    func receiveNotices(_ receive: ((ServerFailure) -> Void)?) {
        notices.receive = receive
    }

    /// Sends the steps and reads what they gave. One round trip, whatever their number.
    ///
    /// A step that fails makes the server skip the rest up to the next `.sync`. If the connection
    /// is lost, the last outcome read is followed by `.lost`.
    func run(_ steps: [WireStep]) -> [StepOutcome] {
        guard !isLost else { return [.lost(.closed)] }
        if let step = steps.first, steps.count == 1 { return [runAlone(step)] }
        return runPipelined(steps)
    }

    /// Runs several statements by the simple protocol: no parameters, one implicit transaction.
    func runScript(_ text: String) -> StepOutcome {
        guard !isLost else { return .lost(.closed) }
        guard PQsendQuery(pointer, text) == 1 else { return lose() }
        return readAlone()
    }

    /// The end of the connection, with the server's last words if it had any.
    func lose() -> StepOutcome {
        isLost = true
        // They may have come before anything was asked; libpq takes them for a notice then, once it
        // looks.
        PQconsumeInput(pointer)
        PQfreemem(PQnotifies(pointer))
        if let farewell = notices.farewell ?? unreadFailure() { return .lost(farewell) }
        return .lost(
            ServerFailure(message: PQerrorMessage(pointer).map { String(cString: $0) } ?? ""))
    }

    /// An error that was received but not asked for yet.
    private func unreadFailure() -> ServerFailure? {
        while PQisBusy(pointer) == 0, let result = PQgetResult(pointer) {
            defer { PQclear(result) }
            guard NativeResult.isFailure(result) else { return nil }
            let failure = NativeResult.failure(result)
            if failure.isFatal { return failure }
        }
        return nil
    }

    // MARK: Sending

    private func runAlone(_ step: WireStep) -> StepOutcome {
        guard send(step) else { return lose() }
        return readAlone()
    }

    private func runPipelined(_ steps: [WireStep]) -> [StepOutcome] {
        guard PQenterPipelineMode(pointer) == 1 else { return [lose()] }
        defer { if !isLost, PQexitPipelineMode(pointer) != 1 { isLost = true } }
        var all = steps
        if case .sync? = all.last {} else { all.append(.sync) }
        for step in all where !send(step) { return [lose()] }
        var outcomes: [StepOutcome] = []
        outcomes.reserveCapacity(all.count)
        for step in all {
            let outcome = if case .sync = step { readSync() } else { readStep() }
            outcomes.append(outcome)
            if case .lost = outcome { return outcomes }
        }
        return Array(outcomes.prefix(steps.count))
    }

    private func send(_ step: WireStep) -> Bool {
        switch step {
        case .sync: return PQpipelineSync(pointer) == 1
        case .prepare(let name, let text, let types):
            let oids = types.map { Oid($0.oid) }
            return PQsendPrepare(pointer, name, text, Int32(oids.count), oids) == 1
        case .execute(let text, let parameters):
            let oids = parameters.map { Oid($0.type.oid) }
            return WireParameters.lend(parameters) { count, values, lengths, formats in
                PQsendQueryParams(pointer, text, count, oids, values, lengths, formats, 0) == 1
            }
        case .executePrepared(let name, let parameters):
            return WireParameters.lend(parameters) { count, values, lengths, formats in
                PQsendQueryPrepared(pointer, name, count, values, lengths, formats, 0) == 1
            }
        }
    }

    // MARK: Reading

    /// All results of a command sent outside a pipeline; the last one, or the first error, counts.
    private func readAlone() -> StepOutcome {
        var outcome: StepOutcome = .skipped
        while true {
            guard awaitResult() else { return lose() }
            guard let result = PQgetResult(pointer) else { break }
            let next = take(result)
            if case .failed = outcome { continue }
            if case .lost = next { return next }
            outcome = next
            if case .lost = outcome { return outcome }
        }
        if case .failed(let failure) = outcome, failure.isFatal || isBad {
            isLost = true
            return .lost(failure)
        }
        return outcome
    }

    /// The result of one step of a pipeline, and the null that ends it.
    private func readStep() -> StepOutcome {
        guard awaitResult(), let result = PQgetResult(pointer) else { return lose() }
        let outcome = take(result)
        if case .failed(let failure) = outcome, failure.isFatal || isBad {
            isLost = true
            return .lost(failure)
        }
        if case .lost = outcome { return outcome }
        guard awaitResult() else { return lose() }
        if let extra = PQgetResult(pointer) {
            PQclear(extra)
            return lose()
        }
        return outcome
    }

    private func readSync() -> StepOutcome {
        guard awaitResult(), let result = PQgetResult(pointer) else { return lose() }
        defer { PQclear(result) }
        if PQresultStatus(result) == PGRES_PIPELINE_SYNC { return .skipped }
        isLost = true
        return .lost(NativeResult.failure(result))
    }

    private func take(_ result: OpaquePointer) -> StepOutcome {
        switch PQresultStatus(result) {
        case PGRES_PIPELINE_ABORTED:
            PQclear(result)
            return .skipped
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            defer { PQclear(result) }
            return leaveCopy(PQresultStatus(result) == PGRES_COPY_IN)
        case _ where NativeResult.isFailure(result):
            defer { PQclear(result) }
            return .failed(NativeResult.failure(result))
        default:
            return .done(NativeResult(taking: result))
        }
    }

    /// Ends a COPY that nobody feeds or reads, so that the connection stays in step.
    private func leaveCopy(_ isInput: Bool) -> StepOutcome {
        guard PQpipelineStatus(pointer) == PQ_PIPELINE_OFF else { return lose() }
        if isInput {
            guard PQputCopyEnd(pointer, "COPY is not fed through this call") == 1 else {
                return lose()
            }
        } else {
            PQsetnonblocking(pointer, 0)
            defer { PQsetnonblocking(pointer, 1) }
            var buffer: UnsafeMutablePointer<CChar>?
            while PQgetCopyData(pointer, &buffer, 0) > 0 { PQfreemem(buffer) }
        }
        return .failed(
            ServerFailure(sqlState: nil, message: "COPY from or to the client is not supported"))
    }

    var isBad: Bool { PQstatus(pointer) == CONNECTION_BAD }

    /// Waits until a result can be had without blocking; false if the connection is lost.
    private func awaitResult() -> Bool {
        var pending = PQflush(pointer)
        while true {
            guard pending >= 0 else { return PQisBusy(pointer) == 0 }
            guard PQisBusy(pointer) == 1 else { return true }
            let events = wait(forWriting: pending == 1)
            guard events >= 0 else { return false }
            if events & (POLLIN | POLLERR | POLLHUP) != 0, PQconsumeInput(pointer) == 0 {
                return PQisBusy(pointer) == 0  // The server's last words may be there to read.
            }
            pending = pending == 1 ? PQflush(pointer) : 0
        }
    }

    /// True if there is something to read, or the end, while nothing was asked: the server has said
    /// goodbye.
    var hasHungUp: Bool {
        guard !isFinished else { return true }
        var descriptor = pollfd(fd: PQsocket(pointer), events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, 0) != 0
    }

    /// The events that `poll` reports, -1 if the socket is gone or the time for an answer is up.
    func wait(forWriting: Bool) -> Int32 {
        var descriptor = pollfd(
            fd: PQsocket(pointer), events: Int16(POLLIN | (forWriting ? POLLOUT : 0)), revents: 0)
        guard descriptor.fd >= 0 else { return -1 }
        while true {
            let left = answerDeadline.map { Int32(max($0 - MonotonicClock.seconds, 0) * 1000 + 1) }
            let count = poll(&descriptor, 1, left ?? -1)
            if count > 0 { return Int32(descriptor.revents) }
            guard count < 0, errno == EINTR else { return -1 }
        }
    }
}

/// Where the notices of a connection go.
private final class NoticeSink {
    var receive: ((ServerFailure) -> Void)?
    /// The error by which the server ended the connection.
    private(set) var farewell: ServerFailure?

    func take(_ failure: ServerFailure) {
        if failure.isFatal { farewell = failure } else { receive?(failure) }
    }
}

extension ServerFailure {
    static var closed: ServerFailure { ServerFailure(message: "the connection is closed") }
}
