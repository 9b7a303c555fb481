/// For how long the signs of others have stayed what they are, by this process's own uptime.
///
/// Not by the database's clock, although the signs are dated by it: when that is set forward, all
/// nodes seem not to have been heard of for as long.
struct SilentNodes: Sendable {
    private var since: [NodeSign: Duration] = [:]

    /// Takes note of the last signs of all others.
    mutating func note(_ signs: [NodeSign], at uptime: Duration) {
        let known = since
        since = [:]
        for sign in signs { since[sign] = known[sign] ?? uptime }
    }

    /// Those that have given no newer sign for at least so long.
    func silent(for span: Duration, at uptime: Duration) -> [NodeSign] {
        since.filter { uptime - $0.value >= span }.keys.sorted { $0.node < $1.node }
    }

    /// This process may have slept itself: what it saw before says nothing of the time between.
    mutating func forget() { since = [:] }
}
