import Testing

@testable import AlmanacCore

@Suite("Who is told of what")
struct NotifyReaderTests {
    private static func text(_ policy: NotifyPolicy) -> String {
        NotifyPolicy.Event.allCases.compactMap { event in
            policy.channels[event].map { "\(event.rawValue): \($0.joined(separator: " "))" }
        }.joined(separator: ", ")
    }

    @Test(
        "an event that a job says nothing of is as in the defaults",
        arguments: [
            ("", "", ""),
            ("", "{onFailure: ops}", "failure: ops"),
            ("", "{onFailure: [chat, ops], onSuccess: [ops]}", "failure: chat ops, success: ops"),
            ("{onFailure: ops}", "", "failure: ops"),
            ("{onFailure: ops}", "{onFailure: chat}", "failure: chat"),
            ("{onFailure: ops}", "{onMissed: chat}", "failure: ops, missed: chat"),
            ("{onFailure: ops, onRecovered: ops}", "{onFailure: []}", "recovered: ops"),
            ("{onSlow: [ops, chat]}", "", "slow: ops chat"),
            ("{onFailure: []}", "", ""),
        ])
    func merge(defaults: String, own: String, expected: String) throws {
        let job = try job(
            "task: cleanup, every: 1h" + (own.isEmpty ? "" : ", notify: \(own)"),
            defaults: "{activeDeadlineSeconds: 60"
                + (defaults.isEmpty ? "}" : ", notify: \(defaults)}"))
        #expect(Self.text(job.notify) == expected)
    }

    @Test("each event has its key") func keys() {
        #expect(
            NotifyPolicy.Event.allCases.map(\.key) == [
                "onFailure", "onSuccess", "onMissed", "onSlow", "onRecovered",
            ])
        for event in NotifyPolicy.Event.allCases {
            #expect(ScheduleKey.named(event.key, in: .notify) != nil)
        }
    }

    @Test(
        "a stored definition has a list for each event that somebody is told of",
        arguments: [
            ("{onFailure: ops}", #""notify":{"onFailure":["ops"]}"#),
            (
                "{onSuccess: [chat, ops], onMissed: chat}",
                #""notify":{"onMissed":["chat"],"onSuccess":["chat","ops"]}"#
            ),
            ("{onRecovered: ops, onSlow: []}", #""notify":{"onRecovered":["ops"]}"#),
            ("{onFailure: []}", nil),
        ] as [(String, String?)])
    func canonical(notify: String, member: String?) throws {
        let plain = try job("task: cleanup, every: 1h")
        let told = try job("task: cleanup, every: 1h, notify: \(notify)")
        #expect(told.canonicalText.contains(member ?? "\"task\""))
        #expect(told.canonicalText.contains("notify") == (member != nil))
        #expect(told.definitionDigest == plain.definitionDigest)
        #expect(told.scheduleDigest == plain.scheduleDigest)
    }

    @Test(
        "what makes no sense is refused, with what to write",
        arguments: [
            (
                "notify: ops",
                "7:13 'notify' must be a mapping, not the text 'ops' (write {onFailure: ops}; its "
                    + "keys are 'onFailure', 'onMissed', 'onSlow', 'onRecovered' and 'onSuccess')"
            ),
            (
                "notify: [ops, chat]",
                "7:13 'notify' must be a mapping, not a list (write {onFailure: ops}; its keys are "
                    + "'onFailure', 'onMissed', 'onSlow', 'onRecovered' and 'onSuccess')"
            ),
            (
                "notify: {}",
                "7:13 'notify' says nothing (write {onFailure: …}, or remove it)"
            ),
            (
                "notify: {onFailure: }",
                "7:25 'onFailure' must be the name of a channel, not an empty value (name one of "
                    + "the 'channels', or several in a list; [] is for nobody)"
            ),
            (
                "notify: {onSuccess: [{ops: 1}]}",
                "7:26 an item of 'onSuccess' must be the name of a channel, not a mapping (name "
                    + "one of the 'channels', or several in a list; [] is for nobody)"
            ),
            (
                "notify: {onMissed: [ops, chat, ops]}",
                "7:36 the channel 'ops' stands here twice (remove one of them)"
            ),
            (
                "notify: {onFailur: ops}",
                "7:14 unknown key 'onFailur' (did you mean 'onFailure'?)"
            ),
        ])
    func refused(line: String, answer: String) {
        #expect(jobAnswers("task: cleanup\nevery: 1h\n\(line)") == [answer])
    }

    @Test(
        "a job that is told of slow runs says what is slow",
        arguments: [
            ("notify: {onSlow: ops}", "", true), ("notify: {onSlow: []}", "", false),
            ("notify: {onSlow: ops}, warnAfter: p95", "", false),
            ("notify: {onFailure: ops}", ", notify: {onSlow: ops}", false),
        ])
    func slow(keys: String, defaults: String, isWarned: Bool) throws {
        let text =
            "version: 1\ndefaults: {timeZone: UTC, activeDeadlineSeconds: 60\(defaults)}\n"
            + "channels: {ops: {task: cleanup}}\njobs:\n"
            + "  nightly: {task: cleanup, every: 1h, \(keys)}\n"
        let found = try load(text).warnings.map(\.category)
        #expect(found == (isWarned ? [.noWarnAfter] : []))
    }
}
