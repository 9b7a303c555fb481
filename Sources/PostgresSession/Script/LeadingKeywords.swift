/// The keywords a statement begins with, upper-cased, past white space and comments.
struct LeadingKeywords {
    let words: [String]

    init(_ text: String, limit: Int = 4) {
        var scanner = SQLScanner(text)
        var words: [String] = []
        while words.count < limit {
            guard let token = scanner.next() else { break }
            switch token.kind {
            case .space, .comment: continue
            case .word: words.append(scanner.keyword(token))
            default:
                self.words = words
                return
            }
        }
        self.words = words
    }

    /// What the statement does to the transaction, nil for a statement that does nothing to it.
    var transactionControl: TransactionControl? {
        switch words.first {
        case "BEGIN": .begin
        case "START" where words.dropFirst().first == "TRANSACTION": .begin
        case "COMMIT", "END": words.contains("PREPARED") || isChained ? .other : .commit
        case "PREPARE" where words.dropFirst().first == "TRANSACTION": .other
        case "ABORT": isChained ? .other : .rollback
        case "ROLLBACK":
            words.contains("TO")
                ? .rollbackToSavepoint
                : isChained || words.contains("PREPARED") ? .other : .rollback
        default: nil
        }
    }

    private var isChained: Bool { words.contains("CHAIN") && !words.contains("NO") }
}

/// What a statement does to the transaction around it.
enum TransactionControl: Sendable, Hashable {
    case begin, commit, rollback, rollbackToSavepoint
    /// Chained and two-phase forms.
    case other
}
