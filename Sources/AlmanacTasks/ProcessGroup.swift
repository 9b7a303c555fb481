import Dispatch
import Glibc

/// A program and what it has started, as long as that stays in its group.
struct ProcessGroup {
    /// The program, whose number is the group's.
    let leader: pid_t

    /// Waits for the leader's end and ends what is left of the group.
    ///
    /// Whoever started the leader collects it afterwards. Until then no other process, and so no
    /// other group, can have its number.
    func endAfterLeader() async {
        let leader = leader
        ProgramWatch.shared.add(leader)
        await withCheckedContinuation { continuation in
            DispatchQueue(label: "almanac.program").async {
                var information = siginfo_t()
                while waitid(P_PID, id_t(leader), &information, WEXITED | WNOWAIT) != 0,
                    errno == EINTR
                {}
                continuation.resume()
            }
        }
        if leader > 1 { _ = kill(-leader, SIGKILL) }
        ProgramWatch.shared.remove(leader)
    }
}
