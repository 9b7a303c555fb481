extension Session {
    /// Writes staged work. What goes wrong fails the session, so that half of it cannot be
    /// committed.
    func flushStaged() throws(PostgresError) {
        guard !work.isEmpty else { return }
        let staged = work.takeStaged()
        let plan = FlushPlan(staged, work)
        do throws(PostgresError) {
            for start in stride(from: 0, to: plan.steps.count, by: Session.stepsPerTrip) {
                let end = min(start + Session.stepsPerTrip, plan.steps.count)
                try write(Array(plan.steps[start..<end]))
            }
            for row in plan.unchanged { row.handles.forEach { $0.receive(nil) } }
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
            try receive(step, result.rows)
        }
    }

    /// Takes what was written into what the session knows, and to those who hold a handle of it.
    private func receive(_ step: FlushPlan.Step, _ rows: Rows) throws(PostgresError) {
        let reader = step.rows.first.map { RowReader(rows.result, naming: $0.type.columnNaming) }
        for (index, staged) in step.rows.enumerated() {
            var written: (any Record)?
            if let reader, index < rows.count {
                written = try decode(staged.type, reader, index)
            }
            note(step.kind, staged, written)
            for handle in staged.handles { handle.receive(written) }
        }
    }

    private func decode(
        _ type: any Record.Type, _ reader: RowReader, _ row: Int
    ) throws(PostgresError) -> any Record {
        do {
            return try reader.decode(type, row: row)
        } catch let error as PostgresError {
            throw error
        } catch {
            throw PostgresError(
                .typeMismatch, "the row written for a \(type) does not decode as one",
                underlying: error)
        }
    }

    private func note(_ kind: FlushPlan.Step.Kind, _ staged: StagedRow, _ written: (any Record)?) {
        switch kind {
        case .insert:
            guard let written, let identity = identity(of: written) else { return }
            work.didInsert(identity, written)
        case .update:
            guard let identity = staged.identity else { return }
            if let version = work.expectedVersion(of: staged) {
                if let own = staged.version { work.supersede(own, of: identity) }
                work.supersede(version, of: identity)
            }
            work.read(identity, written ?? staged.record)
        case .delete:
            if let identity = staged.identity { work.didDelete(identity) }
        }
    }

    private func identity<R: Record>(of record: R) -> UnitOfWork.Identity? {
        guard let key = try? KeySink.key(of: record) else { return nil }
        return .init(type: ObjectIdentifier(R.self), key: key)
    }

    private func stale(_ step: FlushPlan.Step, _ touched: Int) -> PostgresError {
        let type = step.rows.first.map { "\($0.type)" } ?? "record"
        let versioned =
            step.rows.first?.type.versionColumn == nil ? "" : " in the version that was read"
        let what =
            switch step.kind {
            case .insert: "inserting \(step.rows.count) \(type) gave \(touched) rows"
            case .update: "the row of the \(type) to be updated is not there\(versioned)"
            case .delete:
                "of \(step.rows.count) \(type) to be deleted \(touched) were there\(versioned)"
            }
        return PostgresError(
            .staleData, what,
            hint: step.kind == .insert
                ? "A trigger or a rule keeps rows from being inserted"
                : "Another transaction deleted or changed it: read it again, and decide anew"
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
