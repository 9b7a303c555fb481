import Scheduling
import Testing

@Suite("Refusing cron expressions")
struct CronErrorTests {
    /// Text, code, field, offset.
    private static let refusals: [(String, CronError.Code, CronField?, Int)] = [
        ("", .empty, nil, 0), (" \t ", .empty, nil, 0),
        // Number of fields
        ("5", .fieldCount, nil, 1), ("7 8 9 10", .fieldCount, nil, 8),
        ("0 0 0 1 1 * 2026", .fieldCount, nil, 12), ("@daily 5", .fieldCount, nil, 7),
        // Characters
        ("0 0 * *\0*", .invalidCharacter, nil, 7), ("５ * * * *", .invalidCharacter, .minute, 0),
        ("0 0 * * *\n", .invalidCharacter, .weekday, 9),
        ("0\u{A0}0 * * *", .invalidCharacter, nil, 1),
        ("٣ * * * *", .invalidCharacter, .minute, 0),
        ("0 0 * * \u{7F}", .invalidCharacter, .weekday, 8),
        ("1 0 0 ２ * *", .invalidCharacter, .dayOfMonth, 6),
        ("0 0 * * MO\u{1F600}", .invalidCharacter, .weekday, 10),
        // Aliases
        ("@nightly", .unknownAlias, nil, 0), (" @reboot", .unknownAlias, nil, 1),
        ("@every 5m", .unknownAlias, nil, 0), ("@", .unknownAlias, nil, 0),
        ("TZ=Europe/Berlin 0 0 * * *", .zonePrefix, nil, 0),
        ("CRON_TZ=UTC 0 0 * * *", .zonePrefix, nil, 0),
        // Ranges of values
        ("60 * * * *", .outOfRange, .minute, 0), ("0 24 * * *", .outOfRange, .hour, 2),
        ("0 0 0 * *", .outOfRange, .dayOfMonth, 4), ("0 0 32 * *", .outOfRange, .dayOfMonth, 4),
        ("0 0 1 0 *", .outOfRange, .month, 6), ("0 0 1 13 *", .outOfRange, .month, 6),
        ("0 0 * * 8", .outOfRange, .weekday, 8), ("60 0 0 * * *", .outOfRange, .second, 0),
        ("1-60 * * * *", .outOfRange, .minute, 2), ("1,2,99 * * * *", .outOfRange, .minute, 4),
        ("0 0 32W * *", .outOfRange, .dayOfMonth, 4), ("0 0 0W * *", .outOfRange, .dayOfMonth, 4),
        ("0 0 * * 8L", .outOfRange, .weekday, 8), ("0 0 * * MON#6", .outOfRange, .weekday, 12),
        ("0 0 * * MON#0", .outOfRange, .weekday, 12), ("0 0 * * MON#", .outOfRange, .weekday, 12),
        ("99999999999999999999999 * * * *", .outOfRange, .minute, 0),
        ("*/99999999999999999999999 * * * *", .outOfRange, .minute, 2),
        // Lists
        ("7,,9 * * * *", .emptyItem, .minute, 2), (",7 * * * *", .emptyItem, .minute, 0),
        ("7, * * * *", .emptyItem, .minute, 2), ("0 0 * * MON,", .emptyItem, .weekday, 12),
        // Ranges
        ("7- * * * *", .incompleteRange, .minute, 2),
        ("7-,8 * * * *", .incompleteRange, .minute, 2),
        ("7-/2 * * * *", .incompleteRange, .minute, 2), ("0 22-2 * * *", .reversedRange, .hour, 2),
        ("0 1,22-2 * * *", .reversedRange, .hour, 4),
        ("0 0 * * FRI-MON", .reversedRange, .weekday, 8),
        ("0 0 * * 7-1", .reversedRange, .weekday, 8), ("1-2-3 * * * *", .syntax, .minute, 3),
        // Steps
        ("*/0 * * * *", .invalidStep, .minute, 2), ("1-9/00 * * * *", .invalidStep, .minute, 4),
        ("*/ * * * *", .invalidStep, .minute, 2), ("*/x * * * *", .invalidStep, .minute, 2),
        ("*/-5 * * * *", .invalidStep, .minute, 2), ("*/5/2 * * * *", .invalidStep, .minute, 3),
        ("/5 * * * *", .invalidStep, .minute, 0), ("0 0 * * MON/2", .invalidStep, .weekday, 11),
        ("0 0 * JAN/3 *", .invalidStep, .month, 9), ("0 0 15W/2 * *", .invalidStep, .dayOfMonth, 7),
        // Names
        ("a b c d e", .unknownName, .minute, 0), ("0 0 * * MOM", .unknownName, .weekday, 8),
        ("0 FEB * * *", .unknownName, .hour, 2), ("0 0 * * MONDAY", .unknownName, .weekday, 8),
        ("0 0 * JANUARY *", .unknownName, .month, 6), ("0 0 * MON *", .unknownName, .month, 6),
        ("0 0 LAST * *", .unknownName, .dayOfMonth, 4), ("0 0 W * *", .unknownName, .dayOfMonth, 4),
        ("0 0 * * MO", .unknownName, .weekday, 8),
        // Signs
        ("-7 * * * *", .sign, .minute, 0), ("+7 * * * *", .sign, .minute, 0),
        ("1--7 * * * *", .sign, .minute, 2), ("1,-7 * * * *", .sign, .minute, 2),
        // Extensions out of place
        ("? * * * *", .misplacedExtension, .minute, 0),
        ("0 0 * ? *", .misplacedExtension, .month, 6),
        ("0 0 ?/2 * *", .misplacedExtension, .dayOfMonth, 4),
        ("0 0 1,? * *", .misplacedExtension, .dayOfMonth, 6),
        ("0 0 L-3 * *", .misplacedExtension, .dayOfMonth, 5),
        ("0 0 L/2 * *", .misplacedExtension, .dayOfMonth, 5),
        ("0 0 5L * *", .misplacedExtension, .dayOfMonth, 5),
        ("0 0 * * L", .misplacedExtension, .weekday, 8),
        ("L * * * *", .misplacedExtension, .minute, 0),
        ("0 0 * * 5W", .misplacedExtension, .weekday, 9),
        ("0 0 5#2 * *", .misplacedExtension, .dayOfMonth, 5),
        ("0 0 * * 1-5#2", .misplacedExtension, .weekday, 11),
        // Others
        ("7.5 * * * *", .syntax, .minute, 1), ("** * * * *", .syntax, .minute, 1),
        ("*5 * * * *", .syntax, .minute, 1), ("*-5 * * * *", .syntax, .minute, 1),
        ("5* * * * *", .syntax, .minute, 1), ("0 0 10-15W * *", .syntax, .dayOfMonth, 9),
        ("0 0 * * 1-5L", .syntax, .weekday, 11), ("0 0 LX * *", .syntax, .dayOfMonth, 5),
        ("0 0 15WW * *", .syntax, .dayOfMonth, 7), ("1=2 * * * *", .syntax, .minute, 1),
    ]

    @Test("what is wrong is named with its field and place", arguments: refusals.indices)
    func refusal(index: Int) {
        let (text, code, field, offset) = Self.refusals[index]
        let error = #expect(throws: CronError.self) { try CronExpression(text) }
        #expect(error?.code == code, "\(text.debugDescription)")
        #expect(error?.field == field, "\(text.debugDescription)")
        #expect(error?.offset == offset, "\(text.debugDescription)")
    }

    @Test(
        "the message says what would be valid",
        arguments: [
            ("0 22-2 * * *", "write `22-23,0-2`"), ("0 0 * * FRI-MON", "write `FRI-SAT,SUN-MON`"),
            ("0 0 * * FRI-SUN", "write `FRI-SAT,SUN`"), ("0 0 * * 5-0", "write `5-6,0`"),
            ("0 0 * * 7-1", "write `0-1`"), ("0 0 * NOV-FEB *", "write `NOV-DEC,JAN-FEB`"),
            ("59-0 * * * *", "write `59,0`"), ("0 0 25-5 * *", "write `25-31,1-5`"),
            ("@every 90s", "`every: 90s`"), ("@reboot", "at each start"), ("@nightly", "@midnight"),
            ("60 * * * *", "minute: 60 is out of range; use 0 to 59"),
            ("0 0 * 13 *", "1 to 12 or JAN to DEC"), ("0 0 * * MONDAY", "write `MON`"),
            ("0 0 * * MON/2", "`MON-7/2`"), ("５ * * * *", "U+FF15"), ("0 0 * * *\0", "U+0000"),
            ("7 8 9", "minute `7`, hour `8`, day of month `9`, no month, no weekday"),
            ("0 0 0 1 1 * 2026", "second `0`, minute `0`, hour `0`"),
            ("0 0 0 1 1 * 2026", "1 more"),
            ("TZ=UTC 0 0 * * *", "`timeZone:`"), ("0 0 * * L", "`5L` is the last Friday"),
        ])
    func message(text: String, part: String) {
        let error = #expect(throws: CronError.self) { try CronExpression(text) }
        let message = error?.message ?? ""
        #expect(message.contains(part), "\(message)")
        #expect(error?.description == message)
    }

    @Test("spellings offered for reversed ranges are valid")
    func offeredSpellings() throws {
        let fields = ["0-59": 0, "0-23": 1, "1-31": 2, "1-12": 3, "0-7": 4]
        for (range, position) in fields {
            let bounds = range.split(separator: "-").compactMap { Int($0) }
            for first in bounds[0]...bounds[1] {
                for last in bounds[0]..<max(first, bounds[0] + 1) where last < first {
                    var parts = ["0", "0", "1", "1", "*"]
                    parts[position] = "\(first)-\(last)"
                    let text = parts.joined(separator: " ")
                    let error = #expect(throws: CronError.self) { try CronExpression(text) }
                    let offered = error?.message.split(separator: "`").last.map(String.init)
                    parts[position] = try #require(offered)
                    #expect(throws: Never.self) {
                        try CronExpression(parts.joined(separator: " "))
                    }
                }
            }
        }
    }

    @Test("megabytes, control characters and other scripts are refused quickly and briefly")
    func hostile() {
        let texts = [
            String(repeating: "*", count: 5_000_000), String(repeating: " ", count: 5_000_000),
            String(repeating: "1,", count: 2_000_000) + "1 * * * *",
            String(repeating: "\u{301}", count: 1_000_000),
            String(repeating: "* ", count: 499), String(repeating: "9", count: 999),
            "@" + String(repeating: "x", count: 900),
            String(repeating: "A", count: 990) + " * * * *",
            "* * * * " + String(repeating: "1-", count: 400), "\u{FEFF}* * * * *", "\r\n",
            String(repeating: "👩‍👩‍👧‍👦", count: 100_000), "0 0 * * \u{1B}[2J",
        ]
        for text in texts {
            let error = #expect(throws: CronError.self) { try CronExpression(text) }
            let message = error?.message ?? ""
            #expect(!message.isEmpty && message.utf8.count < 600)
            #expect(message.utf8.allSatisfy { (0x20...0x7E).contains($0) })
        }
    }

    @Test("the longest lists are read")
    func longest() throws {
        let minutes = (0...59).map { String($0) }.joined(separator: ",")
        let expression = try CronExpression("\(minutes) \(minutes) 0-23 1-31 * *")
        #expect(expression.description == "0-59 0-59 0-23 1-31 * *")
        let padded = "0 0 * * *" + String(repeating: " ", count: 991)
        #expect(throws: Never.self) { try CronExpression(padded) }
        let error = #expect(throws: CronError.self) { try CronExpression(padded + " ") }
        #expect(error?.code == .tooLong)
        #expect(error?.offset == 1_000)
    }

    @Test("random text is read or refused, and what is read can be written")
    func fuzz() throws {
        var random = SeededGenerator.announced("cron fuzz")
        let pieces = [
            "*", "/", "-", ",", "?", "#", "L", "W", "LW", "0", "1", "7", "15", "31", "59", "60",
            "MON",
            "fri", "JAN", "@daily", " ", " ", "\t", "99999999999", "+", "ä", "\0", "sunL", "MON#2",
        ]
        var valid = 0
        for _ in 0..<40_000 * ClockPolicyOracleTests.rounds {
            var text = ""
            for _ in 0..<random.int(0...12) {
                text += pieces[random.int(0...pieces.count - 1)]
                if random.chance(0.3) { text += " " }
            }
            do throws(CronError) {
                let expression = try CronExpression(text)
                valid += 1
                let again = try CronExpression(expression.description)
                #expect(again == expression)
            } catch {
                #expect((0...text.utf8.count).contains(error.offset), "\(text.debugDescription)")
            }
        }
        #expect(valid > 20)
    }

    @Test("changing one character of a valid expression never does harm")
    func mutation() throws {
        var random = SeededGenerator.announced("cron mutation")
        let seeds = [
            "*/15 9-17 1,15 JAN-JUN MON-FRI", "0 0 LW,15W,L * 5L,MON#2", "1 2 3 4 5 6", "@monthly",
        ]
        for _ in 0..<10_000 * ClockPolicyOracleTests.rounds {
            var bytes = Array(seeds[random.int(0...seeds.count - 1)].utf8)
            for _ in 0..<random.int(1...3) {
                bytes[random.int(0...bytes.count - 1)] = UInt8(random.int(32...126))
            }
            let text = String(decoding: bytes, as: UTF8.self)
            guard let expression = try? CronExpression(text) else { continue }
            #expect(try CronExpression(expression.description) == expression, "\(text)")
        }
    }
}
