"""Runs esctest2 on the terminal it is started on, unchanged but for two things, both done from outside.

It reads cells by asking the terminal for checksums (DECRQCRA), which lets a program read the screen, and which neither
our screen nor xterm.js answers. Here cells are read over HTTP instead. And every test begins with a reset and with
nothing left to read, so that what one test left behind does not fail the next.

usage: on_terminal.py CHECKOUT URL_OF_THE_SCREEN RESULTS [argument of esctest]…
"""

import json
import os
import runpy
import select
import sys
import urllib.request

checkout, screen_url, results_path, *arguments = sys.argv[1:]
# The session this runs in is known only to its environment.
screen_url = screen_url.replace("SESSION", os.environ.get("FANTAIL_SESSION_ID", ""))
suite = os.path.join(checkout, "esctest")
sys.path.insert(0, suite)
# The checkout stays as it is.
sys.dont_write_bytecode = True
# Before anything can go wrong: whoever reads them learns from their end that this has ended.
results = open(results_path, "w", encoding="utf-8")

# The first, because it and escutil import each other.
import esccmd
import escio
import esclog
import escutil

# What is asked last, so that its answer is the end of all answers: cancel, reset, DSR.
CLEAN = b"\x18\x1bc\x1b[5n"
CLEANED = b"\x1b[0n"
# Nobody waits this long for an answer but because there is none.
ANSWERED_SECONDS = 10

rows = None
test = None
told = []
# What the test read: answers and cells, in order.
seen = []
# What it wrote, a character a byte.
sent = []


def ask(question, end):
    os.write(1, question)
    read = b""
    while not read.endswith(end):
        if not select.select([0], [], [], ANSWERED_SECONDS)[0]:
            raise SystemExit("the terminal does not answer")
        read += os.read(0, 1)


def screen():
    """The rows of the screen, with all in it that was written."""
    global rows
    if rows is None:
        ask(b"\x1b[5n", CLEANED)
        with urllib.request.urlopen(screen_url) as answer:
            rows = answer.read().decode().split("\n")
    return rows


def write(data, **options):
    global rows
    rows = None
    sent.append(data)
    original_write(data, **options)


def read(count):
    data = original_read(count)
    seen.append(data)
    return data


def cell(rect):
    row = screen()[rect.top() - 1] if rect.top() <= len(screen()) else ""
    character = row[rect.left() - 1] if rect.left() <= len(row) else " "
    seen.append(character)
    return ord(character)


def log_info(text):
    global test
    if text.startswith("Run test: "):
        test = text.removeprefix("Run test: ")
        told.clear()
        seen.clear()
        sent.clear()
        ask(CLEAN, CLEANED)
    elif text == "Passed.":
        end("passed")
    elif text.startswith(("Fails as expected", "Skipped because")):
        told.append(text)
        end("skipped")
    original_info(text)


def log_error(text):
    if test is not None and not text.startswith("*** TEST"):
        told.append(text)
        end("failed")
    original_error(text)


def end(outcome):
    json.dump({"test": test, "outcome": outcome, "told": "\n".join(told), "seen": "".join(seen), "sent": "".join(sent)}, results)
    results.write("\n")
    results.flush()


original_write, escio.Write = escio.Write, write
original_read, escio.read = escio.read, read
original_info, esclog.LogInfo = esclog.LogInfo, log_info
original_error, esclog.LogError = esclog.LogError, log_error
escutil.GetChecksumOfRect = cell

# Checksums are characters (399 and later), as `cell` gives them. What is logged stays out of the terminal.
sys.argv = ["esctest.py", "--expected-terminal=xterm", "--xterm-checksum=399", "--no-print-logs", "--v=2", *arguments]
runpy.run_path(os.path.join(suite, "esctest.py"), run_name="__main__")
