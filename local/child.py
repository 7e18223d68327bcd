"""The last step before a server's own program: give up root, ask to be ended with the parent.

The parent-death signal is a second line of defence behind the guardian, for the case that both are
killed. It has to be asked for after the change of user, which clears it, hence this program between
fork and exec. Standard library only and no package import, because it runs once for every server.
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
    """Become `user`; on Linux keep the right to pass closed folders, such as /root.

    The capability alone does not reach access(2), by which initdb looks for its programs: the
    kernel takes it from users other than root there, unless a change of user is not to change
    capabilities at all (capabilities(7), SECBIT_NO_SETUID_FIXUP).
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
        # effective, permitted, inheritable of capabilities 0-31, then the same of 32-63
        sets = (ctypes.c_uint32 * 6)(wanted, wanted, wanted, 0, 0, 0)
        if libc.capset(header, sets) == 0:
            libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def main() -> None:
    """Run `child.py PARENT USER PROGRAM ARGUMENT...`; 0 means no signal, or no change of user."""
    parent, user, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    if user:
        drop_root(user)
    if parent and sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - becoming it is the point


if __name__ == "__main__":
    main()
