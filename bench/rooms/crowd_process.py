"""The process behind `crowd.Crowd`: epoll, one buffer, and frames read by their headers only. `sys.argv[1]` is its pipe."""

import gc
import heapq
import json
import random
import select
import socket
import struct
import sys
import time
from collections import deque
from multiprocessing.connection import Connection
from typing import Any, Final

from crowd import Target

EVENT: Final = b'{"type":"render.'
"""How every message that counts begins; the servers of the benchmark all send the same."""
PONG: Final = b'{"type":"pong"}'
JITTER_S: Final = 5.0
BACKOFF_S: Final = (0.1, 10.0)
DEPLOYING: Final = 1012
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_SMALL_BUFFER: Final = 4096


class Line:
    """One member's connection, and what a member that returns remembers over many."""

    __slots__ = (
        "attempts",
        "back_at",
        "close_codes",
        "epoch",
        "failures",
        "is_in",
        "recovered",
        "rest",
        "seqs",
        "socket",
        "target",
        "upgraded",
    )

    def __init__(self, target: Target) -> None:
        self.target = target
        self.socket: socket.socket | None = None
        self.rest = b""
        self.upgraded = False
        self.is_in = False
        self.epoch = ""
        self.seqs: list[int] = []
        self.recovered = False
        self.back_at = 0.0
        self.attempts = 0
        self.failures = 0
        self.close_codes: list[int] = []

    def open(self) -> socket.socket:
        """A socket that has sent its upgrade request."""
        self.rest, self.upgraded, self.is_in = b"", False, False
        self.attempts += 1
        made = socket.socket()
        if self.target.stalled:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
        made.connect(("127.0.0.1", self.target.port))
        made.setblocking(False)
        lines = [
            f"GET {self.target.path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.target.port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            *(f"{name}: {value}" for name, value in self.target.headers),
        ]
        made.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.socket = made
        return made

    def say(self, message: bytes, opcode: int = _TEXT) -> None:
        """Send a frame under a mask of zeros."""
        size = len(message)
        head = bytes([0x80 | opcode, 0x80 | size]) if size < 126 else struct.pack(">BBH", 0x80 | opcode, 0xFE, size)
        if self.socket is not None:
            self.socket.sendall(head + bytes(4) + message)


class Members:
    """All connections of this process."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._epoll = select.epoll()
        self._epoll.register(pipe.fileno(), select.EPOLLIN)
        self._buffer = bytearray(1 << 18)
        self._view = memoryview(self._buffer)
        self._all: list[Line] = []
        self._lines: dict[int, Line] = {}
        self._waiting: deque[Line] = deque()
        self._later: list[tuple[float, int, Line]] = []
        self._joining = 0
        self._at_once = 0
        self._connect_began: float | None = None
        self._keep = False
        self._nap_s = 0.0
        self._frames = self._bytes = self._lost = 0
        self._heard: dict[bytes, list[float]] = {}

    def run(self) -> None:
        """Until the pipe is closed."""
        while True:
            pause = max(0.0, self._later[0][0] - time.time()) if self._later else 60.0
            for number, mask in self._epoll.poll(pause):
                if number == self._pipe.fileno():
                    try:
                        word, argument = self._pipe.recv()
                    except EOFError:
                        return
                    self._obey(word, argument)
                elif (line := self._lines.get(number)) is not None:
                    self._read(line, mask)
            while self._later and self._later[0][0] <= time.time():
                self._waiting.append(heapq.heappop(self._later)[2])
            self._open_more()
            if self._nap_s:
                time.sleep(self._nap_s)

    # --- what the benchmark asks -------------------------------------------------------------------------------------

    def _obey(self, word: str, argument: Any) -> None:
        match word:
            case "connect":
                targets, self._at_once = argument
                self._nap_s = 0.0
                made = [Line(Target(*target)) for target in targets]
                self._all += made
                self._waiting.extend(made)
                self._connect_began = time.time()
                return  # answered when all are in
            case "begin":
                self._keep, self._nap_s = argument
                self._frames = self._bytes = self._lost = 0
                self._heard = {}
                self._pipe.send(None)
            case "tally":
                self._pipe.send((self._frames, self._bytes, self._lost))
            case "heard":
                self._pipe.send(self._heard)
            case "stories":
                self._pipe.send(
                    [
                        (line.target.path, line.seqs, line.back_at, line.recovered, line.attempts, line.close_codes)
                        for line in self._all
                        if line.target.returns
                    ]
                )
            case "stalled":
                self._pipe.send([self._unread(line) for line in self._all if line.target.stalled])
            case "leave":
                for line in list(self._lines.values()):
                    self._forget(line)
                self._all, self._later = [], []
                self._pipe.send(None)

    def _unread(self, line: Line) -> int:
        """Bytes that have reached the kernel for a member that does not read."""
        if line.socket is None:
            return 0
        try:
            return line.socket.recv_into(self._view, 0, socket.MSG_PEEK)
        except OSError:
            return 0

    # --- coming and going --------------------------------------------------------------------------------------------

    def _open_more(self) -> None:
        while self._waiting and self._joining < self._at_once:
            line = self._waiting.popleft()
            try:
                made = line.open()
            except OSError:
                self._come_back(line, 0)
                continue
            self._joining += 1
            self._lines[made.fileno()] = line
            self._epoll.register(made.fileno(), select.EPOLLIN)
        if self._connect_began is not None and not (self._waiting or self._joining or self._later):
            self._pipe.send(time.time() - self._connect_began)
            self._connect_began = None

    def _enter(self, line: Line) -> None:
        line.is_in = True
        line.failures = 0
        line.back_at = time.time()
        self._joining -= 1
        if line.target.stalled and line.socket is not None:
            self._epoll.unregister(line.socket.fileno())

    def _end(self, line: Line, code: int) -> None:
        self._forget(line)
        self._lost += 1
        if line.target.returns:
            line.close_codes.append(code)
            self._come_back(line, code)
        else:
            print(f"a member's connection ended with code {code}: {bytes(line.rest)[:300]!r}", file=sys.stderr)

    def _forget(self, line: Line) -> None:
        if line.socket is not None:
            del self._lines[line.socket.fileno()]
            line.socket.close()  # leaves epoll by itself
            line.socket = None
            self._joining -= not line.is_in

    def _come_back(self, line: Line, code: int) -> None:
        """Later, by the same policy as `renderowl.client`."""
        line.failures += 1
        least, most = BACKOFF_S
        backoff_s = min(most, least * 2.0**line.failures) * random.uniform(0.5, 1.0)
        pause_s = random.uniform(0, JITTER_S) if code == DEPLOYING else backoff_s
        heapq.heappush(self._later, (time.time() + pause_s, id(line), line))

    # --- hearing -----------------------------------------------------------------------------------------------------

    def _read(self, line: Line, mask: int) -> None:
        assert line.socket is not None
        try:
            size = line.socket.recv_into(self._buffer)
        except BlockingIOError:
            return
        except OSError:
            size = 0
        if size == 0:
            self._end(line, 0)
            return
        if line.rest:
            data: bytes | bytearray = line.rest + bytes(self._view[:size])
            line.rest, size = b"", len(data)
        else:
            data = self._buffer
        at = 0
        if not line.upgraded:
            at = data.find(b"\r\n\r\n", 0, size) + 4
            if at < 4 or not data.startswith(b"HTTP/1.1 101"):
                line.rest = bytes(data[:size])
                if not data.startswith(b"HTTP/1.1 101"):
                    self._end(line, 0)
                return
            line.upgraded = True
            if line.target.hello is None:
                self._enter(line)
            else:
                since = {"since": f"{line.epoch}.{line.seqs[-1]}"} if line.seqs else {}
                line.say(json.dumps({"type": "hello", **line.target.hello, **since}).encode())
        self._frames_of(line, data, at, size)

    def _frames_of(self, line: Line, data: bytes | bytearray, at: int, size: int) -> None:
        now = time.time() if self._keep else 0.0
        while at + 2 <= size:
            length, start = data[at + 1], at + 2
            if length == 126:
                length, start = (data[at + 2] << 8) + data[at + 3], at + 4
            elif length == 127:
                length, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            end = start + length
            if end > size or (length > 125 and at + 10 > size):
                break
            if data[start : start + 16] == EVENT:
                self._frames += 1
                self._bytes += length
                if self._keep:
                    self._heard.setdefault(bytes(data[start:end]), []).append(now)
                if line.target.returns:
                    line.seqs.append(json.loads(data[start:end])["seq"])
            elif not self._aside(line, data[at] & 15, bytes(data[start:end])):
                return
            at = end
        if at < size and line.socket is not None:
            line.rest = bytes(data[at:size])

    def _aside(self, line: Line, opcode: int, message: bytes) -> bool:
        """Everything besides events; False when the connection is over."""
        if opcode == _CLOSE:
            line.rest = message
            self._end(line, int.from_bytes(message[:2], "big"))
            return False
        if opcode == _PING:
            line.say(message, _PONG)
        elif message.startswith(b'{"type":"welcome"'):
            welcome = json.loads(message)
            line.epoch, line.recovered = welcome["epoch"], welcome["recovered"]
            if not line.seqs:
                line.seqs.append(welcome["seq"])
            self._enter(line)
        elif message == b'{"type":"ping"}':
            line.say(PONG)
        elif message.startswith(b'{"type":"error"'):
            print(message.decode(), file=sys.stderr)
        return True


if __name__ == "__main__":
    gc.disable()
    Members(Connection(int(sys.argv[1]))).run()
