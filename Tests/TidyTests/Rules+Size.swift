/// The rules of the house, each from a file (or the tree) to what offends it.
enum Rules {
    static let maximumColumns = 100
    static let maximumFileLines = 450
    static let maximumFunctionLines = 70
    static let usualFunctionLines = 25
}

extension Rules {
    /// A URL cannot be broken; everything else can.
    static func lineLength(_ file: SourceFile) -> [Offence] {
        file.text.lines(of: file.text.bytes).enumerated().compactMap { index, line in
            guard line.count > maximumColumns, !line.contains("://") else { return nil }
            return Offence(
                path: file.path, line: index + 1,
                message: "\(line.count) columns, and at most \(maximumColumns) are read with ease")
        }
    }

    static func fileLength(_ file: SourceFile) -> [Offence] {
        let count = file.text.lineStarts.count - 1
        guard count > maximumFileLines else { return [] }
        return [
            Offence(
                path: file.path, line: count,
                message: "\(count) lines; split a file of more than \(maximumFileLines) by aspect")
        ]
    }

    static func functionLength(_ file: SourceFile) -> [Offence] {
        file.functions.filter { $0.lineCount > maximumFunctionLines }.map {
            Offence(
                path: file.path, line: $0.line,
                message: "`\($0.name)` has \($0.lineCount) lines, more than "
                    + "\(maximumFunctionLines)")
        }
    }

    /// Nine in ten functions are short. Otherwise the long ones, longest first.
    static func usualFunctionLength(_ files: [SourceFile]) -> [Offence] {
        let all = files.flatMap { file in file.functions.map { (file: file, function: $0) } }
        let long = all.filter { $0.function.lineCount > usualFunctionLines }
        guard long.count * 10 > all.count else { return [] }
        return long.sorted { $0.function.lineCount > $1.function.lineCount }.map {
            Offence(
                path: $0.file.path, line: $0.function.line,
                message: "`\($0.function.name)` has \($0.function.lineCount) lines; of "
                    + "\(all.count) functions \(long.count) have more than \(usualFunctionLines)")
        }
    }

    /// Test code against source code, in lines that are neither blank nor comment.
    static func testRatio(_ files: [SourceFile]) -> (tests: Int, sources: Int) {
        let count = { (files: [SourceFile]) in files.reduce(0) { $0 + $1.text.codeLineCount } }
        // What helps to test and what measures is neither.
        let neither = ["AlmanacTesting", "AlmanacBench"]
        return (
            count(files.filter(\.isTest)),
            count(files.filter { $0.isSource && !neither.contains($0.module) })
        )
    }
}
