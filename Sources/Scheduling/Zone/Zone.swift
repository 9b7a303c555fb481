/// A time zone of the IANA database, for the years 1970 to 2199.
///
/// A value is a snapshot: every change of the zone's offset is read once, when the zone is made,
/// and kept in a table that never changes. Look-ups are binary searches, take no lock and agree
/// with each other for as long as the process lives. Outside those years the nearest known offset
/// is used.
public struct Zone: Sendable {
    /// The name as it was given, such as `Europe/Berlin`.
    public let identifier: String

    let table: ZoneTable

    /// The zone with this IANA name, spelled exactly.
    ///
    /// Abbreviations (`PST`, `EST5EDT`) and offsets (`GMT+2`) are refused: the first are ambiguous
    /// or stand still in summer, the second have two opposite readings.
    ///
    /// - Throws: ``ZoneError``, with the names that were probably meant.
    public init(_ identifier: String) throws(ZoneError) {
        guard let table = ZoneTable.named(identifier) else {
            throw ZoneError(unknown: identifier)
        }
        self.init(identifier: identifier, table: table)
    }

    init(identifier: String, table: ZoneTable) {
        self.identifier = identifier
        self.table = table
    }

    /// Coordinated Universal Time: offset 0, no changes.
    public static let utc = Zone(
        identifier: "UTC", table: ZoneTable(initialOffset: 0, changes: []))

    /// Seconds to add to UTC to get the zone's wall clock; positive east of Greenwich.
    public func offsetSeconds(at instant: Instant) -> Int {
        Int(table.segments[table.index(at: instant.secondsSinceEpoch)].offset)
    }

    /// What a wall clock in the zone shows at the instant.
    public func civilTime(at instant: Instant) -> CivilTime {
        let offset = Int64(offsetSeconds(at: instant))
        return CivilTime(
            secondsSinceEpoch: instant.advanced(bySeconds: offset).secondsSinceEpoch)
    }

    /// The first change of the zone's offset strictly after the instant, or `nil` if none is known.
    ///
    /// Every change counts, whatever its size and reason. Changes that leave the offset as it was
    /// (the zone's name or its daylight-saving flag alone) do not.
    public func nextTransition(after instant: Instant) -> Transition? {
        let next = table.index(at: instant.secondsSinceEpoch) + 1
        guard next < table.segments.count else { return nil }
        return Transition(
            instant: Instant(secondsSinceEpoch: table.segments[next].start),
            offsetSecondsBefore: Int(table.segments[next - 1].offset),
            offsetSecondsAfter: Int(table.segments[next].offset))
    }
}

extension Zone: Hashable, CustomStringConvertible {
    /// Whether two zones have the same name. Two names of one zone are not equal.
    public static func == (lhs: Zone, rhs: Zone) -> Bool {
        lhs.identifier == rhs.identifier
    }

    /// Feeds the name to the hasher.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(identifier)
    }

    /// The zone's name.
    public var description: String { identifier }
}

extension Zone {
    /// One change of a zone's offset from UTC.
    public struct Transition: Hashable, Sendable {
        /// The first instant with the new offset.
        public let instant: Instant
        /// The offset until then.
        public let offsetSecondsBefore: Int
        /// The offset from then on.
        public let offsetSecondsAfter: Int

        /// Whether wall-clock times are skipped here.
        public var isGap: Bool { offsetSecondsAfter > offsetSecondsBefore }
    }

    /// The instants at which a zone's wall clock shows one civil time.
    public enum WallMapping: Hashable, Sendable {
        /// One instant, as nearly always.
        case one(Instant)
        /// None: the clock is set forward over this time. `firstAfter` is the first instant after
        /// the gap.
        case gap(firstAfter: Instant)
        /// Two: the clock is set back and shows this time again.
        case fold(first: Instant, second: Instant)
    }

    /// The instants at which the zone's wall clock shows `time`.
    public func instants(of time: CivilTime) -> WallMapping {
        let wall = time.secondsSinceEpoch
        let first = table.firstInstant(reachingWall: wall)
        let index = table.index(at: first)
        guard first + table.segments[index].offset == wall else {
            return .gap(firstAfter: Instant(secondsSinceEpoch: first))
        }
        // Offsets stay within a day and a bit of each other; later segments cannot show the time
        // again.
        let later = table.segments[(index + 1)...].prefix { $0.start - first < 2 * 86_400 }
        let again = later.first { $0.startWall <= wall && wall < $0.endWall }
        guard let again else { return .one(Instant(secondsSinceEpoch: first)) }
        return .fold(
            first: Instant(secondsSinceEpoch: first),
            second: Instant(secondsSinceEpoch: wall - again.offset))
    }
}
