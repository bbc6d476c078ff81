"""The official Python client, unmodified, against a cluster of ours.

run.sh installs the client, starts the cluster and sets FLUVIO to our command
line. Every test uses topics of its own. A test that hangs is ended, with all
stacks, after two minutes.
"""

import asyncio
import faulthandler
import itertools
import os
import random
import subprocess
import sys
import time
import unittest

from fluvio import (
    Compression,
    ConsumerConfig,
    ConsumerConfigExtBuilder,
    DeliverySemantic,
    Fluvio,
    FluvioAdmin,
    FluvioConfig,
    FluviorError,
    Isolation,
    Offset,
    TopicProducerConfigBuilder,
    TopicSpec,
)

FLUVIO = os.environ["FLUVIO"]
HANG_SECONDS = 120

# SipHash-2-4 of the key with its length before it, modulo 3; key b"" is what
# send_string uses.
PARTITION_OF_3 = {
    b"": 2, b"a": 1, b"key": 2, b"hello": 2,
    b"user-1": 1, b"user-2": 2, b"0": 0, b"1": 1,
}

numbers = itertools.count()


def cli(*args, data=None):
    """Runs our command line and returns what it printed."""
    done = subprocess.run(
        [FLUVIO, *args], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60
    )
    if done.returncode != 0:
        raise AssertionError(f"fluvio {' '.join(args)}: {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def value(record):
    return bytes(record.value())


def key(record):
    """Where there is no key this client returns these words."""
    k = bytes(record.key())
    return None if k == b"No key" else k


class Case(unittest.TestCase):
    def setUp(self):
        faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
        self.addCleanup(faulthandler.cancel_dump_traceback_later)
        self.admin = FluvioAdmin.connect()
        self.fluvio = Fluvio.connect()

    def topic(self, spec=None):
        """Makes a topic and returns its name."""
        name = f"py-{self._testMethodName.replace('_', '-')[5:]}-{next(numbers)}"
        self.admin.create_topic(name, spec.build() if spec else None)
        return name

    def fill(self, topic, values, k=b""):
        """Produces values and checks that their offsets are consecutive."""
        producer = self.fluvio.topic_producer(topic)
        outputs = producer.send_all([(k, v) for v in values])
        producer.flush()
        offsets = [o.wait().offset() for o in outputs]
        self.assertEqual(offsets, list(range(offsets[0], offsets[0] + len(values))))

    def consume(self, topic, start=None, **settings):
        """Everything from start to the present end."""
        config = ConsumerConfigExtBuilder(topic)
        config.offset_start(start or Offset.beginning())
        config.disable_continuous(True)
        for name, arg in settings.items():
            getattr(config, name)(arg)
        return list(self.fluvio.consumer_with_config(config.build()))


class Admin(Case):
    def test_connect_with_profile_and_address(self):
        config = FluvioConfig.load()
        config.set_client_id("interop")
        Fluvio.connect_with_config(config)
        FluvioAdmin.connect_with_config(config)
        with self.assertRaises(FluviorError):
            Fluvio.connect_with_config(FluvioConfig.new("127.0.0.1:1"))

    def test_create_list_delete(self):
        one = self.topic()
        three = self.topic(TopicSpec.create().with_partitions(3))
        names = [t.name() for t in self.admin.all_topics()]
        self.assertIn(one, names)
        self.assertIn(three, names)
        self.assertEqual([t.name() for t in self.admin.list_topics([three])], [three])
        parts = sorted(p.name() for p in self.admin.list_partitions([]))
        for want in [f"{one}-0", f"{three}-0", f"{three}-1", f"{three}-2"]:
            self.assertIn(want, parts)
        self.assertNotIn(f"{one}-1", parts)

        self.admin.delete_topic(three)
        self.assertEqual(self.admin.list_topics([three]), [])
        self.assertIn(one, [t.name() for t in self.admin.all_topics()])
        with self.assertRaisesRegex(FluviorError, "(?i)topic ?not ?found"):
            self.admin.delete_topic(three)

    def test_create_twice(self):
        name = self.topic()
        with self.assertRaisesRegex(FluviorError, "(?i)already ?exists"):
            self.admin.create_topic(name)

    def test_create_bad_name(self):
        with self.assertRaisesRegex(FluviorError, "(?i)invalid"):
            self.admin.create_topic("Not a topic!")

    def test_settings(self):
        spec = (
            TopicSpec.create().with_retention_time(3600).with_segment_size("10M")
            .with_max_partition_size("100M")
        )
        name = self.topic(spec)
        self.fill(name, [b"a", b"b"])
        self.assertEqual([value(r) for r in self.consume(name)], [b"a", b"b"])

    def test_compression_of_topic(self):
        name = f"py-gzip-{next(numbers)}"  # with_compression of this client raises TypeError
        cli("topic", "create", name, "--compression-type", "gzip")
        self.fill(name, [b"a", b"b"])
        self.assertEqual([value(r) for r in self.consume(name)], [b"a", b"b"])
        wrong = TopicProducerConfigBuilder().compression(Compression.Zstd).build()
        with self.assertRaisesRegex(FluviorError, "does not match with topic level compression"):
            self.fluvio.topic_producer_with_config(name, wrong)

    def test_watch(self):
        name = self.topic()
        first = next(self.admin.watch_topic())
        self.assertIn(name, [t.name() for t in first.all()])

    def test_topic_not_found(self):
        with self.assertRaisesRegex(FluviorError, "Topic not found: nowhere"):
            self.fluvio.topic_producer("nowhere").send_string("x")
        with self.assertRaisesRegex(FluviorError, "Topic not found: nowhere"):
            next(self.fluvio.consumer_with_config(ConsumerConfigExtBuilder("nowhere").build()))

    def test_deleted_topic_is_not_found(self):
        name = self.topic()
        self.fill(name, [b"x"])
        self.admin.delete_topic(name)
        with self.assertRaisesRegex(FluviorError, f"Topic not found: {name}"):
            Fluvio.connect().topic_producer(name)

    def test_recreated_topic_is_empty(self):
        name = self.topic()
        self.fill(name, [b"old"])
        self.admin.delete_topic(name)
        self.admin.create_topic(name)
        self.fluvio = Fluvio.connect()
        self.fill(name, [b"new"])
        got = self.consume(name)
        self.assertEqual([(r.offset(), value(r)) for r in got], [(0, b"new")])


class Produce(Case):
    def test_send_with_key(self):
        name = self.topic()
        producer = self.fluvio.topic_producer(name)
        output = producer.send(b"k", b"v")
        producer.flush()
        meta = output.wait()
        self.assertEqual((meta.offset(), meta.partition_id()), (0, 0))
        self.assertIsNone(output.wait())
        (r,) = self.consume(name)
        self.assertEqual((key(r), r.key_string(), value(r), r.value_string()), (b"k", "k", b"v", "v"))

    def test_send_string_has_empty_key(self):
        name = self.topic()
        producer = self.fluvio.topic_producer(name)
        producer.send_string("größer")
        producer.flush()
        (r,) = self.consume(name)
        self.assertEqual((key(r), r.value_string()), (b"", "größer"))

    def test_send_all(self):
        name = self.topic()
        producer = self.fluvio.topic_producer(name)
        outputs = producer.send_all([(b"%d" % i, b"value %d" % i) for i in range(100)])
        producer.flush()
        self.assertEqual([o.wait().offset() for o in outputs], list(range(100)))
        got = self.consume(name)
        self.assertEqual([(key(r), value(r)) for r in got], [(b"%d" % i, b"value %d" % i) for i in range(100)])

    def test_offsets_grow_over_flushes(self):
        name = self.topic()
        producer = self.fluvio.topic_producer(name)
        for i in range(20):
            output = producer.send(b"", b"%d" % i)
            producer.flush()
            self.assertEqual(output.wait().offset(), i)

    def test_async(self):
        name = self.topic()

        async def produce():
            producer = self.fluvio.topic_producer(name)
            outputs = [await producer.async_send(b"k", b"0"), await producer.async_send_string("1")]
            outputs += await producer.async_send_all([(b"k", b"2"), (b"k", b"3")])
            await producer.async_flush()
            return [(await o.async_wait()).offset() for o in outputs]

        self.assertEqual(asyncio.run(produce()), [0, 1, 2, 3])

        async def consume():
            consumer = self.fluvio.partition_consumer(name, 0)
            stream = await consumer.async_stream(Offset.beginning())
            return [value(await stream.__anext__()) for _ in range(4)]

        self.assertEqual(asyncio.run(consume()), [b"0", b"1", b"2", b"3"])

    def test_partition_of_key(self):
        name = self.topic(TopicSpec.create().with_partitions(3))
        producer = self.fluvio.topic_producer(name)
        outputs = {k: producer.send(k, b"of " + k) for k in PARTITION_OF_3}
        producer.flush()
        self.assertEqual({k: o.wait().partition_id() for k, o in outputs.items()}, PARTITION_OF_3)
        for partition in range(3):
            got = {key(r) for r in self.consume(name, partition=partition)}
            self.assertEqual(got, {k for k, p in PARTITION_OF_3.items() if p == partition})

    def test_specific_partition(self):
        name = self.topic(TopicSpec.create().with_partitions(3))
        config = TopicProducerConfigBuilder().set_specific_partitioner(1).build()
        producer = self.fluvio.topic_producer_with_config(name, config)
        outputs = [producer.send(b"%d" % i, b"x") for i in range(6)]
        producer.flush()
        self.assertEqual({o.wait().partition_id() for o in outputs}, {1})

    def test_every_codec(self):
        rng = random.Random(1)
        values = [b"the same words again and again, " * 20 + rng.randbytes(50) for _ in range(200)]
        for codec in (Compression.None_, Compression.Gzip, Compression.Snappy, Compression.Lz4, Compression.Zstd):
            with self.subTest(codec=codec):
                name = self.topic()
                config = TopicProducerConfigBuilder().compression(codec).linger(50).batch_size(32768).build()
                producer = self.fluvio.topic_producer_with_config(name, config)
                producer.send_all([(b"", v) for v in values])
                producer.flush()
                self.assertEqual([value(r) for r in self.consume(name)], values)
                self.assertEqual(cli("consume", name, "-B", "-d", "-O", "raw").count(b"again and again"), 200 * 20)

    def test_every_setting(self):
        name = self.topic()
        config = (
            TopicProducerConfigBuilder().batch_size(1000).max_request_size(2_000_000).batch_queue_size(10)
            .linger(100).timeout(5000).isolation(Isolation.ReadCommitted)
            .delivery_semantic(DeliverySemantic.AtLeastOnce).compression(Compression.Gzip).build()
        )
        producer = self.fluvio.topic_producer_with_config(name, config)
        outputs = [producer.send(b"", b"%04d" % i * 25) for i in range(100)]
        producer.flush()
        self.assertEqual([o.wait().offset() for o in outputs], list(range(100)))
        self.assertEqual([value(r) for r in self.consume(name)], [b"%04d" % i * 25 for i in range(100)])

    def test_at_most_once(self):
        name = self.topic()
        config = TopicProducerConfigBuilder().delivery_semantic(DeliverySemantic.AtMostOnce).build()
        producer = self.fluvio.topic_producer_with_config(name, config)
        for i in range(10):
            producer.send(b"", b"%d" % i)
        producer.flush()
        stream = self.fluvio.partition_consumer(name, 0).stream(Offset.beginning())
        self.assertEqual([value(next(stream)) for _ in range(10)], [b"%d" % i for i in range(10)])

    def test_big_records(self):
        rng = random.Random(2)
        values = [rng.randbytes(900_000) for _ in range(4)]
        name = self.topic()
        producer = self.fluvio.topic_producer(name)
        for i, v in enumerate(values):
            # Without the wait the client may count two records as one batch
            # and refuse the second as too large.
            self.assertEqual(producer.send(b"", v).wait().offset(), i)
        self.assertTrue([value(r) for r in self.consume(name)] == values)

    def test_too_big_record(self):
        producer = self.fluvio.topic_producer(self.topic())
        with self.assertRaisesRegex(FluviorError, "exceeded maximum request size"):
            producer.send(b"", bytes(1_100_000)).wait()

    def test_many_small_records(self):
        rng = random.Random(3)
        values = [rng.randbytes(rng.randrange(40)) for _ in range(10_000)]
        name = self.topic()
        self.fill(name, values)
        got = self.consume(name)
        self.assertEqual([r.offset() for r in got], list(range(10_000)))
        self.assertTrue([value(r) for r in got] == values)

    def test_timestamps(self):
        name = self.topic()
        before = int(time.time() * 1000)
        self.fill(name, [b"a", b"b", b"c"])
        after = int(time.time() * 1000)
        stamps = [r.timestamp() for r in self.consume(name)]
        self.assertEqual(stamps, sorted(stamps))
        self.assertLessEqual(before, stamps[0])
        self.assertLessEqual(stamps[-1], after)


class Consume(Case):
    def setUp(self):
        super().setUp()
        self.name = self.topic()
        self.values = [b"record-%c" % c for c in range(ord("a"), ord("z") + 1)]
        self.fill(self.name, self.values)

    def values_from(self, start):
        return [value(r) for r in self.consume(self.name, start)]

    def test_starts(self):
        v = self.values
        self.assertEqual(self.values_from(Offset.beginning()), v)
        self.assertEqual(self.values_from(Offset.from_beginning(1)), v[1:])
        self.assertEqual(self.values_from(Offset.from_beginning(1000)), [])
        self.assertEqual(self.values_from(Offset.absolute(13)), v[13:])
        self.assertEqual(self.values_from(Offset.from_end(3)), v[-3:])
        self.assertEqual(self.values_from(Offset.from_end(1000)), v)
        self.assertEqual(self.values_from(Offset.end()), [])

    def test_offsets(self):
        self.assertEqual([r.offset() for r in self.consume(self.name)], list(range(26)))
        self.assertEqual([r.offset() for r in self.consume(self.name, Offset.absolute(20))], list(range(20, 26)))

    def test_small_fetches(self):
        self.assertEqual([value(r) for r in self.consume(self.name, max_bytes=10_000)], self.values)

    def test_end_gets_what_comes_later(self):
        config = ConsumerConfigExtBuilder(self.name)
        config.offset_start(Offset.end())
        stream = self.fluvio.consumer_with_config(config.build())
        old = self.fluvio.partition_consumer(self.name, 0).stream(Offset.end())
        self.fill(self.name, [b"later"])
        for s in (stream, old):
            r = next(s)
            self.assertEqual((r.offset(), value(r)), (26, b"later"))

    def test_continuous(self):
        stream = self.fluvio.partition_consumer(self.name, 0).stream(Offset.from_end(1))
        self.assertEqual(value(next(stream)), b"record-z")
        for i in range(5):
            self.fill(self.name, [b"more %d" % i])
            self.assertEqual(value(next(stream)), b"more %d" % i)

    def test_stream_with_config_stops(self):
        config = ConsumerConfig()
        config.disable_continuous()
        stream = self.fluvio.partition_consumer(self.name, 0).stream_with_config(Offset.beginning(), config)
        self.assertEqual([value(r) for r in stream], self.values)

    def test_two_consumers(self):
        streams = [self.fluvio.partition_consumer(self.name, 0).stream(Offset.beginning()) for _ in range(2)]
        got = [[], []]
        for _ in self.values:
            for s, out in zip(streams, got):
                out.append(value(next(s)))
        self.assertEqual(got, [self.values] * 2)


class ManyPartitions(Case):
    def setUp(self):
        super().setUp()
        self.name = self.topic(TopicSpec.create().with_partitions(3))
        producer = self.fluvio.topic_producer(self.name)
        self.records = [(b"key-%d" % (i % 20), b"%03d" % i) for i in range(300)]
        producer.send_all(self.records)
        producer.flush()

    def check(self, got):
        """Everything came, and each key's records, which share a partition, in order."""
        self.assertEqual(sorted(got), sorted(self.records))
        for k in {k for k, _ in self.records}:
            self.assertEqual([r for r in got if r[0] == k], [r for r in self.records if r[0] == k])

    def test_consumer_with_config(self):
        self.check([(key(r), value(r)) for r in self.consume(self.name)])

    def test_multi_partition_consumer(self):
        stream = self.fluvio.multi_partition_consumer(self.name).stream(Offset.beginning())
        self.check([(key(r), value(r)) for r in itertools.islice(stream, 300)])

    def test_multi_topic_partition_consumer(self):
        selections = [(self.name, p) for p in range(3)]
        stream = self.fluvio.multi_topic_partition_consumer(selections).stream(Offset.beginning())
        self.check([(key(r), value(r)) for r in itertools.islice(stream, 300)])

    def test_one_partition_each(self):
        got = []
        for p in range(3):
            part = self.consume(self.name, partition=p)
            self.assertEqual([r.offset() for r in part], list(range(len(part))))
            self.assertTrue(part)
            got += [(key(r), value(r)) for r in part]
        self.check(got)


class CommandLine(Case):
    def test_cli_to_python(self):
        name = self.topic()
        cli("produce", name, data=b"one\ntwo\n\nfour\n")
        cli("produce", name, "--key-separator", ":", data=b"k:five\n")
        got = self.consume(name)
        self.assertEqual([value(r) for r in got], [b"one", b"two", b"", b"four", b"five"])
        self.assertEqual([key(r) for r in got], [None] * 4 + [b"k"])

    def test_cli_codecs_to_python(self):
        for codec in ("gzip", "snappy", "lz4", "zstd"):
            with self.subTest(codec=codec):
                name = self.topic()
                cli("produce", name, "--compression", codec, data=b"".join(b"line %d\n" % i for i in range(50)))
                self.assertEqual([value(r) for r in self.consume(name)], [b"line %d" % i for i in range(50)])

    def test_python_to_cli(self):
        name = self.topic()
        self.fill(name, [b"eins", "größer".encode(), b"drei"], k=b"k")
        self.assertEqual(cli("consume", name, "-B", "-d"), "eins\ngrößer\ndrei\n".encode())
        self.assertEqual(cli("consume", name, "-B", "-d", "-k"), "[k] eins\n[k] größer\n[k] drei\n".encode())

    def test_same_partition_as_python(self):
        name = self.topic(TopicSpec.create().with_partitions(3))
        for k in PARTITION_OF_3:
            if k:
                cli("produce", name, "--key", k.decode(), data=k + b"\n")
        producer = self.fluvio.topic_producer(name)
        producer.send_all([(k, k) for k in PARTITION_OF_3 if k])
        producer.flush()
        for partition in range(3):
            want = [k for k, p in PARTITION_OF_3.items() if k and p == partition]
            self.assertEqual([value(r) for r in self.consume(name, partition=partition)], want * 2)

    def test_cli_sees_topic(self):
        name = self.topic(TopicSpec.create().with_partitions(2))
        self.assertIn(name.encode(), cli("topic", "list"))
        cli("topic", "delete", name)
        self.assertEqual(self.admin.list_topics([name]), [])


def main():
    began = time.time()
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(
        unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    )
    failed = len({getattr(t, "test_case", t).id() for t, _ in result.failures + result.errors})
    print(f"{result.testsRun - failed} passed, {failed} failed in {time.time() - began:.1f} s")
    return 1 if failed or not result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main())
