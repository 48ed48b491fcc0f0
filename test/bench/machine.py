"""What the bench needs of the machine: processes of its own that do not outlive
it, what they cost, and what machine it is."""
import ctypes
import os
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1
CPUCLOCK_SCHED = 2
LIBC = ctypes.CDLL(None)


def child():
    """In a new process: end with the bench, also when that is killed."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def start(command, netns, out, into):
    """`ip netns exec` becomes the command: the process number is its own."""
    return subprocess.Popen(
        ["ip", "netns", "exec", netns, *map(str, command)], stdin=into,
        stdout=out, stderr=out, preexec_fn=child,
        env=dict(os.environ, LC_ALL="C"))


def interrupt(process):
    if process.poll() is None:
        process.send_signal(signal.SIGINT)


def end(process, number=signal.SIGTERM, within=10):
    """Its exit status. Never waits without end: a signal that came inside of
    poll() may have left its lock held, and then wait() waits for ever."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        return process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
    try:
        return process.wait(1)
    except subprocess.TimeoutExpired:
        return os.waitstatus_to_exitcode(os.waitpid(process.pid, 0)[1])


def cpu_ns(process):
    """User and system time of all its threads, also of those that ended."""
    try:
        return time.clock_gettime_ns((~process.pid << 3) | CPUCLOCK_SCHED)
    except OSError:
        return None  # it is gone


def threads_ns(process):
    """The same by the names of its threads, of those that live."""
    found = {}
    folder = f"/proc/{process.pid}/task"
    try:
        for task in os.listdir(folder):
            with open(f"{folder}/{task}/comm", encoding="utf-8") as f:
                name = f.read().strip()
            with open(f"{folder}/{task}/schedstat", encoding="utf-8") as f:
                found[name] = found.get(name, 0) + int(f.read().split()[0])
    except OSError:
        return {}
    return found


def field(path, name):
    """A `Name:   123 kB` line of /proc, in bytes; 0 where it is not."""
    try:
        with open(path, encoding="utf-8") as f:
            for line in f:
                if line.startswith(name + ":"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def memory(processes):
    """The peak of one process; of several the sum of what each has of its own
    and its share of the rest: they share their program."""
    if len(processes) == 1:
        return field(f"/proc/{processes[0].pid}/status", "VmHWM")
    return sum(field(f"/proc/{p.pid}/smaps_rollup", "Pss") for p in processes)


def spin(core):
    os.sched_setaffinity(0, {core})
    while True:
        pass


class Load:
    """A busy loop at normal priority on each core, or nothing."""

    def __init__(self, busy):
        self.busy = busy
        self.children = []

    def __enter__(self):
        for core in sorted(os.sched_getaffinity(0)) if self.busy else ():
            pid = os.fork()
            if pid == 0:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                child()
                spin(core)
            self.children.append(pid)
        return self

    def __exit__(self, *_):
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def stolen_ms():
    """What the hypervisor has kept from this machine so far."""
    with open("/proc/stat", encoding="utf-8") as f:
        return int(f.readline().split()[8]) * 1000 // os.sysconf("SC_CLK_TCK")


def model():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            if line.startswith(("model name", "Model", "Hardware")):
                return " ".join(line.split(":", 1)[1].split())
    return os.uname().machine


def facts():
    release = {}
    try:
        with open("/etc/os-release", encoding="utf-8") as f:
            for line in f:
                key, _, value = line.strip().partition("=")
                release[key] = value.strip('"')
    except OSError:
        pass
    return {"date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
            "kernel": os.uname().release,
            "system": release.get("PRETTY_NAME", "unknown"),
            "cpus": len(os.sched_getaffinity(0)), "model": model(),
            "memory_mib": os.sysconf("SC_PAGE_SIZE") *
            os.sysconf("SC_PHYS_PAGES") >> 20}
