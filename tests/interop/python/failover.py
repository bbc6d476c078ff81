"""The official Python client, unmodified, while leaders are killed.

failover.sh starts an SC and three SPUs and sets NODES to the folder that
tests/harness/nodes.sh describes. The consumer and one producer have their
default settings, another producer waits 5 s for an answer (FLV_SOCKET_WAIT).

The consumer goes on by itself. A producer of this client needs help, whatever
the cluster: a request that is under way when its connection breaks waits for
the whole time-out, 60 s unless set, and from then on the producer fails with
"Broken pipe". So ours does what its users have to: it makes a new producer and
sends again what was reported as failed.
"""

import faulthandler
import json
import os
import signal
import subprocess
import sys
import threading
import time

from fluvio import ConsumerConfigExtBuilder, Fluvio, FluviorError, Offset

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


def tell(kind, *words):
    print(kind, *words, flush=True)


def produce(name):
    """Sends numbered values, one at a time, until its input ends."""
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    producer = None
    n = 0
    while not stop.is_set():
        try:
            producer = producer or Fluvio.connect().topic_producer(TOPIC)
            output = producer.send(b"", f"{name} {n}".encode())
            producer.flush()
            tell("acked", output.wait().offset(), f"{name} {n}")
            n += 1
        except FluviorError as e:
            tell("error", 0, str(e))
            producer = None
            time.sleep(0.05)


def consume():
    """Reads the topic from its beginning."""
    config = ConsumerConfigExtBuilder(TOPIC)
    config.offset_start(Offset.beginning())
    for r in Fluvio.connect().consumer_with_config(config.build()):
        tell("got", r.offset(), bytes(r.value()).decode())


class Client(threading.Thread):
    """One of these in a process of its own: the client's calls keep all threads
    of theirs waiting. told has what it said, of one kind, with offsets."""

    def __init__(self, kind, *role, **env):
        super().__init__(daemon=True)
        self.kind, self.told, self.errors = kind, [], {}
        self.process = subprocess.Popen(
            [sys.executable, __file__, *role], env={**os.environ, **env}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(self.process)
        self.start()

    def run(self):
        for line in self.process.stdout:
            kind, offset, text = line.rstrip("\n").split(" ", 2)
            if kind == self.kind:
                self.told.append((int(offset), text.encode()))
            else:
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
    until("more", lambda: client.count() >= before + 1)
    first = time.monotonic() - began
    until("more", lambda: client.count() >= before + n)
    return first


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
        produced = more(quick)
        assert partition()[0] not in (None, leader), "it went on without another leader"
        print(f"round {n}: leader {leader} killed; acknowledged again after {produced:.1f} s", flush=True)
        more(consumer)
        start(f"spu-{leader}")
    print(f"acknowledged again with default settings after {more(default):.1f} s more")
    until("three in sync", lambda: partition()[1] == 3)
    for p in producers.values():
        p.finish()

    acked = [told for p in producers.values() for told in p.told]
    last = max(offset for offset, _ in acked)
    until("the last record", lambda: consumer.count() and consumer.told[-1][0] >= last)
    log = cli("consume", TOPIC, "-B", "-d").splitlines()
    wrong = [(o, v) for o, v in acked if o >= len(log) or log[o] != v]
    assert not wrong, f"acknowledged and not there: {wrong[:10]}"
    seen = consumer.told
    assert [o for o, _ in seen] == list(range(len(seen))), "the consumer did not see offsets 0, 1, 2 and so on"
    assert [v for _, v in seen] == log[: len(seen)], "the consumer saw something else than what is there"
    for name, p in producers.items():
        values = [v for _, v in sorted(p.told)]
        assert values == [f"{name} {i}".encode() for i in range(len(values))], f"{name}: out of order"
        print(f"{name}: {len(values)} acknowledged; was told {p.errors or 'of no failure'}")
    print(f"{len(log)} stored, {len(seen)} consumed, nothing missing")


def end():
    for p in started:
        p.kill()
        p.wait()


if __name__ == "__main__":
    try:
        {"produce": produce, "consume": consume}.get("".join(sys.argv[1:2]), main)(*sys.argv[2:])
    finally:
        end()
