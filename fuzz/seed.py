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

# Of each step: what, who, and how much; src/session/schedules/mod.rs says which.
ATTACH, TYPE, CUT, NOTICE, AGAIN, PUT, MOVE, KILL, OTHERS, PRINT, RESIZE, WATCH = 4, 0, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15
TYPED = [ATTACH, 0, TYPE, 0, 9, ATTACH, 1, TYPE, 1, 30]
SCHEDULES = {
    "typed": TYPED + [PUT, 2, 11, MOVE, 15, 1] * 3,
    "cut-and-resent": TYPED + [PUT, 2, 3, CUT, 0, 1, ATTACH, 0, TYPE, 0, 5, AGAIN, 0, 3, NOTICE, MOVE, 15, 1],
    "killed-before-the-pipe": TYPED + [PUT, 0, 11, ATTACH, 0, TYPE, 0, 1],
    "killed-behind-the-pipe": TYPED + [PUT, 1, 11, ATTACH, 0, TYPE, 0, 1],
    "killed-in-the-middle": TYPED + [PUT, 2, 11, MOVE, 4, 1, KILL, ATTACH, 0, ATTACH, 1, MOVE, 15, 0, KILL],
    "refused-in-the-pipe": TYPED
    + [PUT, 2, 3, KILL, OTHERS, 0, ATTACH, 0, TYPE, 0, 4, KILL, ATTACH, 0, TYPE, 0, 9],
    "refused": TYPED + [PUT, 2, 3, KILL, OTHERS, 0, ATTACH, 0, TYPE, 0, 4, OTHERS, 0, TYPE, 0, 4],
    "forgotten": TYPED + [CUT, 0, 0, OTHERS, 2, ATTACH, 0, OTHERS, 4, 1, OTHERS, 1, 8],
    "watched": [PRINT, 200, 20, 1, WATCH, 0, 255, 5, RESIZE, 100, PRINT, 3, 0, 0, KILL, WATCH, 0, 9, 1],
    "evicted": [PRINT, 255, 95, 1] * 9 + [WATCH, 1, 255, 5, PRINT, 255, 95, 1, WATCH, 1, 255, 5],
}
TOKENS = {
    "good": [0],
    "older-key": [1],
    "strange-key": [2],
    "changed": [0, 100, 1, 65, 200, 2, 0],
    "longer": [0, 224, 128, 46],
    "text": b"\x03" + b"eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.",
}
SESSION = b"/api/sessions/00000000-0000-0000-0000-000000000007"
HOST = b"\nhost: 127.0.0.1:4020"
ORIGIN = b"\norigin: http://127.0.0.1:4020"
OFFER = (
    b"\nconnection: keep-alive, Upgrade\nupgrade: websocket\nsec-websocket-version: 13"
    b"\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\nsec-websocket-protocol: fantail.v1, ticket.abc"
)
# The first byte: 4 where no credential is asked for, 1 for POST, 2 for HEAD, 3 for OPTIONS.
REQUESTS = {
    "page": b"\x00/" + HOST,
    "asset": b"\x02/favicon.svg" + HOST + b"\naccept-encoding: gzip, br;q=0",
    "inspect": b"\x04" + SESSION + HOST,
    "asked-for-a-credential": b"\x00" + SESSION + HOST + b"\nauthorization: Bearer x.y.z",
    "local-token": b"\x00/api/sessions" + HOST + b"\nauthorization: bearer ftl_local_x",
    "range": b"\x04" + SESSION + b"/output" + HOST + b"\nrange: bytes=0-9",
    "from-to": b"\x04" + SESSION + b"/output?from=0&to=18446744073709551615" + HOST,
    "screen": b"\x04" + SESSION + b"/screen?format=json&scrollback=100" + HOST + b'\nif-none-match: W/"x", *',
    "waits": b'\x04' + SESSION + b'/screen?wait=1' + HOST + b'\nif-none-match: "x"',
    "text": b"\x04" + SESSION + b"/text?styles" + HOST,
    "snapshot": b"\x04" + SESSION + b"/snapshot?scrollback=10" + HOST,
    "socket": b"\x04" + SESSION + b"/ws?from=7&client=00000000-0000-0000-0000-000000000008&cols=80&rows=24" + HOST + OFFER,
    "refresh": b"\x01/api/auth/refresh" + HOST + ORIGIN + b"\ncookie: a=b; fantail_refresh=abc",
    "credential": b"\x04/api/sessions?Access_Token=x" + HOST,
    "traversal": b"\x04/..%2f..%2fetc/passwd%00" + HOST,
    "public": b"\x04/api/sessions\nhost: TERM.example.org:443\norigin: https://term.example.org",
    "foreign-host": b"\x04/api/sessions\nhost: localhost.evil:4020",
    "foreign-origin": b"\x04/api/sessions" + HOST + b"\norigin: http://127.0.0.1:4020.evil",
    "absolute": b"\x04http://localhost:4020/api/sessions\nhost: localhost:4020",
    "six": b"\x04/health\nhost: [::1]:4020\norigin: null",
}

for target, seeds in {
    "client_frames": {name: CUTS + wire for name, wire in FRAMES.items()},
    "client_message": MESSAGES,
    "path": REQUESTS,
    "resume": {name: bytes(steps) for name, steps in SCHEDULES.items()},
    "screen": SCREENS,
    "token": {name: bytes(said) for name, said in TOKENS.items()},
}.items():
    (SEEDS / target).mkdir(parents=True, exist_ok=True)
    for name, data in seeds.items():
        (SEEDS / target / name).write_bytes(data)
