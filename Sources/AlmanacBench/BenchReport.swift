/// Everything that was found, and under which circumstances.
struct BenchReport: Encodable {
    let facts: ServerFacts
    let isQuick: Bool
    /// By the name of the entry, in the order in which they were measured.
    var results: [(name: String, result: any BenchResult)] = []

    init(facts: ServerFacts, isQuick: Bool) {
        self.facts = facts
        self.isQuick = isQuick
    }

    var header: [String] {
        let note = isQuick ? ["Quick: too short for numbers to be compared."] : []
        return facts.lines + note
    }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { self.init(stringValue) }
        init?(intValue: Int) { nil }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(facts, forKey: Key("server"))
        try container.encode(isQuick, forKey: Key("quick"))
        for (name, result) in results { try container.encode(result, forKey: Key(name)) }
    }
}
