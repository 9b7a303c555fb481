import Glibc
import Synchronization

/// Ends the programs of this process when it is killed itself and can end them no more.
///
/// One small shell for the process, begun with its first program, is told of each group of
/// processes that begins and ends. Its standard input is one end of a socket whose other end this
/// process alone has: when that is closed, by whatever end of this process, the shell sends SIGKILL
/// to the groups that are left, and ends.
///
/// Not by `PR_SET_PDEATHSIG`, which goes by the end of the thread that has begun the program.
final class ProgramWatch: Sendable {
    /// That of this process.
    static let shared = ProgramWatch()

    private struct State {
        var descriptor: Int32 = -1
        var shell: pid_t = 0
        var groups: Set<pid_t> = []
    }

    private let state = Mutex(State())

    /// A group has begun.
    func add(_ group: pid_t) {
        state.withLock { state in
            state.groups.insert(group)
            tell("+ \(group)\n", &state)
        }
    }

    /// A group has ended. To be called before its leader is collected: until then the number is
    /// nobody else's.
    func remove(_ group: pid_t) {
        state.withLock { state in
            state.groups.remove(group)
            tell("- \(group)\n", &state)
        }
    }

    /// A shell that is gone, because somebody has ended it, is replaced by another one. Where none
    /// can be begun, the programs run without.
    private func tell(_ line: String, _ state: inout State) {
        if state.descriptor >= 0, Self.send(line, to: state.descriptor) { return }
        if state.descriptor >= 0 {
            close(state.descriptor)
            var status: Int32 = 0
            _ = waitpid(state.shell, &status, WNOHANG)
        }
        (state.descriptor, state.shell) = Self.begin()
        guard state.descriptor >= 0 else { return }
        for group in state.groups { _ = Self.send("+ \(group)\n", to: state.descriptor) }
    }

    private static func send(_ line: String, to descriptor: Int32) -> Bool {
        line.withCString { text in
            Glibc.send(descriptor, text, strlen(text), Int32(MSG_NOSIGNAL)) > 0
        }
    }

    private static let script = """
        cd /
        groups=' '
        while read -r sign group; do
          case "$sign$groups" in
            +*) groups="$groups$group " ;;
            *" $group "*) groups="${groups%%" $group "*} ${groups#*" $group "}" ;;
          esac
        done
        for group in $groups; do kill -KILL "-$group"; done
        """

    /// - Returns: this process's end of the socket and the shell; -1 when there is none.
    private static func begin() -> (descriptor: Int32, shell: pid_t) {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { return (-1, 0) }
        defer { close(ends[1]) }
        guard let shell = spawn(reading: ends[1]) else {
            close(ends[0])
            return (-1, 0)
        }
        return (ends[0], shell)
    }

    /// `POSIX_SPAWN_SETSID` of <spawn.h>, which Swift does not see.
    private static let newSession: Int32 = 0x80

    /// In a session of its own, so that what ends this process by its group or terminal does not
    /// end the shell.
    private static func spawn(reading descriptor: Int32) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, descriptor, 0)
        // Whoever reads what this process prints is not to wait for the shell.
        for output in Int32(1)...2 {
            posix_spawn_file_actions_addopen(&actions, output, "/dev/null", O_WRONLY, 0)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        let flags = Self.newSession | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        posix_spawnattr_setflags(&attributes, Int16(flags))
        let texts: [String] = ["/bin/sh", "-c", script]
        let words = texts.map { strdup($0) }
        defer { for word in words { free(word) } }
        let environment: [UnsafeMutablePointer<CChar>?] = [nil]
        var shell: pid_t = 0
        let code = posix_spawn(
            &shell, "/bin/sh", &actions, &attributes, words + [nil], environment)
        return code == 0 ? shell : nil
    }
}
