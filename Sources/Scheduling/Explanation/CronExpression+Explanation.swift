extension CronExpression {
    /// What the expression means, in plain English and without a full stop: `At 02:30 on Monday to
    /// Friday`.
    ///
    /// Says all that decides when the expression runs, but for what happens when a zone's offset
    /// changes, which depends on the zone and the job.
    public var explanation: String {
        let times = TimesInWords(self).text
        let days = DaysInWords(self)
        var sentence = times.words
        let onDays = days.text(isThroughout: times.isThroughout)
        if !onDays.isEmpty { sentence += " " + onDays }
        if neverFires { sentence += ", which never comes" }
        return sentence.prefix(1).uppercased() + sentence.dropFirst()
    }
}

extension Recurrence {
    /// When it is due, in plain English and without a full stop: `At 02:30 on Monday to Friday,
    /// Europe/Berlin time`.
    public var explanation: String {
        switch self {
        case .cron(let expression, let zone, let policy):
            return expression.explanation + ", \(zone.identifier) time" + policy.explanation
        case .every(let seconds, let anchor):
            guard seconds > 0 else { return "Never" }
            return "Every \(Words.duration(seconds)), counted from \(anchor)"
        case .after(let seconds):
            let delay = Words.duration(max(1, seconds))
            let counted = delay.first?.isNumber == true ? delay : "1 " + delay
            return "\(counted) after the run before has ended"
        case .union(let members):
            guard !members.isEmpty else { return "Never" }
            return members.map(\.explanation).joined(separator: "; and ")
        case .bounded(let inner, let first, let last):
            let bounds = [first.map { "from \($0)" }, last.map { "through \($0)" }]
            return ([inner.explanation] + bounds.compactMap { $0 }).joined(separator: ", ")
        case .filtered(let inner, let filter):
            return inner.explanation + filter.explanation
        }
    }
}

extension ClockChangePolicy {
    fileprivate var explanation: String {
        let gap: String? =
            switch gap {
            case .nextValid: "times that the clock skips run right after the gap"
            case .skip: "times that the clock skips do not run"
            case nil: nil
            }
        let fold: String? =
            switch fold {
            case .first: "times that it shows twice run the first time"
            case .second: "times that it shows twice run the second time"
            case .both: "times that it shows twice run both times"
            case nil: nil
            }
        let parts = [gap, fold].compactMap { $0 }
        let text = parts.joined(separator: ", and ")
        return parts.isEmpty
            ? "" : "; " + (gap == nil ? text.replacing("it shows", with: "the clock shows") : text)
    }
}

extension CalendarFilter {
    fileprivate var explanation: String {
        switch (only == nil, excluded.isEmpty) {
        case (true, true): ""
        case (true, false): ", except on the days that calendars exclude"
        case (false, true): ", only on the days of its calendars"
        case (false, false):
            ", only on the days of its calendars and except on those that others exclude"
        }
    }
}
