/// Rows in aligned columns, for people.
package struct TextTable {
    /// How a column stands.
    package enum Alignment { case left, right }

    private let alignments: [Alignment]
    private var rows: [[String]]

    /// A table with these headings.
    package init(_ columns: [(heading: String, alignment: Alignment)]) {
        alignments = columns.map(\.alignment)
        rows = [columns.map(\.heading)]
    }

    /// Adds a row with one text for each column; what would break the line is shown as a blank.
    package mutating func add(_ cells: [String]) {
        rows.append(cells.map { $0.printable() })
    }

    /// The lines of the table, without blanks at their ends.
    package var lines: [String] {
        let widths = alignments.indices.map { column in
            rows.map { $0[column].count }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, text in
                let blanks = String(repeating: " ", count: widths[column] - text.count)
                if alignments[column] == .right { return blanks + text }
                return text + blanks
            }
            let line = cells.joined(separator: "  ")
            return String(line.prefix(line.count - line.reversed().prefix { $0 == " " }.count))
        }
    }
}
