"""The official Python client, unmodified, while leaders are killed.

failover.sh starts an SC and three SPUs and sets NODES to the folder that
tests/harness/nodes.sh describes. Producer and consumer have their default
settings. What the client reports as failed is sent again, as its users have to
do; nothing else is done to help it.
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


class Producer(threading.Thread):
    """Sends numbered values, one at a time. acked maps offsets to values."""

    def __init__(self):
        super().__init__(daemon=True)
        self.stop = threading.Event()
        self.acked, self.errors, self.failed = {}, {}, None

    def run(self):
        try:
            self.producer = Fluvio.connect().topic_producer(TOPIC)
            n = 0
            while not self.stop.is_set():
                if self.send(b"value %d" % n):
                    n += 1
        except BaseException as e:  # for the main thread
            self.failed = e

    def send(self, value):
        try:
            output = self.producer.send(b"", value)
            self.producer.flush()
            got = output.wait()
        except FluviorError as e:
            self.errors[str(e)] = self.errors.get(str(e), 0) + 1
            time.sleep(0.05)
            return False
        self.acked[got.offset()] = value
        return True

    def count(self):
        if self.failed:
            raise self.failed
        return len(self.acked)


class Consumer(threading.Thread):
    """Reads the topic from its beginning. got has (offset, value)."""

    def __init__(self):
        super().__init__(daemon=True)
        self.got, self.failed = [], None

    def run(self):
        try:
            # The client's objects stay with the thread that made them.
            config = ConsumerConfigExtBuilder(TOPIC)
            config.offset_start(Offset.beginning())
            for r in Fluvio.connect().consumer_with_config(config.build()):
                self.got.append((r.offset(), bytes(r.value())))
            raise AssertionError("the stream has ended")
        except BaseException as e:
            self.failed = e

    def count(self):
        if self.failed:
            raise self.failed
        return len(self.got)


def more(thread, n=20):
    """Seconds until n more have come."""
    began, before = time.monotonic(), thread.count()
    until("more", lambda: thread.count() >= before + 1)
    first = time.monotonic() - began
    until("more", lambda: thread.count() >= before + n)
    return first


def main():
    faulthandler.dump_traceback_later(600, exit=True)
    cli("topic", "create", TOPIC, "--replication", "3")
    producer, consumer = Producer(), Consumer()
    producer.start()
    consumer.start()
    for n in range(ROUNDS):
        more(producer)
        more(consumer)
        leader, _ = until("three in sync", lambda: (p := partition())[1] == 3 and p)
        kill(f"spu-{leader}")
        produced, consumed = more(producer, 1), more(consumer, 1)
        until("another leader", lambda: partition()[0] not in (None, leader))
        produced += more(producer)
        consumed = max(consumed, more(consumer))
        print(f"round {n}: leader {leader} killed; acknowledged again after {produced:.2f} s")
        start(f"spu-{leader}")
    until("three in sync", lambda: partition()[1] == 3)
    more(producer)
    producer.stop.set()
    producer.join(PATIENCE)
    assert not producer.is_alive(), "the producer hangs"
    producer.count()

    last = max(producer.acked)
    until("the last record", lambda: consumer.count() and consumer.got[-1][0] >= last)
    log = cli("consume", TOPIC, "-B", "-d").splitlines()
    wrong = [(o, v) for o, v in producer.acked.items() if o >= len(log) or log[o] != v]
    assert not wrong, f"acknowledged and not there: {wrong[:10]}"
    seen = consumer.got
    assert [o for o, _ in seen] == list(range(len(seen))), "the consumer did not see offsets 0, 1, 2 and so on"
    assert [v for _, v in seen] == log[: len(seen)], "the consumer saw something else than what is there"
    order = [v for o, v in sorted(producer.acked.items())]
    assert order == [b"value %d" % i for i in range(len(order))], "acknowledged records are out of order"
    print(f"{len(order)} acknowledged, {len(log)} stored, {len(seen)} consumed; the producer was told: {producer.errors or 'nothing'}")


def end():
    for p in started:
        p.kill()
        p.wait()


if __name__ == "__main__":
    try:
        main()
    finally:
        end()
