/// Makes a tree of nodes out of libyaml's events, with a stack of its own in place of recursion.
struct YAMLTreeBuilder {
    let source: SourceFile
    let limits: YAMLLimits
    /// What is handed out instead of being kept.
    private let handout: YAMLHandout?
    private(set) var root: YAMLNode?
    private(set) var diagnostics: [Diagnostic] = []

    private var stack: [Frame] = []
    private var anchors: [String: Anchored] = [:]
    private var nodeCount = 0
    private var aliasedCount = 0
    private var documentCount = 0

    /// A collection that is being read.
    private struct Frame {
        let isMapping: Bool
        let start: SourcePosition
        let anchor: String?
        let nodesBefore: Int
        /// Whether its pairs are handed out as they are complete.
        let isHandedOut: Bool
        var nodes: [YAMLNode] = []
        var pairs: [YAMLPair] = []
        var key: YAMLNode?
        /// The keys of a large mapping; a small one is searched.
        var index: [String: SourcePosition] = [:]
        /// The depth of the deepest finished child, the frame itself not counted.
        var height = 0
    }

    /// What an alias stands for. A value is `nil` while its anchor's collection is still open.
    private struct Anchored {
        var node: YAMLNode?
        var size: Int
        var height: Int
    }

    /// Ends the reading: the problem stands in the diagnostics.
    private struct Stop: Error {}

    init(source: SourceFile, limits: YAMLLimits, handout: YAMLHandout? = nil) {
        self.source = source
        self.limits = limits
        self.handout = handout
    }

    mutating func read(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard var stream = YAMLEventStream(bytes) else {
            report(.limit, at: .start, "there is no memory to read the file", nil)
            return
        }
        do {
            while true {
                let event = try stream.next()
                if case .streamEnd = event.content { return }
                try handle(event)
                if diagnostics.count >= limits.diagnostics { return }
            }
        } catch let problem as YAMLSyntaxProblem {
            diagnostics.append(problem.diagnostic(in: source, limits: limits))
        } catch {
            // A `Stop` has said why.
        }
    }

    private mutating func handle(_ event: YAMLEvent) throws {
        switch event.content {
        case .streamStart, .streamEnd, .documentEnd:
            break
        case .documentStart:
            documentCount += 1
            guard documentCount == 1 else {
                throw stop(
                    .syntax, at: event.range.start,
                    "a file holds one document; a second begins here",
                    "remove the '---', or put what follows into a file of its own")
            }
        case .alias(let name):
            try resolve(alias: name, range: event.range)
        case .scalar(let text, let style, let tag, let anchor):
            try addScalar(text, style: style, tag: tag, anchor: anchor, range: event.range)
        case .sequenceStart(let tag, let anchor):
            try open(isMapping: false, tag: tag, anchor: anchor, range: event.range)
        case .mappingStart(let tag, let anchor):
            try open(isMapping: true, tag: tag, anchor: anchor, range: event.range)
        case .collectionEnd:
            close(end: event.range.end)
        }
    }

    // MARK: Scalars and aliases

    private mutating func addScalar(
        _ text: String, style: YAMLScalar.Style, tag: String?, anchor: String?, range: SourceRange
    ) throws {
        guard text.utf8.count <= limits.scalarBytes else {
            throw stop(
                .limit, at: range.start,
                "this text has \(text.utf8.count) bytes; the limit is \(limits.scalarBytes)",
                "put it into a file of its own; is a closing quote missing?")
        }
        if text.utf8.contains(0) {
            report(
                .syntax, at: range.start, "a text cannot hold a NUL character",
                "remove the escape; Postgres cannot store such a text")
        }
        var scalar = YAMLScalar(text: text, style: style)
        if let tag {
            if let kind = YAMLTag.kind(ofScalar: text, tag: tag) {
                scalar = YAMLScalar(text: text, style: style, kind: kind)
            } else {
                report(tag: tag, of: "'\(text.shortened(to: 40))'", at: range.start)
            }
        }
        let node = YAMLNode(content: .scalar(scalar), range: range, source: source)
        try count(nodes: 1, at: range.start)
        if let anchor { anchors[anchor] = Anchored(node: node, size: 1, height: 0) }
        add(node, height: 0)
    }

    private mutating func resolve(alias name: String, range: SourceRange) throws {
        guard let anchored = anchors[name] else {
            let known = anchors.keys.sorted()
            throw stop(
                .syntax, at: range.start, "the alias '*\(name)' has no anchor '&\(name)' before it",
                Suggestion.question(for: name, among: known)
                    ?? "a text that begins with '*' has to be quoted")
        }
        guard let node = anchored.node else {
            throw stop(
                .syntax, at: range.start, "the alias '*\(name)' stands inside what it stands for",
                "an alias can only repeat what is complete")
        }
        aliasedCount += anchored.size
        guard aliasedCount <= limits.aliasedNodes else {
            throw stop(
                .limit, at: range.start,
                "the aliases of this file stand for more than \(limits.aliasedNodes) nodes",
                "write out what they repeat, or repeat less")
        }
        try count(nodes: anchored.size, at: range.start)
        try check(depth: stack.count + anchored.height, at: range.start)
        add(node, height: anchored.height, place: range)
    }

    // MARK: Collections

    private mutating func open(
        isMapping: Bool, tag: String?, anchor: String?, range: SourceRange
    ) throws {
        if let tag, !YAMLTag.fits(tag, isMapping: isMapping) {
            report(tag: tag, of: isMapping ? "a mapping" : "a list", at: range.start)
        }
        try check(depth: stack.count + 1, at: range.start)
        if let anchor { anchors[anchor] = Anchored(node: nil, size: 0, height: 0) }
        // An alias would need what had been handed out.
        let isHandedOut = isMapping && anchor == nil && isAtHandout
        stack.append(
            Frame(
                isMapping: isMapping, start: range.start, anchor: anchor, nodesBefore: nodeCount,
                isHandedOut: isHandedOut))
        try count(nodes: 1, at: range.start)
    }

    /// Whether the value that begins now belongs to the key of the root that is handed out.
    private var isAtHandout: Bool {
        guard let handout, stack.count == 1 else { return false }
        return stack[0].key?.scalar?.text == handout.key
    }

    private mutating func close(end: SourcePosition) {
        guard let frame = stack.popLast() else { return }
        let node = YAMLNode(
            content: frame.isMapping ? .mapping(frame.pairs) : .sequence(frame.nodes),
            range: SourceRange(start: frame.start, end: end), source: source)
        let height = frame.height + 1
        if let anchor = frame.anchor {
            anchors[anchor] = Anchored(
                node: node, size: nodeCount - frame.nodesBefore, height: height)
        }
        add(node, height: height)
    }

    private mutating func add(_ node: YAMLNode, height: Int, place: SourceRange? = nil) {
        guard let last = stack.indices.last else {
            root = node
            return
        }
        stack[last].height = max(stack[last].height, height)
        guard stack[last].isMapping else {
            stack[last].nodes.append(node)
            return
        }
        if let key = stack[last].key {
            stack[last].key = nil
            addPair(key, node, to: last)
        } else {
            // An aliased key is shown where it is used: there it makes a mapping's duplicate.
            stack[last].key = YAMLNode(
                content: node.content, range: place ?? node.range, source: source)
        }
    }

    private mutating func addPair(_ key: YAMLNode, _ value: YAMLNode, to frame: Int) {
        guard let scalar = key.scalar else {
            report(
                .syntax, at: key.position, "a key has to be a text, not \(key.kindInWords)",
                "a text that begins with '{', '[' or '?' has to be quoted")
            return
        }
        let name = scalar.text
        if scalar.kind == .null {
            report(
                .syntax, at: key.highlight.start, length: key.highlight.length,
                name.isEmpty ? "a key is missing before this ':'" : "a key cannot be null",
                "quote a text that is meant as a key")
        } else if name == "<<", scalar.style == .plain {
            report(
                .syntax, at: key.position, length: 2, "merge keys ('<<') are not supported",
                "write the keys out; values that all jobs share go into 'defaults'")
        } else if let other = first(name, in: frame) {
            report(duplicate: key, of: other)
            return
        }
        guard stack[frame].isHandedOut, let handout else {
            stack[frame].pairs.append(YAMLPair(key: key, value: value))
            return
        }
        stack[frame].index[name] = key.position
        handout.take(YAMLPair(key: key, value: value), stack[0].pairs)
    }

    private mutating func report(duplicate key: YAMLNode, of first: SourcePosition) {
        let place = key.highlight
        let name = key.scalar?.text ?? ""
        diagnostics.append(
            Diagnostic(
                category: .duplicate, source: source, position: place.start, length: place.length,
                message: "the key '\(name.shortened(to: 60))' stands twice",
                help: "remove one of them",
                notes: [
                    Diagnostic.Note(file: source.path, position: first, message: "first here")
                ]))
    }

    /// Where the mapping has a key of that name already.
    private mutating func first(_ name: String, in frame: Int) -> SourcePosition? {
        if stack[frame].isHandedOut { return stack[frame].index[name] }
        let count = stack[frame].pairs.count
        guard count >= 8 else {
            return stack[frame].pairs.index(of: name).map {
                stack[frame].pairs[$0].key.position
            }
        }
        for position in stack[frame].index.count..<count {
            let key = stack[frame].pairs[position].key
            stack[frame].index[key.scalar?.text ?? ""] = key.position
        }
        return stack[frame].index[name]
    }

    // MARK: Bounds and reports

    private mutating func count(nodes: Int, at position: SourcePosition) throws {
        nodeCount += nodes
        guard nodeCount > limits.nodes else { return }
        throw stop(
            .limit, at: position, "the file holds more than \(limits.nodes) values",
            "split it into several files")
    }

    private mutating func check(depth: Int, at position: SourcePosition) throws {
        guard depth > limits.depth else { return }
        throw stop(
            .limit, at: position, "lists and mappings nest deeper than \(limits.depth) levels",
            "is a bracket or brace left open?")
    }

    private mutating func report(tag: String, of what: String, at position: SourcePosition) {
        report(
            .syntax, at: position, YAMLTag.problem(tag, of: what),
            "remove the tag, or quote a text that is meant to begin with '!'")
    }

    private mutating func report(
        _ category: Diagnostic.Category, at position: SourcePosition, length: Int = 1,
        _ message: String, _ help: String?
    ) {
        diagnostics.append(
            Diagnostic(
                category: category, source: source, position: position, length: length,
                message: message, help: help))
    }

    private mutating func stop(
        _ category: Diagnostic.Category, at position: SourcePosition, _ message: String,
        _ help: String?
    ) -> Stop {
        report(category, at: position, message, help)
        return Stop()
    }
}
