"""Runs between fork and exec of a server: drops root and requests the parent-death signal.

The parent-death signal ends a server if both the stack and the guardian are killed. It must be
requested after the change of user, which clears it. This program uses the standard library only and
imports no package, because it runs once for every server.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG, PR_SET_SECUREBITS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 28, 47, 2
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


def drop_root(user: int) -> None:
    """Change to `user`; on Linux keep the capability to traverse closed folders, such as /root.

    The capability alone does not apply to access(2), with which initdb looks for its programs: the
    kernel ignores it there for users other than root, unless changes of user leave capabilities
    unchanged (capabilities(7), SECBIT_NO_SETUID_FIXUP).
    """
    linux = sys.platform == "linux"
    libc = ctypes.CDLL(None, use_errno=True) if linux else None
    if libc is not None:
        libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    if libc is not None:
        header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
        wanted = 1 << CAP_DAC_OVERRIDE
        # effective, permitted and inheritable sets of capabilities 0-31, then those of 32-63
        sets = (ctypes.c_uint32 * 6)(wanted, wanted, wanted, 0, 0, 0)
        if libc.capset(header, sets) == 0:
            libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def main() -> None:
    """Run `child.py PARENT USER PROGRAM ARGUMENT...`.

    PARENT 0 requests no parent-death signal, USER 0 does not change the user.
    """
    parent, user, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    if user:
        drop_root(user)
    if parent and sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
        if os.getppid() != parent:  # it exited before the line above
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - replaces this process on purpose


if __name__ == "__main__":
    main()
