"""What a parser may use. Set by the process itself, once its own code is loaded; it cannot undo them."""

from __future__ import annotations

import contextlib
import ctypes
import resource
import signal

MEGABYTE = 1 << 20
CPU_SECONDS = 300  # between two batches: more is a parser that runs in circles
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET
_NO_NEW_PRIVILEGES = 38  # PR_SET_NO_NEW_PRIVS


def confine(memory: int, written: int = 0) -> None:
    """Limit this process: ``memory`` bytes of data, ``written`` bytes a file, no core dump, no network if we may.

    Memory counts what is written to (RLIMIT_DATA), not what is only mapped: shared libraries would else
    decide how much is left for a record.
    """
    for kind, most in (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_FSIZE, written),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # a stricter limit holds already
            resource.setrlimit(kind, (most, most))
    libc = ctypes.CDLL(None, use_errno=True)
    for call in (
        lambda: libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0),
        # Allowed only to some; without it, the parser still knows no address and no password.
        lambda: libc.unshare(_NEW_NETWORK),
    ):
        with contextlib.suppress(AttributeError, OSError):
            call()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, whose pipe then ends
    renew_processor_time()


def renew_processor_time() -> None:
    """Grant another :data:`CPU_SECONDS`; SIGXCPU ends a process that overruns them."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
