/// A limit on how many runs go on at once, as a file declares it.
struct PoolDeclaration {
    let name: YAMLNode
    let slots: Int
}

/// Reads the pools of a file; they hold for the jobs of all files.
struct PoolReader {
    let collector: DiagnosticCollector

    func read(_ node: YAMLNode?) -> [PoolDeclaration] {
        guard let node, !node.isNull else { return [] }
        guard let pairs = node.mapping else {
            collector.add(
                Diagnostic(
                    category: .value, at: node,
                    message: "'pools' must be a mapping of names to pools, not "
                        + node.kindInWords, help: "write 'heavy: {slots: 2}' below it, indented"))
            return []
        }
        return pairs.compactMap(read)
    }

    private func read(_ pair: YAMLPair) -> PoolDeclaration? {
        if let problem = ScheduleName.pool.problem(with: pair.name) {
            collector.add(
                Diagnostic(
                    category: .value, at: pair.key, message: problem.message, help: problem.help))
        }
        let subject = "the pool '\(pair.name.shortened(to: 60))'"
        guard
            let pool = MappingReader(
                pair.value, place: .pool, subject: subject, collector: collector)
        else { return nil }
        guard let node = pool.value("slots") else {
            if !pool.hasTried("slots") {
                collector.add(
                    Diagnostic(
                        category: .missing, at: pair.key, message: "\(subject) has no 'slots'",
                        help: "add 'slots: 2' for two runs at once"))
            }
            return nil
        }
        guard let slots = pool.read("slots", as: Int.self) else { return nil }
        guard (1...PoolUse.mostSlots).contains(slots) else {
            pool.report(
                YAMLValueError(
                    message: "'slots' must be from 1 to \(PoolUse.mostSlots), not \(slots)",
                    help: slots < 1 ? "to run nothing, suspend the jobs: 'suspend: true'" : nil),
                at: node)
            return nil
        }
        return PoolDeclaration(name: pair.key, slots: slots)
    }
}
