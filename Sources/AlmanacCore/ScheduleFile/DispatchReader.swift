internal import Scheduling

/// Reads what a job says of overlap, of missed occurrences and of what it shares with others.
struct DispatchReader {
    let job: MappingReader
    let collector: DiagnosticCollector

    /// The policy; where an error was reported, what is usual stands for it.
    func read() -> DispatchPolicy {
        var policy = DispatchPolicy()
        policy.concurrency =
            job.read("concurrencyPolicy", choices: ConcurrencyPolicy.self) ?? .forbid
        policy.startingDeadlineSeconds = job.readSeconds("startingDeadlineSeconds")
        if let node = job.value("catchUp") { policy.catchUp = readCatchUp(node) ?? .usual }
        policy.priority = readInteger("priority", in: job, DispatchPolicy.priorities) ?? 0
        policy.pool = readPool()
        policy.locks = readLocks()
        policy.needs = readNeeds()
        return policy
    }

    // MARK: catchUp

    private func readCatchUp(_ node: YAMLNode) -> CatchUp? {
        // The short form says the policy alone.
        if node.mapping == nil {
            return job.read("catchUp", choices: CatchUp.Policy.self).map { CatchUp($0) }
        }
        guard
            let reader = MappingReader(
                node, place: .catchUp, subject: "'catchUp'", collector: collector)
        else { return nil }
        let policy = reader.read("policy", choices: CatchUp.Policy.self) ?? .latest
        let window = reader.readDuration("window") ?? CatchUp.usualWindowSeconds
        let max = readInteger("max", in: reader, 1...CatchUp.greatestMax) ?? CatchUp.usualMax
        for key in ["window", "max"] where policy != .all && reader.has(key) {
            guard let place = reader.key(key) else { continue }
            reader.report(
                YAMLValueError(
                    message: "'\(key)' limits the policy 'all', and the policy is "
                        + "'\(policy.rawValue)'",
                    help: "remove it, or write 'policy: all'"), at: place)
        }
        return CatchUp(policy, windowSeconds: window, max: max)
    }

    // MARK: pool, locks, needs

    private func readPool() -> PoolUse? {
        guard let node = job.value("pool"), let name = job.read("pool", as: String.self) else {
            return nil
        }
        return PoolUse(name: name, slots: 0, position: node.position)
    }

    private func readLocks() -> [LockUse] {
        var locks: [LockUse] = []
        for node in items("locks", help: "write [ledger], or [{name: ledger, wait: 5m}]") {
            guard let lock = readLock(node) else { continue }
            if let problem = ScheduleName.lock.problem(with: lock.name) {
                job.report(problem, at: node)
            } else if locks.contains(where: { $0.name == lock.name }) {
                job.report(ScheduleName.lock.repeated(lock.name), at: node)
            } else {
                locks.append(lock)
            }
        }
        return locks.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    private func readLock(_ node: YAMLNode) -> LockUse? {
        if node.mapping == nil {
            return readText(node, subject: "an item of 'locks'").map { LockUse(name: $0) }
        }
        let reader = part(node, .lock, subject: "a lock", key: "name")
        guard let reader, let name = reader.read("name", as: String.self) else { return nil }
        return LockUse(
            name: name, mode: reader.read("mode", choices: LockUse.Mode.self) ?? .exclusive,
            waitSeconds: readWait(reader))
    }

    private func readWait(_ lock: MappingReader) -> Int64 {
        let seconds = lock.readDuration("wait") ?? 0
        guard seconds > ServerLimit.longestSeconds, let node = lock.value("wait") else {
            return seconds
        }
        lock.report(
            YAMLValueError(message: "'wait' must be at most 24d, which is all the server takes"),
            at: node)
        return 0
    }

    private func readNeeds() -> [Need] {
        var needs: [Need] = []
        for node in items("needs", help: "write [load-orders], or [{job: load-orders}]") {
            guard let need = readNeed(node) else { continue }
            if needs.contains(where: { $0.job == need.job }) {
                job.report(ScheduleName.job.repeated(need.job), at: node)
            } else {
                needs.append(need)
            }
        }
        return needs
    }

    private func readNeed(_ node: YAMLNode) -> Need? {
        if node.mapping == nil {
            return readText(node, subject: "an item of 'needs'").map {
                Need(job: $0, position: node.position)
            }
        }
        let reader = part(node, .need, subject: "a need", key: "job")
        guard let reader, let place = reader.value("job"),
            let name = reader.read("job", as: String.self)
        else { return nil }
        return Need(
            job: name, when: reader.read("when", choices: Need.Condition.self) ?? .success,
            withinSeconds: reader.readDuration("within"), position: place.position)
    }

    // MARK: Values

    private func items(_ key: String, help: String) -> [YAMLNode] {
        guard let node = job.value(key) else { return [] }
        if let items = node.sequence, !items.isEmpty { return items }
        job.report(
            YAMLValueError(
                message: node.sequence == nil
                    ? "'\(key)' must be a list, not \(node.kindInWords)"
                    : "'\(key)' is an empty list", help: help), at: node)
        return []
    }

    private func part(
        _ node: YAMLNode, _ place: ScheduleKey.Place, subject: String, key: String
    ) -> MappingReader? {
        guard
            let reader = MappingReader(node, place: place, subject: subject, collector: collector)
        else { return nil }
        if !reader.hasTried(key) {
            collector.add(
                Diagnostic(
                    category: .missing, at: node, message: "\(subject) has no '\(key)'",
                    help: "add '\(key): …'"))
        }
        return reader
    }

    private func readText(_ node: YAMLNode, subject: String) -> String? {
        do {
            return try String(node, subject: subject)
        } catch {
            if let error = error as? YAMLValueError { job.report(error, at: node) }
            return nil
        }
    }

    private func readInteger(
        _ key: String, in reader: MappingReader, _ range: ClosedRange<Int>
    ) -> Int? {
        guard let node = reader.value(key), let value = reader.read(key, as: Int.self) else {
            return nil
        }
        if range.contains(value) { return value }
        reader.report(
            YAMLValueError(
                message: "'\(key)' must be from \(range.lowerBound) to \(range.upperBound), "
                    + "not \(value)"), at: node)
        return nil
    }
}
