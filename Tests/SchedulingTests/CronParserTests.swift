import Scheduling
import Testing

@Suite("Reading cron expressions")
struct CronParserTests {
    @Test(
        "different spellings of one schedule are equal",
        arguments: [
            ("0 0 * * SUN", "0 0 * * 0"), ("0 0 * * 7", "0 0 * * 0"),
            ("0 0 * * sat-7", "0 0 * * 0,6"), ("0 0 * * 0-7", "0 0 * * 0-6"),
            ("0 0 * * 1-7", "0 0 * * 0-6"), ("0 0 * * SUN-SAT", "0 0 * * 0-6"),
            ("0 0 * * mon-Fri/2", "0 0 * * 1,3,5"), ("0 0 * * 5/2", "0 0 * * 0,5"),
            ("0 0 * JAN,nov-DEC *", "0 0 * 1,11,12 *"), ("0 0 ? * ?", "0 0 * * *"),
            ("0 0 ? * MON", "0 0 * * MON"), ("\t05  007\t* * *  ", "5 7 * * *"),
            ("3/20 * * * *", "3,23,43 * * * *"), ("*/90 * * * *", "*/60 * * * *"),
            ("5-5 * * * *", "5 * * * *"), ("1,2,3 * * * *", "1-3 * * * *"),
            ("10-30/10 * * * *", "10,20,30 * * * *"), ("* * * * *", "*/1 * * * *"),
            ("0 0 lw,l * *", "0 0 L,LW * *"), ("0 0 15w * *", "0 0 15W * *"),
            ("0 0 * * FRIL", "0 0 * * 5L"), ("0 0 * * 7L", "0 0 * * SUNl"),
            ("0 0 * * MON#2", "0 0 * * 1#2"), ("0 0 * * 0#1", "0 0 * * 7#1"),
            ("@hourly", "0 * * * *"), ("@Daily", "0 0 * * *"), ("@midnight", "@daily"),
            ("@WEEKLY", "0 0 * * 0"), ("@monthly", "0 0 1 * *"), (" @yearly\t", "0 0 1 1 *"),
            ("@annually", "@yearly"), ("* * * 1-12 *", "* * * * *"),
        ])
    func equal(left: String, right: String) throws {
        let left = try CronExpression(left)
        let right = try CronExpression(right)
        #expect(left == right)
        #expect(Set([left, right]).count == 1)
    }

    @Test(
        "different schedules are not equal",
        arguments: [
            ("0 0 * * *", "0 0 0 * * *"), ("0 0-23 * * *", "0 * * * *"),
            ("0 0 */2 * 1", "0 0 1-31/2 * 1"), ("0 0 L * *", "0 0 LW * *"),
            ("0 0 * * 5L", "0 0 * * 5"), ("0 0 * * 5#4", "0 0 * * 5#5"),
            ("0 0 1 * *", "0 0 1W * *"),
        ])
    func different(left: String, right: String) throws {
        #expect(try CronExpression(left) != CronExpression(right))
    }

    @Test(
        "description is the uniform spelling",
        arguments: [
            ("@hourly", "0 * * * *"), ("*/15 9-17 * * mon-fri", "*/15 9-17 * * 1-5"),
            ("0,1,2,30 0 ? jan,mar *", "0-2,30 0 * 1,3 *"), ("*/90 * * * *", "*/60 * * * *"),
            ("*/20,7 * * * *", "*/20,7 * * * *"), ("5,* 1 * * *", "0-59 1 * * *"),
            ("0 0 L,15w,3,LW * *", "0 0 3,15W,L,LW * *"),
            ("0 0 1 * FRI#2,sunL,2", "0 0 1 * 2,0L,5#2"), ("0 0 */2 * */3", "0 0 */2 * */3"),
            ("7/11 1 1 1 1 1", "7-51/11 1 1 1 1 1"), ("0 0 *,L * *", "0 0 *,L * *"),
        ])
    func description(text: String, expected: String) throws {
        #expect(try CronExpression(text).description == expected)
    }

    @Test(
        "fixed times are those of five fields without a leading star in minute and hour",
        arguments: [
            ("30 2 * * *", true), ("30 0-23 * * *", true), ("5,*/10 1,* * * *", true),
            ("@daily", true), ("@weekly", true), ("@monthly", true), ("@yearly", true),
            ("0 */2 * * *", false), ("*/5 2 * * *", false), ("* 2 * * *", false),
            ("*/10,5 2 * * *", false), ("@hourly", false), ("0 30 2 * * *", false),
        ])
    func isFixed(text: String, expected: Bool) throws {
        let expression = try CronExpression(text)
        #expect(expression.isFixed == expected)
        #expect(expression.hasSeconds == (text.split(separator: " ").count == 6))
    }

    @Test(
        "dates that never come are seen at once",
        arguments: [
            ("0 0 30 2 *", true), ("0 0 31 4,6,9,11 *", true), ("0 0 30W 2 *", true),
            ("0 0 0 31 2 *", true), ("0 0 29 2 *", false), ("0 0 30 2 MON", false),
            ("0 0 */31 2 MON#2", true), ("0 0 L 2 *", false), ("0 0 29W 2 *", false),
        ])
    func neverFires(text: String, expected: Bool) throws {
        let expression = try CronExpression(text)
        #expect(expression.neverFires == expected)
        #expect((expression.next(after: .distantPast, in: .utc) == nil) == expected)
        #expect(expression.warnings.contains { $0.code == .neverFires } == expected)
    }

    @Test(
        "what is probably not meant is warned of",
        arguments: [
            ("*/90 * * * *", [CronWarning.Code.singleValueStep], CronField.minute),
            ("0 */24 * * *", [.singleValueStep], .hour),
            ("*/60 0 0 * * *", [.singleValueStep], .second),
            ("0 0 */2 * MON", [.starDayRule], .dayOfMonth),
            ("0 0 13 * */2", [.starDayRule], .weekday),
            ("0 0 13 * FRI", [.eitherDay], nil), ("0 0 1-31 * FRI", [.eitherDay], nil),
            ("0 0 L * 5L", [.eitherDay], nil), ("0 0 30 2 *", [.neverFires], nil),
            ("0 0 1-31 * 0-6", [], nil), ("0 0 13 * *", [], nil), ("0 0 * * MON", [], nil),
            ("0 0 */2 * *", [], nil), ("*/15 * * * *", [], nil), ("@weekly", [], nil),
        ] as [(String, [CronWarning.Code], CronField?)])
    func warnings(text: String, codes: [CronWarning.Code], field: CronField?) throws {
        let warnings = try CronExpression(text).warnings
        #expect(warnings.map(\.code) == codes)
        #expect(warnings.first?.field == field)
        #expect(warnings.allSatisfy { !$0.description.isEmpty && $0.description == $0.message })
    }
}
