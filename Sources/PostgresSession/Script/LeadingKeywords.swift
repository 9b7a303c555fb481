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
            case .word: words.append(String(decoding: scanner[token], as: UTF8.self).uppercased())
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
        case "COMMIT", "END":
            words.contains("PREPARED") || words.contains("CHAIN") ? .other : .commit
        case "PREPARE" where words.dropFirst().first == "TRANSACTION": .other
        case "ABORT": words.contains("CHAIN") ? .other : .rollback
        case "ROLLBACK":
            words.contains("TO")
                ? .rollbackToSavepoint
                : words.contains("CHAIN") || words.contains("PREPARED") ? .other : .rollback
        default: nil
        }
    }
}

/// What a statement does to the transaction around it.
enum TransactionControl: Sendable, Hashable {
    case begin, commit, rollback, rollbackToSavepoint
    /// Chained and two-phase forms.
    case other
}
