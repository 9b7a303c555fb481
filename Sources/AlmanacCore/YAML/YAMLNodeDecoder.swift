/// The `Decoder` of one node; without a node, it answers everything with stand-ins.
final class YAMLNodeDecoder: Decoder {
    let node: YAMLNode?
    let codingPath: [any CodingKey]
    let run: DecodingRun
    let use: KeyUse

    init(node: YAMLNode?, path: [any CodingKey], run: DecodingRun, use: KeyUse) {
        self.node = node
        self.codingPath = path
        self.run = run
        self.use = use
    }

    var userInfo: [CodingUserInfoKey: Any] { run.userInfo }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        use.isUsed = true
        use.isKeyed = true
        return KeyedDecodingContainer(try YAMLKeyedContainer(self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        use.isUsed = true
        return try YAMLUnkeyedContainer(self)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        use.isUsed = true
        return YAMLSingleValueContainer(decoder: self)
    }

    func mustBe(_ what: String) -> YAMLValueError {
        let found = node?.kindInWords ?? "nothing"
        return YAMLValueError(message: "\(run.subject(codingPath)) must be \(what), not \(found)")
    }

    func child(_ node: YAMLNode?, _ key: any CodingKey) -> YAMLNodeDecoder {
        let path = codingPath + [key]
        guard let node else {
            return YAMLNodeDecoder(node: nil, path: path, run: run, use: KeyUse())
        }
        let below = use.child(at: path, of: node)
        return YAMLNodeDecoder(node: node, path: path, run: run, use: below)
    }
}

private struct YAMLKeyedContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: YAMLNodeDecoder
    private let pairs: [YAMLPair]
    /// The values of a large mapping; a small one is searched.
    private let values: [String: YAMLNode]

    init(_ decoder: YAMLNodeDecoder) throws {
        self.decoder = decoder
        guard let node = decoder.node else {
            (pairs, values) = ([], [:])
            return
        }
        guard let pairs = node.mapping else { throw decoder.mustBe("a mapping") }
        self.pairs = pairs
        values =
            pairs.count < 12
            ? [:] : Dictionary(pairs.map { ($0.name, $0.value) }) { first, _ in first }
    }

    private func value(_ name: String) -> YAMLNode? {
        values.isEmpty ? pairs.value(of: name) : values[name]
    }

    var codingPath: [any CodingKey] { decoder.codingPath }

    /// In the order of the file.
    var allKeys: [Key] {
        let keys = decoder.node?.mapping?.compactMap { Key(stringValue: $0.name) } ?? []
        return keys.filter { key in
            guard decoder.run.isOmitted(codingPath + [key]) else { return true }
            decoder.use.ask(key.stringValue)
            return false
        }
    }

    func contains(_ key: Key) -> Bool {
        decoder.use.ask(key.stringValue)
        return value(key.stringValue) != nil
    }

    func decodeNil(forKey key: Key) throws -> Bool {
        decoder.use.ask(key.stringValue)
        return value(key.stringValue)?.isNull ?? true
    }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try decoder.run.value(type, from: node(key), path: codingPath + [key])
    }

    // The standard library refuses integers of 128 bits where a container does not take them.
    func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 {
        try decoder.run.value(type, from: node(key), path: codingPath + [key])
    }

    func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 {
        try decoder.run.value(type, from: node(key), path: codingPath + [key])
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try decoder.child(node(key), key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try decoder.child(node(key), key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { decoder }

    func superDecoder(forKey key: Key) throws -> any Decoder {
        try decoder.child(node(key), key)
    }

    /// The node under a key; `nil` only where stand-ins are wanted.
    private func node(_ key: Key) throws -> YAMLNode? {
        decoder.use.ask(key.stringValue)
        guard let mapping = decoder.node else { return nil }
        if let node = value(key.stringValue) { return node }
        if decoder.run.hasStandIn(codingPath + [key]) { return nil }
        throw decoder.run.missing(key, in: mapping, path: codingPath)
    }
}

private struct YAMLUnkeyedContainer: UnkeyedDecodingContainer {
    let decoder: YAMLNodeDecoder
    private let items: [(index: Int, node: YAMLNode)]
    private(set) var currentIndex = 0

    init(_ decoder: YAMLNodeDecoder) throws {
        self.decoder = decoder
        guard let node = decoder.node else {
            self.items = []
            return
        }
        guard let items = node.sequence else { throw decoder.mustBe("a list") }
        self.items = items.enumerated().filter {
            !decoder.run.isOmitted(decoder.codingPath + [IndexKey(index: $0.offset)])
        }.map { ($0.offset, $0.element) }
    }

    var codingPath: [any CodingKey] { decoder.codingPath }
    var count: Int? { items.count }
    var isAtEnd: Bool { currentIndex >= items.count }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd, items[currentIndex].node.isNull else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try item(type)
    }

    mutating func decode(_ type: Int128.Type) throws -> Int128 { try item(type) }
    mutating func decode(_ type: UInt128.Type) throws -> UInt128 { try item(type) }

    private mutating func item<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let (node, key) = try next()
        let value = try decoder.run.value(type, from: node, path: codingPath + [key])
        currentIndex += 1
        return value
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try superDecoder().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try superDecoder().unkeyedContainer()
    }

    mutating func superDecoder() throws -> any Decoder {
        let (node, key) = try next()
        currentIndex += 1
        return decoder.child(node, key)
    }

    private func next() throws -> (node: YAMLNode?, key: IndexKey) {
        guard decoder.node != nil else { return (nil, IndexKey(index: currentIndex)) }
        guard !isAtEnd else {
            throw YAMLValueError(
                message: "\(decoder.run.subject(codingPath)) needs more than \(items.count) items")
        }
        return (items[currentIndex].node, IndexKey(index: items[currentIndex].index))
    }
}

private struct YAMLSingleValueContainer: SingleValueDecodingContainer {
    let decoder: YAMLNodeDecoder

    var codingPath: [any CodingKey] { decoder.codingPath }

    func decodeNil() -> Bool { decoder.node?.isNull ?? true }

    /// The keys asked for count for the type that delegates as well: it is the same mapping.
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try value(type)
    }

    func decode(_ type: Int128.Type) throws -> Int128 { try value(type) }
    func decode(_ type: UInt128.Type) throws -> UInt128 { try value(type) }

    private func value<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try decoder.run.value(
            type, from: decoder.node, path: decoder.codingPath, use: decoder.use)
    }
}

/// The place of an item in a list.
struct IndexKey: CodingKey {
    let index: Int

    init(index: Int) {
        self.index = index
    }

    init?(intValue: Int) {
        self.init(index: intValue)
    }

    init?(stringValue: String) {
        return nil
    }

    var intValue: Int? { index }
    var stringValue: String { "\(index)" }
}
