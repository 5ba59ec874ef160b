"""Child program: a process that does what its handover says, for the tests of the supervisor."""

import signal
import socket
import sys


def main(behaviour: str, line: socket.socket, doors: list[socket.socket]) -> int:
    """Behave; ends when the parent is gone, whatever it was told."""
    if behaviour == "fail":
        return 3
    if behaviour == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    line.send(b"ready")
    for door in doors:
        door.setblocking(True)
        visitor, _ = door.accept()
        visitor.sendall(b"welcome")
        visitor.close()
    if behaviour == "die":
        return 4
    line.recv(1)
    return 0


if __name__ == "__main__":
    from_parent = socket.socket(fileno=int(sys.argv[2]))
    told = b""
    while not told.endswith(b"\n"):
        told += from_parent.recv(100)
    sys.exit(main(told.decode().strip(), from_parent, [socket.socket(fileno=int(each)) for each in sys.argv[3:]]))
