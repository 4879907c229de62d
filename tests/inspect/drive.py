"""Drives a program on a terminal of its own: presses keys, and prints what the screen showed after each.

usage: drive.py KEYS PROGRAM ARGUMENTS…      KEYS: JSON list of [keys, words that the screen has to show then]
"""

import fcntl
import json
import os
import pty
import re
import select
import struct
import sys
import termios
import time

PATIENCE = 60

script = json.loads(sys.argv[1])
child, terminal = pty.fork()
if child == 0:
    os.environ["TERM"] = "xterm-256color"
    os.execv(sys.argv[2], sys.argv[2:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))

written = ""


def plain(text):
    """Without what moves the cursor and colours, and without spaces: cells that stay as they are are not drawn."""
    return "".join(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).split())


def wait_for(words):
    """Until the screen has shown the words, since the last keys."""
    global written
    end = time.monotonic() + PATIENCE
    while plain(words) not in plain(written):
        if time.monotonic() > end:
            sys.exit(f"the screen never showed {words!r}, but: {plain(written)}")
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                written += os.read(terminal, 65536).decode(errors="replace")
            except OSError:
                sys.exit(f"it ended before it showed {words!r}: {plain(written)}")


for keys, words in script:
    if keys:
        written = ""
        os.write(terminal, keys.encode())
    wait_for(words)
os.write(terminal, b"q")
end = time.monotonic() + PATIENCE
while time.monotonic() < end:
    select.select([terminal], [], [], 0.2)
    try:
        os.read(terminal, 65536)
    except OSError:
        pass
    ended, status = os.waitpid(child, os.WNOHANG)
    if ended:
        sys.exit(os.waitstatus_to_exitcode(status))
sys.exit("it did not end")
