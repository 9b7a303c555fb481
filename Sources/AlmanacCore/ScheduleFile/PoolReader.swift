/// A limit on how many runs go on at once, as a file declares it.
struct PoolDeclaration {
    let name: YAMLNode
    let slots: Int
}

/// Reads the pools of a file; they hold for the jobs of all files.
struct PoolReader {
    let collector: DiagnosticCollector

    func read(_ node: YAMLNode?) -> [PoolDeclaration] {
        Declarations.pools(collector).read(node, read).compactMap(\.self)
    }

    private func read(_ pair: YAMLPair, _ subject: String) -> PoolDeclaration? {
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
