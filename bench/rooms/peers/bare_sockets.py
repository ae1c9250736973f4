"""What sending alone costs: one loop over epoll that writes each message, framed once, to the sockets of its room.

No server could do without any of it: there is no protocol, no Redis and no library. Messages come over one connection,
a line each, `room message`. `sys.argv[1]` is the port.
"""

import re
import select
import socket
import struct
import sys

PUBLISHER = b"PUBLISH\n"
rooms: dict[bytes, set[socket.socket]] = {}
room_of: dict[int, bytes] = {}
connections: dict[int, socket.socket] = {}
rest = b""


def accept(connection: socket.socket) -> bool:
    """Answer what a connection begins with; True if it publishes."""
    head = connection.recv(65536)
    if head == PUBLISHER:
        return True
    asked = re.match(rb"GET /rooms/(\S+) ", head)
    if asked is None:
        connection.send(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        connection.close()
        return False
    connection.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    rooms.setdefault(asked[1], set()).add(connection)
    room_of[connection.fileno()] = asked[1]
    return False


def deliver(received: bytes) -> None:
    """Send each whole line to its room."""
    global rest
    *lines, rest = (rest + received).split(b"\n")
    for line in lines:
        room, message = line.split(b" ", 1)
        long = len(message)
        frame = (struct.pack("!BB", 0x81, long) if long < 126 else struct.pack("!BBH", 0x81, 126, long)) + message
        for member in rooms.get(room, ()):
            member.send(frame)


def forget(number: int, epoll: select.epoll) -> None:
    """Close a connection."""
    epoll.unregister(number)
    gone = connections.pop(number)
    rooms.get(room_of.pop(number, b""), set()).discard(gone)
    gone.close()


def main() -> None:
    """Serve until the process is ended."""
    listening = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=4096)
    epoll = select.epoll()
    epoll.register(listening, select.EPOLLIN)
    publishers, begun = set(), set()
    while True:
        for number, _ in epoll.poll():
            if number == listening.fileno():
                connection, _ = listening.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connections[connection.fileno()] = connection
                epoll.register(connection, select.EPOLLIN)
            elif number not in begun:
                begun.add(number)
                if accept(connections[number]):
                    publishers.add(number)
                elif connections[number].fileno() < 0:
                    begun.discard(number)
                    del connections[number]
            elif received := connections[number].recv(65536):
                if number in publishers:
                    deliver(received)
            else:
                begun.discard(number)
                publishers.discard(number)
                forget(number, epoll)


if __name__ == "__main__":
    main()
