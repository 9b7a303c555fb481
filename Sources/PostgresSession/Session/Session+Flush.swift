extension Session {
    /// Writes staged work. What goes wrong fails the session, so that half of it cannot be
    /// committed.
    func flushStaged() throws(PostgresError) {
        guard !work.isEmpty else { return }
        let staged = work.takeStaged()
        let plan = FlushPlan(staged) { work.knowledge(of: $0) }
        do throws(PostgresError) {
            for start in stride(from: 0, to: plan.steps.count, by: Session.stepsPerTrip) {
                let end = min(start + Session.stepsPerTrip, plan.steps.count)
                try write(Array(plan.steps[start..<end]))
            }
            for row in plan.unchanged { try receive(row, nil) }
        } catch {
            // The work is lost also if nothing was sent: a commit must not pass over that.
            let isOpen = state.phase == .active
            if isOpen || (state.phase == .idle && options.mode == .transactional) {
                state.apply(.observedFailed, error)
            }
            throw error
        }
        if state.phase == .idle { work.committed() }  // Autocommit.
    }

    /// How many statements go out before their answers are read, which bounds what is in memory.
    private static let stepsPerTrip = 1000

    private func write(_ steps: [FlushPlan.Step]) throws(PostgresError) {
        let results: [StatementResult]
        do throws(PostgresError) {
            results = try send(steps.map(\.sql))
        } catch {
            throw error.about(steps.first { $0.sql.text == error.statement }?.rows.first?.type)
        }
        for (step, result) in zip(steps, results) {
            let touched = step.kind == .insert ? result.rows.count : result.rowsAffected
            guard touched == step.rows.count else { throw stale(step, touched) }
            for (index, row) in step.rows.enumerated() {
                try receive(row, step.kind == .insert ? result.rows[index] : nil)
                note(step.kind, row, step.kind == .insert ? result.rows[index] : nil)
            }
        }
    }

    private func receive(_ staged: StagedRow, _ row: Row?) throws(PostgresError) {
        do {
            for receiver in staged.receivers { try receiver(row) }
        } catch let error as PostgresError {
            throw error
        } catch {
            throw PostgresError(
                .typeMismatch, "the row written for a \(staged.type) does not decode as one",
                underlying: error)
        }
    }

    /// Takes what was written into what the session knows.
    private func note(_ kind: FlushPlan.Step.Kind, _ staged: StagedRow, _ row: Row?) {
        switch kind {
        case .insert:
            guard let row, let (identity, columns) = written(staged.type, row) else { return }
            work.didInsert(identity, columns)
        case .update:
            if let identity = staged.identity { work.read(identity, staged.values) }
        case .delete:
            if let identity = staged.identity { work.didDelete(identity) }
        }
    }

    private func written<R: Record>(
        _ type: R.Type, _ row: Row
    ) -> (UnitOfWork.Identity, [String: Parameter])? {
        guard let record = try? row.decode(type, naming: type.columnNaming),
            let encoded = try? EncodedRecord(record), let key = encoded.key(of: type)
        else { return nil }
        return (.init(type: ObjectIdentifier(type), key: key), encoded.values)
    }

    private func stale(_ step: FlushPlan.Step, _ touched: Int) -> PostgresError {
        let type = step.rows.first.map { "\($0.type)" } ?? "record"
        let what =
            switch step.kind {
            case .insert: "inserting \(step.rows.count) \(type) gave \(touched) rows"
            case .update: "the row of the \(type) to be updated is not there"
            case .delete: "of \(step.rows.count) \(type) to be deleted \(touched) were there"
            }
        return PostgresError(
            .staleData, what,
            hint: step.kind == .insert
                ? "A trigger or a rule keeps rows from being inserted"
                : "Another transaction deleted it: read it again, and decide anew"
        ).of(step.sql)
    }
}

extension PostgresError {
    /// The same error, naming the record type whose table or column it is about.
    func about(_ type: (any Record.Type)?) -> PostgresError {
        guard let type, code == .unknownTable || code == .unknownColumn || sqlState == "42804"
        else {
            return self
        }
        var copy = self
        copy.hint =
            "The record type \(type) is stored in \(type.table), its columns are named after its "
            + "coding keys: "
            + RecordSchema.of(type).columns.map {
                "\($0.name) (\($0.typeName))"
            }.joined(separator: ", ")
        return copy
    }
}
