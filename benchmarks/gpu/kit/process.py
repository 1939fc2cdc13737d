"""Runs programs so that they cannot stop the kit: in their own process group and with a time
limit."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass

LOG_BYTES = 8 << 20  # of one part; files of more than 16 MB may not be copied back


@dataclass
class Ended:
    code: int | None  # None: it was stopped at its time limit
    output: str
    seconds: float

    @property
    def last_line(self):
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        return lines[-1][:300] if lines else "it said nothing"

    def fault(self):
        """Describes how the program ended."""
        if self.code is None:
            return f"stopped after {self.seconds:.0f} s; last line: {self.last_line}"
        if self.code < 0:
            return f"ended by {signal.Signals(-self.code).name}; last line: {self.last_line}"
        return f"exit code {self.code}; last line: {self.last_line}"


def start(command, environment=None, waits=False):
    """Starts the command. If it `waits`, it begins its work when it reads a line on its standard
    input, and ends if there is none."""
    return subprocess.Popen(
        [str(word) for word in command],
        stdin=subprocess.PIPE if waits else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
    )


def finish(child, seconds, log, asked=None):
    """Lets a started program run for at most `seconds`, and appends its output to the log. If
    `asked` is a signal, the program gets it at the time limit and then has one more second, in
    which it can write what it is doing."""
    begun = time.monotonic()
    code = None
    try:
        line = b"\n" if child.stdin else None
        try:
            output, _ = child.communicate(line, timeout=max(1, seconds))
        except subprocess.TimeoutExpired:
            if asked is None:
                raise
            os.kill(child.pid, asked)
            output, _ = child.communicate(timeout=1)
        code = child.returncode
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        try:
            output, _ = child.communicate(timeout=10)
        except subprocess.TimeoutExpired as stuck:  # it hangs in the driver: leave it
            output = stuck.stdout or b""
    text = output.decode(errors="replace")
    ended = Ended(code, text, time.monotonic() - begun)
    with open(log, "a", encoding="utf-8") as file:
        room = LOG_BYTES - file.tell()
        head = f"$ {' '.join(child.args)}\n"
        file.write((head + text)[: max(0, room)])
    return ended


def discard(child):
    """Ends a waiting program that is not needed."""
    os.killpg(child.pid, signal.SIGKILL)
    child.stdin.close()
    child.stdout.close()
    child.wait(10)


def run(command, seconds, log, environment=None, asked=None):
    """Starts a program and lets it finish."""
    return finish(start(command, environment), seconds, log, asked)
