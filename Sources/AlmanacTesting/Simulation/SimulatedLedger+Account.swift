package import AlmanacCore
package import Scheduling

extension SimulatedLedger {
    private var thisSecond: Instant {
        Instant(secondsSinceEpoch: Int64((Double(now) / 1_000_000).rounded(.down)))
    }

    /// `Ledger.activate`.
    ///
    /// - Returns: nil where it was overtaken.
    package mutating func activate(
        _ schedule: SimulatedSchedule, after before: Int64? = nil
    ) -> Activation? {
        if let before, let newest = versions.last, newest.number != before,
            newest.schedule.digest != schedule.digest
        {
            return nil
        }
        var mark = watermark ?? thisSecond
        let isNew = versions.last?.schedule.digest != schedule.digest
        if isNew {
            versions.append(
                SimulatedVersion(
                    number: Int64(versions.count + 1), activatedAt: now, schedule: schedule))
        }
        openAccounts(schedule)
        let begins = accounts.values.contains {
            $0.removedAt == nil && $0.accountedFrom == thisSecond
        }
        if isNew, begins { mark = min(mark, thisSecond) }
        watermark = mark
        let since = versions(since: mark, before: isNew ? versions.last?.number : nil)
        flush()
        let delayed = schedule.jobs.values.filter(\.definition.recurrence.isDelay).map(\.name)
        let before = since.flatMap { version in
            version.definitions.filter { $0.value.contains("\"after\"") }.keys
        }
        return Activation(
            version: versions.last?.number ?? 0, watermark: mark, since: since,
            accountedFrom: accounts.filter { $0.value.removedAt == nil }.mapValues(\.accountedFrom),
            completions: completions(of: Set(delayed + before)), digest: schedule.digest,
            definitionDigests: schedule.jobs.mapValues(\.definitionDigest),
            inForceFrom: Instant((versions.last?.activatedAt ?? now).date))
    }

    private func versions(since watermark: Instant, before version: Int64?) -> [KeptVersion] {
        let before = versions.filter { $0.number < version ?? .max }
        let first = before.last { $0.activatedAt <= .seconds(watermark.secondsSinceEpoch) }
        let counting = before.filter { $0.number >= first?.number ?? 0 }
        return counting.map { version in
            KeptVersion(
                inForceFrom: Instant(version.activatedAt.date),
                definitions: version.schedule.jobs.mapValues(\.canonicalText))
        }
    }

    private mutating func openAccounts(_ schedule: SimulatedSchedule) {
        for (name, job) in schedule.jobs {
            guard var account = accounts[name] else {
                accounts[name] = SimulatedAccount(job: job, accountedFrom: thisSecond)
                continue
            }
            if account.removedAt != nil || account.job.scheduleDigest != job.scheduleDigest {
                account.accountedFrom = thisSecond
            }
            account.removedAt = nil
            account.job = job
            accounts[name] = account
        }
        for (name, account) in accounts where account.removedAt == nil {
            guard schedule.jobs[name] == nil else { continue }
            accounts[name]?.removedAt = max(now, .seconds(account.accountedFrom.secondsSinceEpoch))
        }
    }

    /// `Ledger.moveWatermark`.
    package mutating func moveWatermark(to instant: Instant, by version: Int64?) {
        guard let mark = watermark, mark < instant, version == versions.last?.number else { return }
        watermark = instant
        flush()
    }

    /// `Ledger.recordSkips`.
    ///
    /// - Returns: false when the definition is not in force.
    @discardableResult
    package mutating func recordSkips(
        _ skips: SkippedOccurrences, by mandate: Mandate, on node: String
    ) -> Bool {
        guard mayAccount(for: skips.job, from: skips.first, by: mandate) else { return false }
        let spans = skips.instants == nil && skips.count > 1
        for instant in skips.instants ?? [skips.first] {
            // What lies in a range has its row: that of the range.
            guard isInNoRange(skips.job, instant) else { continue }
            var row = SimulatedRow(
                runID: makeID(), job: skips.job, instant: instant, trigger: .schedule,
                state: .skipped, at: now)
            row.reason = skips.reason.rawValue
            row.finishedAt = now
            row.node = node
            row.version = mandate.version
            row.skippedUntil = spans ? skips.last : nil
            row.skippedCount = spans ? skips.count : nil
            insert(row)
        }
        return true
    }

    /// `Ledger.isInForce`.
    package func isInForce(_ order: RunOrder) -> Bool {
        guard let digest = order.definitionDigest else { return true }
        guard let account = account(order.identity.job, digest) else { return false }
        return order.isQueued || account.accountedFrom < order.instant
            || order.version == versions.last?.number
    }

    /// `Ledger.isSame`.
    private func account(_ job: String, _ digest: String) -> SimulatedAccount? {
        guard let account = accounts[job], account.removedAt == nil else { return nil }
        return account.job.definitionDigest == digest ? account : nil
    }

    /// `Ledger.mayAccount`.
    func mayAccount(for job: String, from first: Instant, by mandate: Mandate) -> Bool {
        guard let version = mandate.version, version != versions.last?.number else { return true }
        guard let digest = mandate.definitionDigest else { return false }
        return account(job, digest).map { $0.accountedFrom < first } ?? false
    }

    /// `Ledger.newestSchedule` and `Ledger.difference`, for a node with another schedule.
    package func newerSchedule(
        besides version: Int64?, _ definitions: [String: String]
    ) -> (NewestSchedule, ScheduleChange)? {
        guard let newest = versions.last, newest.number != version else { return nil }
        let present = accounts.filter { $0.value.removedAt == nil }
            .mapValues(\.job.definitionDigest)
        let change = ScheduleChange(
            added: present.keys.filter { definitions[$0] == nil }.sorted(),
            removed: definitions.keys.filter { present[$0] == nil }.sorted(),
            changed: present.filter { definitions[$0.key] ?? $0.value != $0.value }.keys.sorted())
        return (NewestSchedule(version: newest.number, digest: newest.schedule.digest), change)
    }

    /// `Ledger.isInNoRange`.
    func isInNoRange(_ run: RunIdentity) -> Bool {
        run.trigger.isAskedFor || run.attempt > 1
            || isInNoRange(run.job, Instant(run.scheduledFor))
    }

    func isInNoRange(_ job: String, _ instant: Instant) -> Bool {
        !(ranges[job] ?? []).contains { $0.contains(instant) && $0.lowerBound < instant }
    }

    /// `Ledger.recordRange`.
    package mutating func recordRange(
        _ skips: SkippedOccurrences, of job: AccountedJob, by mandate: Mandate, on node: String
    ) -> Bool {
        let recorded = recorded(job: skips.job, from: skips.first, to: skips.last)
        let recurrence = skips.recurrence ?? job.recurrence
        for gap in Bookkeeper.gaps(in: skips, by: recurrence, recorded: recorded) {
            guard recordSkips(gap, by: mandate, on: node) else { return false }
        }
        return true
    }

    /// `Ledger.recorded`.
    package func recorded(
        job: String, from first: Instant, to last: Instant
    ) -> [ClosedRange<Instant>] {
        rows(of: job).filter { row in
            row.trigger != .manual && row.instant <= last
                && row.skippedUntil ?? row.instant >= first
        }.sorted { $0.instant < $1.instant }.map { row in
            row.instant...max(row.instant, row.skippedUntil ?? row.instant)
        }
    }

    /// `Ledger.completions`.
    package func completions(of jobs: some Sequence<String>) -> [String: Completion] {
        var found: [String: Completion] = [:]
        for job in jobs {
            let all = rows(of: job).filter { $0.trigger != .manual }
            let ended = all.filter { row in
                row.state.isTerminal
                    && !all.contains { $0.instant == row.instant && $0.attempt > row.attempt }
            }
            let last = ended.max { ($0.instant, $0.attempt) < ($1.instant, $1.attempt) }
            guard let last, let finished = last.finishedAt else { continue }
            let instant = last.skippedUntil ?? last.instant
            let isUnrun = last.state == .skipped && last.attempt == 1
            found[job] = Completion(
                scheduledFor: instant,
                finishedAt: isUnrun ? instant : Instant(finished.date))
        }
        return found
    }
}
