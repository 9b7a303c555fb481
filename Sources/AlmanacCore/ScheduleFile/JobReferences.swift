/// What jobs say of other jobs and of pools, looked at when all files have been read.
struct JobReferences {
    let sources: [SourceFile]
    /// The names of all jobs, those of jobs with errors as well.
    let names: Set<String>
    let collector: DiagnosticCollector

    /// Reports what does not exist and what waits for itself, and gives each job the size of its
    /// pool.
    func resolve(_ jobs: inout [JobDefinition], pools declared: [PoolDeclaration]) {
        let pools = Declarations.pools(collector).byName(declared, name: \.name)
            .mapValues(\.slots)
        for index in jobs.indices {
            if let use = jobs[index].dispatch.pool {
                let slots = slots(of: use, in: jobs[index], pools)
                jobs[index].dispatch.pool?.slots = slots
            }
            for need in jobs[index].dispatch.needs where !names.contains(need.job) {
                report(
                    "there is no job '\(need.job.shortened(to: 60))'",
                    help: Suggestion.question(for: need.job, among: names, count: 2)
                        ?? "name a job of the schedule, or remove it",
                    at: need.position, length: need.job.count, in: jobs[index])
            }
        }
        reportCycles(jobs)
    }

    // MARK: Pools

    private func slots(of use: PoolUse, in job: JobDefinition, _ pools: [String: Int]) -> Int {
        if let slots = pools[use.name] { return slots }
        let problem = Declarations.pools(collector).unknown(use.name, among: pools.keys)
        report(
            problem.message, help: problem.help, at: use.position, length: use.name.count, in: job)
        return 0
    }

    // MARK: Cycles

    private enum Mark { case onPath, done }

    /// Each cycle once, at the need that closes it.
    private func reportCycles(_ jobs: [JobDefinition]) {
        let byName = Dictionary(jobs.map { ($0.name, $0) }) { first, _ in first }
        var marks: [String: Mark] = [:]
        for job in jobs where !job.dispatch.needs.isEmpty && marks[job.name] == nil {
            walk(from: job, byName, &marks)
        }
    }

    /// Without recursion: a chain of needs may be as long as the schedule.
    private func walk(
        from start: JobDefinition, _ jobs: [String: JobDefinition], _ marks: inout [String: Mark]
    ) {
        var path: [(job: JobDefinition, next: Int)] = [(start, 0)]
        marks[start.name] = .onPath
        while let (job, next) = path.last {
            guard next < job.dispatch.needs.count else {
                marks[job.name] = .done
                path.removeLast()
                continue
            }
            path[path.count - 1].next += 1
            let need = job.dispatch.needs[next]
            guard let needed = jobs[need.job] else { continue }
            switch marks[needed.name] {
            case .done: break
            case .onPath: report(cycle: path.map(\.job.name), closedBy: need, in: job)
            case nil:
                marks[needed.name] = .onPath
                path.append((needed, 0))
            }
        }
    }

    private func report(cycle path: [String], closedBy need: Need, in job: JobDefinition) {
        let start = path.firstIndex(of: need.job) ?? 0
        let names = path[start...] + [need.job]
        report(
            "the job '\(need.job)' would wait for itself: "
                + names.map { "'\($0)'" }.joined(separator: " needs "),
            help: "remove one of these needs", at: need.position, length: need.job.count, in: job)
    }

    private func report(
        _ message: String, help: String?, at position: SourcePosition, length: Int,
        in job: JobDefinition
    ) {
        guard let source = sources.first(where: { $0.path == job.file }) else { return }
        collector.add(
            Diagnostic(
                category: .value, source: source, position: position, length: length,
                message: message, help: help))
    }
}
