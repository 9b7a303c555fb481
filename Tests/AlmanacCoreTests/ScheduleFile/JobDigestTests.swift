import Scheduling
import Testing

@testable import AlmanacCore

@Suite("Digests and canonical texts")
struct JobDigestTests {
    static let base = "task: command, parameters: {run: [ls, -l]}, schedule: '0 1 * * *'"

    @Test(
        "the digests change with what matters, and with nothing else",
        arguments: [
            (base, true, true),
            (
                "schedule: '0 01 * * *', parameters: {run: ['ls', \"-l\"]}, task: command", true,
                true
            ),
            (
                base
                    + ", timeZone: UTC, suspend: false, transaction: perRun, "
                    + "activeDeadlineSeconds: 0x3c",
                true, true
            ),
            (base + ", description: x", true, true),
            (base + ", concurrencyPolicy: Forbid", true, true),
            (base + ", notify: {onFailure: ops, onSuccess: [ops]}", true, true),
            (base + ", mustFinishBy: 06:00", false, true), (base + ", warnAfter: p95", false, true),
            (base + ", mustFinishBy: 2h", false, true), (base + ", warnAfter: 30s", false, true),
            (base + ", suspend: true", false, true), (base + ", transaction: none", false, true),
            (base + ", activeDeadlineSeconds: 61", false, true),
            (base + ", timeZone: Asia/Tokyo", false, false),
            ("task: command, parameters: {run: [ls, -l]}, schedule: '0 2 * * *'", false, false),
            ("task: command, parameters: {run: [ls, -l]}, every: 1d", false, false),
            ("task: command, parameters: {run: [ls, -a]}, schedule: '0 1 * * *'", false, true),
            ("task: command, parameters: {run: [-l, ls]}, schedule: '0 1 * * *'", false, true),
            ("task: sql, parameters: {file: x}, schedule: '0 1 * * *'", false, true),
            ("task: command, parameters: {run: [ls, -l]}, schedule: ['0 1 * * *']", true, true),
        ])
    func changes(keys: String, isSameDefinition: Bool, isSameSchedule: Bool) throws {
        let (one, other) = (try job(Self.base), try job(keys))
        #expect((one.definitionDigest == other.definitionDigest) == isSameDefinition)
        #expect((one.scheduleDigest == other.scheduleDigest) == isSameSchedule)
    }

    @Test("another task alone is another definition on the same schedule") func task() throws {
        let (one, other) = (try job("task: sql, every: 1h"), try job("task: cleanup, every: 1h"))
        #expect(one.definitionDigest != other.definitionDigest)
        #expect(one.scheduleDigest == other.scheduleDigest)
    }

    @Test("the order of keys in parameters does not matter, that of lists does") func keyOrder()
        throws
    {
        let one = try job("task: restock-book, parameters: {title: a, copies: 1}, every: 1h")
        let other = try job("task: restock-book, parameters: {copies: 1, title: a}, every: 1h")
        #expect(one.definitionDigest == other.definitionDigest)
        #expect(one.canonicalText == other.canonicalText)
    }

    @Test("a definition is stored as JSON in the vocabulary of the file") func canonical() throws {
        #expect(
            try job(Self.base + ", description: \"a \\\"b\\\"\"").canonicalText
                == #"{"activeDeadlineSeconds":60,"description":"a \"b\"","#
                + #""parameters":{"run":["ls","-l"]},"#
                + #""schedule":[{"cron":"0 1 * * *","timeZone":"UTC"}],"#
                + #""suspend":false,"task":"command","#
                + #""timeZone":"UTC","transaction":"perRun"}"#)
        #expect(
            try job("task: cleanup, every: 3600s", defaults: "{}").canonicalText
                == #"{"every":"1h","parameters":{},"suspend":false,"task":"cleanup","#
                + #""timeZone":"UTC","#
                + #""transaction":"perRun"}"#)
    }

    @Test(
        "a stored recurrence is read back as it was",
        arguments: [
            "schedule: '0 1 * * *'", "schedule: '*/7 5-10 L * *', timeZone: Asia/Tokyo",
            "every: 90m",
            "schedule: ['0 1 * * *', {cron: '@hourly', timeZone: America/New_York}]",
            "schedule: '0 1 15W * *'",
        ])
    func stored(keys: String) throws {
        let job = try job("task: cleanup, \(keys)")
        #expect(
            try JobDefinition.times(inCanonicalText: job.canonicalText).recurrence
                == job.recurrence)
    }

    @Test(
        "a stored text that is no definition is an error",
        arguments: ["", "[]", "{}", "{\"every\":\"x\"}", "{"])
    func notStored(text: String) {
        #expect(throws: DiagnosticsError.self) {
            try JobDefinition.times(inCanonicalText: text)
        }
    }

    @Test("the schedule's digest changes with any definition, not with places and comments")
    func schedule() throws {
        let one = try load(
            "version: 1\njobs: {a: {task: cleanup, every: 1h}, b: {task: cleanup, every: 1h}}"
        ).schedule
        let moved = try load(
            "# more\nversion: 1\njobs:\n  b: {task: cleanup, every: 60m}",
            "version: 1\njobs:\n  a: {every: 1h, task: cleanup}"
        ).schedule
        let described = try load(
            "version: 1\njobs: {a: {task: cleanup, every: 1h, description: x}, "
                + "b: {task: cleanup, every: 1h}}"
        ).schedule
        let renamed = try load(
            "version: 1\njobs: {a: {task: cleanup, every: 1h}, c: {task: cleanup, every: 1h}}"
        ).schedule
        #expect(one.digest == moved.digest)
        #expect(one.digest != described.digest)
        #expect(one.digest != renamed.digest)
    }

    @Test("the digest is FNV-1a with 128 bits") func fnv() {
        // 0xFF ends each text, so the digest of "a" is that of the bytes 61 FF.
        #expect(Digest.hex([]) == "6c62272e07bb014262b821756295c58d")
        #expect(Digest.hex(["a"]) == "0880954550ab1be95aa0733055b751b9")
        #expect(Digest.hex(["ab"]) != Digest.hex(["a", "b"]))
        #expect(Digest.hex(["a", ""]) != Digest.hex(["a"]))
    }

    @Test(
        "scalars become JSON without a change of meaning",
        arguments: [
            ("5", "5"), ("-5", "-5"), ("0", "0"), ("1.5", "1.5"), ("1e5", "1e5"),
            ("-1.5E+3", "-1.5E+3"),
            ("0123", "\"0123\""), ("+5", "\"+5\""), ("0x1F", "\"0x1F\""), (".5", "\".5\""),
            ("5.", "\"5.\""),
            (".inf", "\".inf\""), ("-.5", "\"-.5\""), ("1.e3", "\"1.e3\""), ("True", "\"True\""),
            ("~", "null"),
            ("'5'", "\"5\""), ("a", "\"a\""), ("\"\\t\\n\\r\\\\\\x01\"", #""\t\n\r\\\u0001""#),
            ("é🎉", "\"é🎉\""),
            ("{b: 1, a: [], é: {}}", "{\"a\":[],\"b\":1,\"é\":{}}"),
        ])
    func json(text: String, json: String) throws {
        #expect(try CanonicalJSON(yaml(text)).rendered == json)
    }
}
