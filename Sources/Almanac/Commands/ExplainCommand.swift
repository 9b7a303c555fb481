import AlmanacCore
import ArgumentParser
import Foundation
import Glibc
import Scheduling

/// `explain`: what a cron expression means.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say in plain English what a cron expression means, and when it is due next.",
        usage: """
            \(ProgramName.text) explain <expression> [--time-zone <zone>] [--from <instant>] \
            [--count <n>] [--json] [options]
            """,
        discussion: """
            Put the expression in quotes, or the shell replaces its *. Shows the next instants in \
            the zone and in UTC, with what changes of the clocks do to them. Needs neither a \
            schedule file nor a database.

            Exit code 2 for what is no cron expression, with the place and what would be valid.
            """)

    @OptionGroup var options: GlobalOptions

    @Argument(help: "A cron expression of five or six fields, or an alias such as @daily.")
    var expression: [String]

    @Option(help: ArgumentHelp("An IANA name.", valueName: "zone"))
    var timeZone = "UTC"

    @Option(
        help: ArgumentHelp(
            "Start after this instant (RFC 3339). Default: now.", valueName: "instant"))
    var from: String?

    @Option(help: ArgumentHelp("How many instants to show.", valueName: "n"))
    var count = 3

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() throws {
        guard (0...10_000).contains(count) else {
            throw CommandFailure("--count takes a number from 0 to 10000", status: .usage)
        }
        let explained = try Explanation(
            text: expression.joined(separator: " "), zone: zone(),
            from: InstantOption.instant(from), count: count)
        if json { return try Console.printJSON(explained) }
        for line in explained.lines { Console.print(line) }
    }

    private func zone() throws -> Zone {
        do {
            return try Zone(timeZone)
        } catch {
            let near = Suggestion.list(error.suggestions, joinedBy: "or")
            throw CommandFailure(
                "--time-zone: there is no time zone '\(error.identifier)'"
                    + (error.suggestions.isEmpty ? "" : "; did you mean \(near)?"),
                status: .usage)
        }
    }
}

/// A cron expression in words, with its next instants.
struct Explanation: Encodable {
    let expression: String
    let meaning: String
    let timeZone: String
    let warnings: [String]
    let next: [Item]

    struct Item: Encodable {
        let local: String
        let utc: String
        let remark: String?
    }

    enum CodingKeys: String, CodingKey {
        case expression, meaning
        case timeZone = "time_zone"
        case warnings, next
    }

    /// - Throws: `CommandFailure` that shows the place of an error in the expression.
    init(text: String, zone: Zone, from: Instant, count: Int) throws {
        let cron: CronExpression
        do {
            cron = try CronExpression(text)
        } catch {
            throw CommandFailure(Self.report(error, in: text), status: .usage)
        }
        let recurrence = Recurrence.cron(cron, zone)
        expression = text
        meaning = recurrence.explanation
        timeZone = zone.identifier
        warnings = cron.warnings.map { $0.message.replacing("`", with: "'") }
        var items: [Item] = []
        var instant = from
        while items.count < count, let following = recurrence.next(after: instant) {
            instant = following
            items.append(
                Item(
                    local: "\(zone.civilTime(at: instant)) \(zone.identifier)",
                    utc: instant.description,
                    remark: ClockRemark.text(NominalInstant(instant, .fires), of: recurrence)))
        }
        next = items
    }

    /// The message, with the place in the expression marked.
    private static func report(_ error: CronError, in text: String) -> String {
        let message = error.message.replacing("`", with: "'")
        let shown = text.unicodeScalars.prefix(200).allSatisfy { $0.properties.isGraphemeBase }
        guard shown, error.offset <= 200, text.utf8.count <= 200 else { return message }
        let blanks = String(repeating: " ", count: error.offset)
        return "\(message)\n    \(text)\n    \(blanks)^"
    }

    /// For people.
    var lines: [String] {
        var lines = [meaning + "."] + warnings.map { "Note: \($0)." }
        guard !next.isEmpty else { return lines }
        var table = TextTable([("LOCAL", .left), ("UTC", .left), ("", .left)])
        for item in next { table.add([item.local, item.utc, item.remark ?? ""]) }
        lines.append("")
        return lines + table.lines
    }
}
