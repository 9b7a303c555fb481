/// A few types of the server, quick to be looked up.
struct TypeSet: Sendable, ExpressibleByArrayLiteral {
    private let oids: [UInt32]

    init(arrayLiteral types: PostgresType...) {
        oids = types.map(\.oid)
    }

    func contains(_ type: PostgresType) -> Bool { oids.contains(type.oid) }

    /// Their names, in order.
    var names: String {
        oids.map { PostgresType(oid: $0).name }.sorted().joined(separator: " or ")
    }
}
