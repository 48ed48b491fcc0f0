"""Answers STUN Binding requests (RFC 8489) with where they came from, as Teams'
media relays do, until it is ended.

    stunserver.py FILE ADDRESS...   FILE is made when it listens
"""
import ipaddress
import select
import socket
import struct
import sys

PORT = 3478
COOKIE = 0x2112A442
HEADER = struct.Struct(">HHI12s")
REQUEST, SUCCESS, XOR_MAPPED_ADDRESS = 0x0001, 0x0101, 0x0020


def answer(request, address, port):
    """None: it was no Binding request."""
    if len(request) < HEADER.size:
        return None
    kind, length, cookie, transaction = HEADER.unpack_from(request)
    if (kind, cookie, length) != (REQUEST, COOKIE, len(request) - HEADER.size):
        return None
    packed = ipaddress.ip_address(address).packed
    mask = struct.pack(">I", COOKIE) + transaction
    hidden = bytes(a ^ b for a, b in zip(packed, mask))
    value = struct.pack(">BBH", 0, 1 if len(packed) == 4 else 2,
                        port ^ COOKIE >> 16) + hidden
    attribute = struct.pack(">HH", XOR_MAPPED_ADDRESS, len(value)) + value
    return HEADER.pack(SUCCESS, len(attribute), COOKIE,
                       transaction) + attribute


def listen(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.bind((address, PORT))
    return s


def main(ready, *addresses):
    sockets = [listen(address) for address in addresses]
    with open(ready, "w", encoding="utf-8"):
        pass
    while True:
        for s in select.select(sockets, [], [])[0]:
            request, sender = s.recvfrom(2048)
            reply = answer(request, *sender[:2])
            if reply:
                s.sendto(reply, sender)


main(*sys.argv[1:])
