internal import Scheduling

extension Recurrence {
    /// The recurrence in the vocabulary of the file, uniformly spelled. Calendars are written out.
    var canonicalMembers: [CanonicalJSON.Member] {
        switch self {
        case .cron: members(ofSchedule: [self])
        case .union(let schedules): members(ofSchedule: schedules)
        case .every(let seconds, _): [("every", .text(DurationText.text(seconds)))]
        case .after(let seconds): [("after", .text(DurationText.text(seconds)))]
        case .bounded(let inner, let first, let last):
            inner.canonicalMembers
                + [("startAt", first), ("endAt", last)].compactMap {
                    (key, instant) in instant.map { (key, .text($0.description)) }
                }
        case .filtered(let inner, let filter): inner.canonicalMembers + filter.canonicalMembers
        }
    }

    private func members(ofSchedule schedules: [Recurrence]) -> [CanonicalJSON.Member] {
        var policy = ClockChangePolicy.cron
        let items = schedules.compactMap { schedule -> CanonicalJSON? in
            guard case .cron(let expression, let zone, let own) = schedule else { return nil }
            policy = own
            return .object([
                ("cron", .text(expression.description)), ("timeZone", .text(zone.identifier)),
            ])
        }
        return [("schedule", .list(items))] + policy.canonicalMembers
    }
}

extension Recurrence {
    /// In short, with the expressions as the file has them.
    func summary(cronTexts: [String]) -> String {
        switch self {
        case .every(let seconds, _): return "every \(DurationText.text(seconds))"
        case .after(let seconds): return "\(DurationText.text(seconds)) after each completion"
        case .bounded(let inner, _, _), .filtered(let inner, _):
            return inner.summary(cronTexts: cronTexts)
        case .cron(_, let zone, _):
            return (cronTexts + [zone.identifier]).joined(separator: " ")
        case .union(let members):
            let zones = members.map { member in
                if case .cron(_, let zone, _) = member { zone.identifier } else { "" }
            }
            guard Set(zones).count > 1 else {
                return cronTexts.joined(separator: ", ") + " " + (zones.first ?? "")
            }
            return zip(cronTexts, zones).map { "\($0) \($1)" }.joined(separator: ", ")
        }
    }
}

extension ClockChangePolicy {
    fileprivate var canonicalMembers: [CanonicalJSON.Member] {
        let chosen = [("gap", gap?.rawValue), ("fold", fold?.rawValue)].compactMap {
            (key, choice) in choice.map { (key: key, value: CanonicalJSON.text($0)) }
        }
        return chosen.isEmpty ? [] : [("dst", .object(chosen))]
    }
}

extension CalendarFilter {
    fileprivate var canonicalMembers: [CanonicalJSON.Member] {
        var use: [CanonicalJSON.Member] = []
        if !excluded.isEmpty { use.append(("exclude", .list([excluded.canonical]))) }
        if let only { use.append(("only", .list([only.canonical]))) }
        return [("calendars", .object(use)), ("timeZone", .text(zone.identifier))]
    }
}

extension DayCalendar {
    fileprivate var canonical: CanonicalJSON {
        var members: [CanonicalJSON.Member] = []
        let single = ranges.filter { $0.lowerBound == $0.upperBound }
        let several = ranges.filter { $0.lowerBound != $0.upperBound }
        if !single.isEmpty {
            members.append(("dates", .list(single.map { .text($0.lowerBound.description) })))
        }
        if !several.isEmpty {
            let items = several.map { range in
                CanonicalJSON.object([
                    ("from", .text(range.lowerBound.description)),
                    ("to", .text(range.upperBound.description)),
                ])
            }
            members.append(("ranges", .list(items)))
        }
        if let weekdayRule { members.append(("weekdays", .text(weekdayRule.description))) }
        return .object(members)
    }
}

extension StartOffset {
    /// In the vocabulary of the file; nothing for no offset.
    var canonicalMembers: [CanonicalJSON.Member] {
        (jitterSeconds > 0 ? [("jitterSeconds", .raw("\(jitterSeconds)"))] : [])
            + (isSpread ? [("spread", .text(Spread.hash.rawValue))] : [])
    }
}
