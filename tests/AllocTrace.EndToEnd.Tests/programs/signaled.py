"""Runs alloctrace run in a terminal of its own, sends signals to it, and prints what its command got of them, a JSON object.

How: kill = to alloctrace alone, terminal = Ctrl-C and Ctrl-\\ typed.
"""
import json, os, pty, signal, sys, time

how, database, *command = sys.argv[1:]
NAMES = "HUP INT QUIT TERM USR1 USR2 CONT WINCH ALRM".split()
CHILD = """
import json, signal, time
got = {}
def note(number, frame):
    name = signal.Signals(number).name[3:]
    got[name] = got.get(name, 0) + 1
for name in %r: signal.signal(getattr(signal, "SIG" + name), note)
print("ready", flush=True)
end = time.monotonic() + 20
while got.get("USR2", 0) < 1 and time.monotonic() < end: time.sleep(0.01)
time.sleep(0.2)
print(json.dumps(got), flush=True)
""" % NAMES

pid, terminal = pty.fork()
if pid == 0:
    for name in NAMES:
        signal.signal(getattr(signal, "SIG" + name), signal.SIG_DFL)
    os.execv(command[0], [*command, "run", "-q", "-o", database, "--", sys.executable, "-c", CHILD])

text = b""


def read_to(what):
    global text
    while what not in text:
        text += os.read(terminal, 1000)
    before, text = text.split(what, 1)
    return before


read_to(b"ready")
for name in NAMES:
    if how == "kill" and name != "USR2":
        os.kill(pid, getattr(signal, "SIG" + name))
        time.sleep(0.05)
if how == "terminal":
    for key in b"\x03", b"\x1c":
        os.write(terminal, key)
        time.sleep(0.1)
os.kill(pid, signal.SIGUSR2)
read_to(b"{")
print("{" + read_to(b"}").decode() + "}")
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
