"""Become a command that dies with its parent.

Run as a file with ``python -I -S guard.py [--as-user HOW] SIGNAL -- COMMAND…`` (only the standard library, about
15 ms). The kernel sends SIGNAL to the command when the thread that started it ends, however it ended
(``PR_SET_PDEATHSIG``, prctl(2)), so nothing outlives a killed `up`, supervisor or test run.

``--as-user`` serves PostgreSQL, which refuses to run as root, or as a user without a name:

``namespace``
    a user namespace in which this user goes by the name nobody; outside, files still belong to this user.
``setpriv``
    the user nobody, who keeps the right to pass through folders of root (``CAP_DAC_OVERRIDE``).
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

#: Id of the parent the next guard must find; a parent that died first is noticed by it.
PARENT = "DESKBELL_GUARD_PARENT"
#: Who PostgreSQL is inside the namespace, and with `setpriv`: it wants a user that has a name.
NOBODY = 65534

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000


def die_with_parent(number: int) -> None:
    """Ask the kernel for signal `number` when the parent ends. Raises `OSError` when it refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _enter_namespace() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{NOBODY} {uid} 1"),
        ("gid_map", f"{NOBODY} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def main(argv: list[str]) -> None:
    """Replace this process by the command in `argv`; ends with 126 when that can't be done."""
    how = ""
    if argv[0] == "--as-user":
        how, argv = argv[1], argv[2:]
    death, command = argv[0], argv[2:]
    number = signal.Signals[f"SIG{death}"]
    try:
        if how == "namespace":
            _enter_namespace()  # before prctl: changing credentials clears the parent-death signal
        elif how == "setpriv":
            capability = "-all,+dac_override"
            command = [
                "setpriv",
                *("--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"),
                *("--inh-caps", capability, "--ambient-caps", capability),
                *("--pdeathsig", f"SIG{death}", *command),
            ]
        die_with_parent(number)
        expected = os.environ.get(PARENT)
        if expected and os.getppid() != int(expected):
            sys.exit(f"guard: the parent of {command[0]} is gone")
        os.environ[PARENT] = str(os.getpid())
        os.execvp(command[0], command)  # noqa: S606
    except OSError as error:
        sys.stderr.write(f"guard: {command[0]}: {error}\n")
        sys.exit(126)


if __name__ == "__main__":
    main(sys.argv[1:])
