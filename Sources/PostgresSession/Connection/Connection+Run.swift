extension Connection {
    /// Runs a statement.
    ///
    /// - Returns: the rows inserted, updated, deleted or merged.
    /// - Throws: ``PostgresError``.
    @discardableResult
    public func execute(
        _ sql: SQL, file: StaticString = #fileID, line: UInt = #line
    ) throws -> Int {
        try result(of: sql, file, line).rowsAffected
    }

    /// Runs a statement and reads its rows.
    ///
    /// - Throws: ``PostgresError``.
    @discardableResult
    public func query(
        _ sql: SQL, file: StaticString = #fileID, line: UInt = #line
    ) throws -> Rows {
        try result(of: sql, file, line).rows
    }

    /// Runs several statements in one round trip.
    ///
    /// Outside a transaction they are one implicit transaction: all or none (PostgreSQL manual,
    /// 34.5). What cannot run in a transaction, such as VACUUM, goes through `execute`.
    ///
    /// - Throws: ``PostgresError`` of the first statement that failed; the rest was not run.
    @discardableResult
    public func pipeline(
        _ statements: [SQL], file: StaticString = #fileID, line: UInt = #line
    ) throws -> [StatementResult] {
        let outcome = send(statements)
        if let failure = outcome.failure { throw failure.error.at(file, line) }
        return outcome.results
    }

    /// Runs a text of several statements without parameters, as one implicit transaction unless it
    /// has transaction commands of its own (PostgreSQL manual, 55.2.2.1).
    ///
    /// - Throws: ``PostgresError`` of the first statement that failed.
    public func executeScript(
        _ text: String, file: StaticString = #fileID, line: UInt = #line
    ) throws {
        let sql = SQL(raw: text)
        try sql.validate()
        needsReset = true
        onStatement?(text)
        switch native.runScript(text) {
        case .done, .skipped: break
        case .failed(let failure), .lost(let failure):
            throw error(failure, of: sql).at(file, line)
        }
        let upper = text.uppercased()
        if upper.contains("DEALLOCATE") || upper.contains("DISCARD") { statements.forgetAll() }
    }

    private func result(
        of sql: SQL, _ file: StaticString, _ line: UInt
    ) throws -> StatementResult {
        do throws(PostgresError) {
            try sql.refuseClientCopy()
        } catch {
            throw error.at(file, line)
        }
        var outcome = send([sql])
        if transactionStatus == .idle, let failure = outcome.failure, failure.isStalePlan {
            outcome = send([sql])
        }
        if let failure = outcome.failure { throw failure.error.at(file, line) }
        guard let result = outcome.results.first else {
            throw PostgresError(.serverError, "the statement is empty").of(sql).at(file, line)
        }
        return result
    }
}

/// What became of statements that were sent together.
struct PipelineOutcome {
    /// A statement that failed, or during which the connection was lost.
    struct Failure {
        let index: Int
        let error: PostgresError
        /// True if the server was heard to fail before it ran anything after this statement.
        let isHeard: Bool
        /// False if the statements were not sent at all.
        var wasSent = true

        /// The server does not have the prepared statement, or its result has other columns now.
        var isStalePlan: Bool { error.isStalePlan }
    }

    /// Of the statements that succeeded, in order.
    var results: [StatementResult] = []
    var failure: Failure?
}

extension Connection {
    /// Sends the statements in one round trip and reads what they gave, up to the first failure.
    ///
    /// - Parameter preparing: whether they may be those that the connection has prepared. What a
    ///   function or a DO block deallocates is found out only by the failure of the next use, which
    ///   in a transaction is the end of it.
    func send(_ list: [SQL], preparing: Bool = true) -> PipelineOutcome {
        do {
            for sql in list { try sql.validate() }
        } catch {
            return PipelineOutcome(
                failure: .init(index: 0, error: error, isHeard: true, wasSent: false))
        }
        needsReset = true
        var plan = WirePlan()
        for (index, sql) in list.enumerated() {
            onStatement?(sql.text)
            guard preparing else {
                plan.addUnprepared(sql.text, sql.parameters, index)
                continue
            }
            plan.add(sql.text, sql.parameters, index, &statements)
        }
        return read(native.run(plan.steps), plan, list)
    }

    private func read(
        _ outcomes: [StepOutcome], _ plan: WirePlan, _ list: [SQL]
    ) -> PipelineOutcome {
        var outcome = PipelineOutcome()
        for (position, step) in outcomes.enumerated() {
            let owner = plan.owners[min(position, plan.owners.count - 1)]
            switch step {
            case .done(let native):
                guard owner.isResult else { continue }
                outcome.results.append(result(native, list[owner.index]))
            case .skipped: continue
            case .failed(let failure):
                let error = error(failure, of: list[owner.index])
                outcome.failure = .init(index: owner.index, error: error, isHeard: true)
            case .lost(let failure):
                let error = error(failure, of: list[owner.index])
                outcome.failure = .init(
                    index: owner.index, error: error, isHeard: failure.isFatal)
            }
            if outcome.failure != nil { break }
        }
        if let failure = outcome.failure {
            if failure.error.sqlState == "26000" { statements.forgetAll() }
            if failure.isStalePlan {
                plan.names(of: failure.index).forEach { statements.forget($0) }
            }
        }
        for (position, name) in plan.prepares {
            guard position < outcomes.count, case .done = outcomes[position] else {
                statements.forget(name)  // Not prepared after all.
                continue
            }
        }
        return outcome
    }

    private func result(_ native: NativeResult, _ sql: SQL) -> StatementResult {
        let tag = native.tag
        if tag == "DEALLOCATE ALL" || tag == "DISCARD ALL" { statements.forgetAll() }
        return StatementResult(
            rows: Rows(result: ResultSet(native, statement: sql.text)),
            rowsAffected: native.rowsAffected, tag: tag)
    }
}

/// Statements laid out as the steps of a pipeline, and whose each step is.
struct WirePlan {
    struct Owner {
        let index: Int
        /// True if the step's result is the statement's.
        let isResult: Bool
    }

    private(set) var steps: [WireStep] = []
    private(set) var owners: [Owner] = []
    /// The steps that prepare a statement.
    private(set) var prepares: [(position: Int, name: String)] = []
    private var uses: [(index: Int, name: String)] = []

    mutating func add(
        _ text: String, _ parameters: [Parameter], _ index: Int, _ cache: inout StatementCache
    ) {
        let types = parameters.map(\.type)
        switch cache.use(text, types) {
        case .unprepared: addUnprepared(text, parameters, index)
        case .prepared(let name):
            uses.append((index, name))
            add(
                .executePrepared(name: name, parameters: parameters),
                Owner(index: index, isResult: true))
        case .prepare(let name):
            uses.append((index, name))
            prepares.append((steps.count, name))
            add(
                .prepare(name: name, text: text, types: types),
                Owner(index: index, isResult: false))
            add(
                .executePrepared(name: name, parameters: parameters),
                Owner(index: index, isResult: true))
        }
        if let dropped = cache.evict() {
            add(
                .execute(text: "DEALLOCATE \(dropped)", parameters: []),
                Owner(index: index, isResult: false))
        }
    }

    mutating func addUnprepared(_ text: String, _ parameters: [Parameter], _ index: Int) {
        add(.execute(text: text, parameters: parameters), Owner(index: index, isResult: true))
    }

    /// The prepared statements used by the statement at `index`.
    func names(of index: Int) -> [String] {
        uses.filter { $0.index == index }.map(\.name)
    }

    private mutating func add(_ step: WireStep, _ owner: Owner) {
        steps.append(step)
        owners.append(owner)
    }
}
