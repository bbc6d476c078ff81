"""An official client, unmodified, while leaders are killed.

failover.sh of the client starts an SC and three SPUs and sets NODES to the
folder that tests/harness/nodes.sh describes. The arguments are a command that
runs the client: with "produce NAME" it sends "NAME 0", "NAME 1" and so on until
its input ends and says "acked OFFSET VALUE", with -1 if it is not told where, or
"error 0 TEXT"; with "consume" it reads from the beginning and says "got OFFSET
VALUE". Other lines, such as its log, do not count. The consumer and one
producer have default settings, another producer waits 5 s for an answer
(FLV_SOCKET_WAIT).
"""

import faulthandler
import json
import os
import signal
import subprocess
import sys
import threading
import time

FLUVIO, NODES = os.environ["FLUVIO"], os.environ["NODES"]
ROUNDS = int(os.environ.get("FAILOVER_ROUNDS", "3"))
TOPIC = "failover"
PATIENCE = 90
HANG_SECONDS = int(os.environ.get("FAILOVER_HANG", "540"))


def cli(*args):
    done = subprocess.run([FLUVIO, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    if done.returncode != 0:
        raise AssertionError(f"fluvio {' '.join(args)}: {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def until(what, ok):
    deadline = time.monotonic() + PATIENCE
    while not (got := ok()):
        if time.monotonic() > deadline:
            raise AssertionError(f"no {what} within {PATIENCE} s")
        time.sleep(0.01)
    return got


def partition():
    """Leader and number of replicas in sync, as the SC has them."""
    for p in json.loads(cli("partition", "list", "-O", "json")):
        if p["name"] == TOPIC + "-0" and p["status"]["resolution"] == "Online":
            return p["spec"]["leader"], p["status"]["lsr"] + 1
    return None, 0


def pid(name):
    with open(f"{NODES}/{name}.addr") as f:
        return int(dict(line.strip().split("=") for line in f)["PID"])


def kill(name):
    os.kill(pid(name), signal.SIGKILL)
    os.remove(f"{NODES}/{name}.addr")


def start(name):
    with open(f"{NODES}/{name}.argv", "rb") as f:
        argv = f.read().split(b"\0")[:-1]
    with open(f"{NODES}/{name}.log", "ab") as log:
        started.append(subprocess.Popen(argv, stdout=log, stderr=log))
    until(f"{name} that is ready", lambda: os.path.exists(f"{NODES}/{name}.addr"))


started = []


class Client(threading.Thread):
    """A process of the client. told has what it said, of one kind, with offsets."""

    def __init__(self, kind, *role, **env):
        super().__init__(daemon=True)
        self.kind, self.told, self.errors = kind, [], {}
        self.process = subprocess.Popen(
            [*sys.argv[1:], *role], env={**os.environ, **env}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(self.process)
        self.start()

    def run(self):
        for line in self.process.stdout:
            kind, _, rest = line.rstrip("\n").partition(" ")
            offset, _, text = rest.partition(" ")
            if kind == self.kind:
                self.told.append((int(offset), text.encode()))
            elif kind == "error":
                self.errors[text] = self.errors.get(text, 0) + 1

    def count(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the client ended with {self.process.returncode}")
        return len(self.told)

    def finish(self):
        """Has the process end by itself and takes what it still says."""
        self.process.stdin.close()
        if self.process.wait(PATIENCE) != 0:
            raise AssertionError(f"the client ended with {self.process.returncode}")
        self.join(PATIENCE)


def more(client, n=20):
    """Seconds until n more have come."""
    began, before = time.monotonic(), client.count()
    until("more", lambda: client.count() >= before + n)
    return time.monotonic() - began


def main():
    faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
    cli("topic", "create", TOPIC, "--replication", "3")
    quick = Client("acked", "produce", "quick", FLV_SOCKET_WAIT="5")
    default = Client("acked", "produce", "default")
    producers = {"quick": quick, "default": default}
    consumer = Client("got", "consume")
    more(default)
    for n in range(ROUNDS):
        more(quick)
        more(consumer)
        leader, _ = until("three in sync", lambda: (p := partition())[1] == 3 and p)
        kill(f"spu-{leader}")
        began = time.monotonic()
        until("another leader", lambda: partition()[0] not in (None, leader))
        more(quick)
        print(f"round {n}: leader {leader} killed; acknowledged again after {time.monotonic() - began:.1f} s", flush=True)
        more(consumer)
        start(f"spu-{leader}")
    print(f"acknowledged again with default settings after {more(default):.1f} s more")
    until("three in sync", lambda: partition()[1] == 3)
    for p in producers.values():
        p.finish()

    log = cli("consume", TOPIC, "-B", "-d").splitlines()
    until("the last record", lambda: consumer.count() >= len(log))
    stored = set(log)
    for name, p in producers.items():
        values = [v for _, v in p.told]
        assert values == [f"{name} {i}".encode() for i in range(len(values))], f"{name}: acknowledged out of order"
        wrong = [(o, v) for o, v in p.told if v not in stored or o >= 0 and log[o : o + 1] != [v]]
        assert not wrong, f"{name}: acknowledged and not there: {wrong[:10]}"
        own = list(dict.fromkeys(v for v in log if v.startswith(name.encode())))
        assert own[: len(values)] == values, f"{name}: stored out of order"
        print(f"{name}: {len(values)} acknowledged; was told {p.errors or 'of no failure'}")
    seen = consumer.told
    assert [o for o, _ in seen] == list(range(len(seen))), "the consumer did not see offsets 0, 1, 2 and so on"
    assert [v for _, v in seen] == log[: len(seen)], "the consumer saw something else than what is there"
    print(f"{len(log)} stored, {len(seen)} consumed, nothing missing; the consumer was told {consumer.errors or 'of no failure'}")


def end():
    for p in started:
        p.kill()
        p.wait()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        main()
    finally:
        end()
