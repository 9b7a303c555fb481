import Foundation
package import PostgresSession
package import Scheduling

extension Ledger {
    /// Recomputes what was due from the schedules that were in force, and compares it with the
    /// rows.
    ///
    /// Everything is read in one transaction that sees one state of the ledger; memory does not
    /// grow with the number of rows.
    ///
    /// - Parameters:
    ///   - first: the earliest instant to look at; nil for the beginning of the ledger.
    ///   - last: the latest one, or the watermark if that is earlier: what is due behind it has its
    ///     row only when a node has come to it. Nil for the watermark.
    /// - Throws: `LedgerError` where nothing was ever put in force.
    package func verify(
        from first: Instant? = nil, through last: Instant? = nil, on connection: Connection
    ) throws -> AuditReport {
        var options = SessionOptions()
        options.isolation = .repeatableRead
        options.isReadOnly = true
        // As outside of sessions: these statements are the ledger's.
        options.settings = EngineConfiguration.ledger("").settingsOutsideSessions
        let session = Session(on: connection, options: options)
        do {
            var report = try audit(from: first, through: last, in: session)
            try session.commit()
            try addOpen(to: &report, on: connection)
            report.isOfStandby = try isStandby(connection)
            // Its backends are not those that the rows speak of.
            if !report.isOfStandby { try addDead(to: &report, on: connection) }
            return report
        } catch {
            try? session.rollback()
            throw error
        }
    }

    private func audit(
        from first: Instant?, through last: Instant?, in session: Session
    ) throws -> AuditReport {
        let facts = try auditFacts(in: session)
        guard let beginning = facts.beginning else {
            throw LedgerError(
                message: "nothing was ever due: no schedule was put in force in this ledger yet")
        }
        let start = max(first ?? beginning, beginning)
        let range = start...max(start, min(last ?? facts.watermark, facts.watermark))
        var audit = LedgerAudit(facts, over: range)
        try session.copyOut(auditedRows(range), as: .binary) { bytes in
            var row = CopiedRow(bytes)
            guard row.fieldCount > 0 else { return }
            guard let job = row.next(), let found = AuditRow(&row) else {
                throw LedgerError(message: "a row of the table runs cannot be read")
            }
            audit.add(found, of: job)
        }
        return audit.finish()
    }

    private func auditedRows(_ range: ClosedRange<Instant>) -> SQL {
        """
        SELECT job, scheduled_for, attempt, state, trigger, skipped_until, skipped_count, \
        finished_at FROM \(runs) WHERE trigger <> 'manual' \
        AND scheduled_for < \(literal: range.upperBound.advanced(bySeconds: 1)) \
        AND coalesce(skipped_until, scheduled_for) >= \(literal: range.lowerBound) \
        ORDER BY job, scheduled_for, attempt
        """
    }

    // MARK: What is kept beside the rows

    private func auditFacts(in session: Session) throws -> AuditFacts {
        let watermark = try session.rows("SELECT accounted_until FROM \(table("watermark"))")
        var facts = AuditFacts(
            watermark: Instant(
                try watermark.first?.get("accounted_until", as: Date.self) ?? .distantPast))
        for row in try session.rows(definitionChanges) {
            let change = try DefinitionChange(row)
            facts.changes[change.job, default: []].append(change)
        }
        for row in try session.rows(
            "SELECT job, accounted_from FROM \(table("accounts")) WHERE removed_at IS NULL")
        {
            facts.accountedFrom[try row.get("job")] = Instant(
                try row.get("accounted_from", as: Date.self))
        }
        for row in try session.rows(
            """
            SELECT job, day::timestamp AT TIME ZONE 'UTC' AS day, \
            reach::timestamp AT TIME ZONE 'UTC' AS reach, occurrences, requested \
            FROM \(table("pruned"))
            """)
        {
            let days = PrunedDays(
                day: Instant(try row.get("day", as: Date.self)),
                reach: Instant(try row.get("reach", as: Date.self)),
                occurrences: try row.get("occurrences"), requested: try row.get("requested"))
            facts.pruned[try row.get("job"), default: []].append(days)
        }
        return facts
    }

    /// Each definition that a job has had, from the version on that brought it, and the last one
    /// before the job was removed.
    private var definitionChanges: SQL {
        """
        WITH version AS (SELECT row_number() OVER (ORDER BY schedule_version) AS place, \
        activated_at, lead(activated_at) OVER (ORDER BY schedule_version) AS ends_at, \
        definitions FROM \(table("schedule_versions"))), \
        definition AS (SELECT e.key AS job, e.value AS definition, v.place, v.activated_at, \
        v.ends_at, lag(v.place) OVER jobs AS before, lag(e.value) OVER jobs AS old, \
        lead(v.place) OVER jobs AS after \
        FROM version AS v CROSS JOIN LATERAL jsonb_each(v.definitions) AS e \
        WINDOW jobs AS (PARTITION BY e.key ORDER BY v.place)) \
        SELECT job, definition::text AS definition, activated_at, \
        coalesce(before = place - 1, false) AS continues, \
        CASE WHEN after IS DISTINCT FROM place + 1 THEN ends_at END AS ends_at \
        FROM definition WHERE before IS DISTINCT FROM place - 1 \
        OR old IS DISTINCT FROM definition \
        OR (after IS DISTINCT FROM place + 1 AND ends_at IS NOT NULL) ORDER BY job, place
        """
    }

    // MARK: What has not ended

    private func addOpen(to report: inout AuditReport, on connection: Connection) throws {
        let isOpen: SQL = """
            (state = 'queued' OR state = 'running') AND trigger <> 'manual' \
            AND scheduled_for BETWEEN \(report.range.lowerBound.date) \
            AND \(report.range.upperBound.date)
            """
        report.openCount =
            try connection.query("SELECT count(*)::int AS count FROM \(runs) WHERE \(isOpen)")
            .first?.get("count") ?? 0
        report.open = try connection.query(
            """
            SELECT \(columns) FROM \(runs) WHERE \(isOpen) \
            ORDER BY scheduled_for, job LIMIT \(AuditReport.listed)
            """
        ).map { try $0.decode(RunRecord.self) }
    }

    private func isStandby(_ connection: Connection) throws -> Bool {
        try connection.query("SELECT pg_is_in_recovery() AS is_standby").first?
            .get("is_standby") ?? false
    }

    /// Looks twice: a run that ends between the look at its row and the one at its backend has an
    /// outcome the second time.
    private func addDead(to report: inout AuditReport, on connection: Connection) throws {
        let dead: SQL = """
            SELECT run_id, job, scheduled_for, coalesce(node, '') AS node FROM \(runs) AS r \
            WHERE r.state = 'running' AND NOT \(isAlive)
            """
        let suspects = try connection.query(dead).map { try $0.get("run_id", as: UUID.self) }
        guard !suspects.isEmpty else { return }
        for row in try connection.query(
            "\(dead) AND run_id = ANY(\(suspects)) ORDER BY job, scheduled_for")
        {
            let id = try row.get("run_id", as: UUID.self).uuidString.lowercased()
            report.note(
                .deadRun, of: try row.get("job"),
                at: Instant(try row.get("scheduled_for", as: Date.self)),
                "run \(id) of node \(try row.get("node", as: String.self))")
        }
    }
}

extension DefinitionChange {
    fileprivate init(_ row: Row) throws {
        self.init(
            job: try row.get("job"), since: Instant(try row.get("activated_at", as: Date.self)),
            continues: try row.get("continues"),
            endsAt: try row.get("ends_at", as: Date?.self).map { Instant($0) },
            definition: try row.get("definition"))
    }
}

extension AuditRow {
    /// Nil where a field is not what it should be.
    fileprivate init?(_ row: inout CopiedRow) {
        guard let moment = row.nextMoment(), let attempt = row.next(as: Int32.self),
            let state = row.next().flatMap(RunState.init(bytes:)),
            let trigger = row.next().flatMap(RunTrigger.init(bytes:))
        else { return nil }
        scheduledFor = moment.second
        microsecond = moment.microsecond
        self.attempt = Int(attempt)
        self.state = state
        self.trigger = trigger
        skippedUntil = row.nextInstant()
        skippedCount = row.next(as: Int64.self)
        finishedAt = row.nextInstant()
    }
}

// A million texts to compare with eight others would take longer than all else.
extension RunState {
    fileprivate init?(bytes: UnsafeRawBufferPointer) {
        switch (bytes.first, bytes.count) {
        case (UInt8(ascii: "s"), 9): self = .succeeded
        case (UInt8(ascii: "s"), 7): self = .skipped
        case (UInt8(ascii: "f"), _): self = .failed
        default: self.init(rawValue: String(decoding: bytes, as: UTF8.self))
        }
    }
}

extension RunTrigger {
    fileprivate init?(bytes: UnsafeRawBufferPointer) {
        switch (bytes.first, bytes.count) {
        case (UInt8(ascii: "s"), 8): self = .schedule
        case (UInt8(ascii: "c"), 8): self = .catchUp
        default: self.init(rawValue: String(decoding: bytes, as: UTF8.self))
        }
    }
}

extension SQL.StringInterpolation {
    /// An instant as a literal, where the server takes no parameters.
    fileprivate mutating func appendInterpolation(literal instant: Instant) {
        appendInterpolation(raw: "timestamptz '\(instant)'")
    }
}
