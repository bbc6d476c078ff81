"""The official Python client as tests/interop/failover.py wants it.

Its consumer goes on by itself when a leader is killed. Its producer needs help,
whatever the cluster: a request that is under way when its connection breaks
waits for the whole time-out, 60 s unless set, and from then on the producer
fails with "Broken pipe". So this does what its users have to: it makes a new
producer and sends again what was reported as failed.

Consumer and producer are processes, since the client's calls keep all threads
of theirs waiting.
"""

import sys
import threading
import time

from fluvio import ConsumerConfigExtBuilder, Fluvio, FluviorError, Offset

TOPIC = "failover"


def tell(kind, *words):
    print(kind, *words, flush=True)


def produce(name):
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
    config = ConsumerConfigExtBuilder(TOPIC)
    config.offset_start(Offset.beginning())
    for r in Fluvio.connect().consumer_with_config(config.build()):
        tell("got", r.offset(), bytes(r.value()).decode())


{"produce": produce, "consume": consume}[sys.argv[1]](*sys.argv[2:])
