import Foundation

/// Whoever calls a command, as the ledger is to remember them.
enum Requester {
    /// Such as `ada@db7`; also under sudo the one who sat at the keyboard.
    static var name: String {
        let environment = ProcessInfo.processInfo.environment
        let user = environment["SUDO_USER"].flatMap { $0.isEmpty ? nil : $0 } ?? NSUserName()
        return "\(user)@\(ProcessInfo.processInfo.hostName)"
    }
}
