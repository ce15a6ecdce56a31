#!/usr/bin/env python3
"""Writes the seeds of each target: fuzz/seeds/<target>/<what it is>. They are committed; this says how they are made."""

import pathlib
import struct

SEEDS = pathlib.Path(__file__).parent / "seeds"
MASK = bytes([0x11, 0x22, 0x33, 0x44])
CUTS = bytes([0, 4, 1, 30])


def frame(first, payload, mask=MASK):
    length = len(payload)
    short = bytes([0x80 | length]) if length < 126 else bytes([0xFE]) + struct.pack(">H", length)
    return bytes([first]) + short + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


FRAMES = {
    "key": frame(0x82, b"\x01" + struct.pack(">Q", 1) + b"a"),
    "rendered": frame(0x82, b"\x02" + struct.pack(">Q", 4096)),
    "paste-of-600": frame(0x82, b"\x01" + struct.pack(">Q", 2) + b"x" * 591),
    "fragments-around-a-ping": frame(0x02, b"a") + frame(0x89, b"p") + frame(0x00, b"b") + frame(0x80, b"c"),
    "text": frame(0x81, "Grüße".encode()),
    "text-cut-inside-a-character": frame(0x01, b"\xc3") + frame(0x80, b"\xbc"),
    "text-not-utf8": frame(0x81, b"\xff"),
    "pong-and-close": frame(0x8A, b"") + frame(0x88, struct.pack(">H", 1000) + b"bye"),
    "close-1005": frame(0x88, struct.pack(">H", 1005)),
    "close-empty": frame(0x88, b""),
    "too-large": bytes([0x82, 0xFF]) + struct.pack(">Q", 1 << 40) + MASK,
    "not-shortest": bytes([0x82, 0xFE, 0, 5]) + MASK + b"hello",
    "unmasked": b"\x82\x01a",
}
MESSAGES = {
    "input": b"\x01" + struct.pack(">Q", 7) + b"ls\r",
    "rendered": b"\x02" + struct.pack(">Q", 1 << 40),
    "resize": b"\x03" + struct.pack(">HH", 80, 24),
    "take-control": b'\x04{"command":"take-control"}',
    "signal": b'\x04{"command":"signal","signal":"SIGINT"}',
    "paste": b'\x04{"command":"paste","text":"caf\\u00e9\\n","submit":true}',
    "later": b'\x04{"command":"dance","tempo":[1,{"x":null}]}',
}
SCREENS = {
    "prompt": b"\x1b[1;32muser\x1b[m:~$ ls\r\nCargo.toml  src\r\n",
    "tui": b"\x1b[?1049h\x1b[H\x1b[2J\x1b[2;5r\x1b[44mtop\x1b[K\x1b[5;1H\x1bM\x1b[m\x1b[?1049l",
    "wide": "漢字 e\u0301 👩\u200d🚀 🇩🇪".encode() + b"\xff\x04\x02" + "漢字漢字".encode(),
    "sizes": b"a long line that is wrapped when it must be\r\n" * 4 + b"\xff\x09\x03" + b"more\xff\x30\x08",
    "questions": b"\x1b[c\x1b[6n\x1b]11;?\x07\x1b[?2004$p\x1b[?u\x1bP$qm\x1b\\",
    "saved": b"\x1b[3;4H\x1b[31m\x1b(0\x1b7\x1b[2J\x1b[H\x1b8qqq\x1b(B",
    "link": b"\x1b]8;;http://x/\x1b\\link\x1b]8;;\x1b\\ \x1b[4:3;58;2;1;2;3mcurly\x1b[m",
    "bytes": bytes(range(0x80, 0xFF)),
}

for target, seeds in {
    "client_frames": {name: CUTS + wire for name, wire in FRAMES.items()},
    "client_message": MESSAGES,
    "screen": SCREENS,
}.items():
    (SEEDS / target).mkdir(parents=True, exist_ok=True)
    for name, data in seeds.items():
        (SEEDS / target / name).write_bytes(data)
