#!/usr/bin/env python3
"""Runs esctest2 against our screen (a server, a session, a PTY) and against the client's (xterm.js on a PTY), and
says where they differ beyond known.json. See README.md.

usage: run.py CHECKOUT_OF_ESCTEST2 [argument of esctest]…
"""

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ON_TERMINAL = os.path.join(HERE, "on_terminal.py")
COLS, ROWS = 80, 25
# Long enough for a loaded machine; what is not answered costs as much.
TIMEOUT = "0.5"
PIECE = 65536
# What our screen passes of all 568 (README.md). Fewer is a fault; more is written down here.
PASSED = 319


def on_ours(arguments, results):
    """In a session of a server of its own."""
    program = os.environ.get("FANTAIL_BIN") or os.path.join(HERE, "../../../target/debug/fantail")
    with tempfile.TemporaryDirectory() as data:
        serve = [program, "serve", "--no-auth", "--port", "0", "--data-dir", data]
        plain = {name: value for name, value in os.environ.items() if not name.startswith("FANTAIL_")}
        server = subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=plain)
        try:
            url = server.stdout.readline().strip() + "/api/sessions"
            command = command_of(f"{url}/SESSION/screen?format=text", results, arguments)
            opened = {"command": command, "cols": COLS, "rows": ROWS}
            request = urllib.request.Request(url, json.dumps(opened).encode(), {"Content-Type": "application/json"})
            urllib.request.urlopen(request).close()
            return outcomes(results)
        finally:
            server.terminate()
            server.wait()


def on_clients(arguments, results):
    """On a PTY with xterm.js at its other end."""
    program = ["node", os.path.join(HERE, "client.mjs"), str(COLS), str(ROWS)]
    pipe = subprocess.PIPE
    terminal = subprocess.Popen(program, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0)
    url = terminal.stderr.readline().decode().strip()
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLS, 0, 0))
    command = command_of(url, results, arguments)
    suite = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    between = threading.Thread(target=carry, args=(master, terminal))
    between.start()
    try:
        return outcomes(results)
    finally:
        suite.wait()
        between.join()
        terminal.stdin.close()
        terminal.wait()
        os.close(master)


def carry(master, terminal):
    """Between the PTY and the terminal, until nobody has the PTY open any more."""
    answers = terminal.stdout.fileno()
    while True:
        ready, _, _ = select.select([master, answers], [], [])
        if answers in ready:
            answer = os.read(answers, PIECE)
            if not answer:
                return
            os.write(master, answer)
        if master in ready:
            try:
                terminal.stdin.write(os.read(master, PIECE))
            except OSError:
                return


def command_of(url, results, arguments):
    log = ["--logfile", results + ".log", "--timeout", TIMEOUT]
    return [sys.executable, os.path.join(HERE, "on_terminal.py"), arguments[0], url, results, *log, *arguments[1:]]


def outcomes(results):
    """What every test came to, by its name. The pipe ends with the one that writes it."""
    with open(results, encoding="utf-8") as lines:
        told = [json.loads(line) for line in lines]
    return {it["test"]: it for it in told}


def on_both(arguments):
    found = {}

    def run(name, terminal):
        results = os.path.join(place, name)
        os.mkfifo(results)
        found[name] = terminal(arguments, results)

    with tempfile.TemporaryDirectory() as place:
        both = [threading.Thread(target=run, args=it) for it in (("ours", on_ours), ("client", on_clients))]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
    return found["ours"], found["client"]


def counts(outcomes):
    every = [it["outcome"] for it in outcomes.values()]
    return ", ".join(f"{every.count(outcome)} {outcome}" for outcome in ("passed", "failed", "skipped"))


def unexplained(kind, different):
    """What of `different` (texts by test) known.json does not list, and what it lists and is not so."""
    with open(os.path.join(HERE, "known.json"), encoding="utf-8") as file:
        known = [it["tests"] for it in json.load(file)[kind]]
    found = [text for test, text in different.items() if not any(re.search(it, test) for it in known)]
    return found + [f"listed and not so: {it}" for it in known if not any(re.search(it, test) for test in different)]


def screens(ours):
    """How the screens differ after what every test wrote."""
    command = ["node", os.path.join(HERE, "screens.mjs"), str(COLS), str(ROWS)]
    written = json.dumps({test: it["sent"] for test, it in ours.items()})
    told = json.loads(subprocess.run(command, input=written, stdout=subprocess.PIPE, text=True, check=True).stdout)
    print(f"screens: {len(ours)} compared, {told['cuts']} cuts, {len(told['found'])} with differences")
    return {test: f"{test}: the screens\n  " + "\n  ".join(its) for test, its in told["found"].items()}


def main():
    ours, clients = on_both([os.path.abspath(sys.argv[1]), *sys.argv[2:]])
    print(f"ours:         {counts(ours)}\nthe client's: {counts(clients)}")
    told = {}
    for test in ours.keys() | clients.keys():
        if not (test in ours and test in clients):
            told[test] = f"{test}: run by one only"
            continue
        one, other = ours[test], clients[test]
        if (one["outcome"], one["seen"]) != (other["outcome"], other["seen"]):
            told[test] = (
                f"{test}\n  ours {one['outcome']}, saw {one['seen']!r}\n  {one['told']}\n"
                f"  the client's {other['outcome']}, saw {other['seen']!r}\n  {other['told']}"
            )
    print(f"answers: {len(ours)} compared, {len(told)} with differences")
    wrong = unexplained("answers", told) + unexplained("screens", screens(ours))
    passed = sum(it["outcome"] == "passed" for it in ours.values())
    # Of a part of the suite nothing is known.
    if len(sys.argv) == 2 and passed != PASSED:
        wrong.append(f"{passed} passed, and PASSED says {PASSED}")
    print("\n".join(sorted(wrong)) or "no difference that is not listed in known.json")
    # Without a test there is nothing to be glad of.
    sys.exit(1 if wrong or not ours else 0)


main()
