"""One DNS question over UDP, to see what a server answers, bit by bit.

    dnsquery.py SERVER NAME 4|6     prints: rcode addresses... ttl, or silence
"""
import socket
import struct
import sys

TYPE = {"4": 1, "6": 28}
PATIENCE_S = 1


def skip_name(data, at):
    while data[at]:
        if data[at] >= 192:
            return at + 2
        at += data[at] + 1
    return at + 1


def ask(server, name, family):
    kind = socket.AF_INET6 if ":" in server else socket.AF_INET
    labels = b"".join(bytes([len(part)]) + part.encode()
                      for part in name.split("."))
    question = labels + b"\0" + struct.pack(">HH", TYPE[family], 1)
    with socket.socket(kind, socket.SOCK_DGRAM) as s:
        s.settimeout(PATIENCE_S)
        s.sendto(struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + question,
                 (server, 53))
        data = s.recv(4096)
    rcode, answers = data[3] & 15, struct.unpack(">H", data[6:8])[0]
    at, addresses, ttl = 12 + len(question), [], "-"
    for _ in range(answers):
        at = skip_name(data, at)
        _, _, ttl, size = struct.unpack(">HHIH", data[at:at + 10])
        at += 10
        addresses.append(socket.inet_ntop(
            socket.AF_INET if size == 4 else socket.AF_INET6,
            data[at:at + size]))
        at += size
    return " ".join([str(rcode), *sorted(addresses), str(ttl)])


def parse(done):
    """(rcode, [address, ...], ttl or None), or None for silence."""
    words = done.stdout.split()
    if words[:1] == ["silence"]:
        return None
    if len(words) < 2:
        raise RuntimeError(done.stderr)
    return (int(words[0]), words[1:-1],
            None if words[-1] == "-" else int(words[-1]))


if __name__ == "__main__":
    try:
        print(ask(*sys.argv[1:4]))
    except socket.timeout:
        print("silence")
