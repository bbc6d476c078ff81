// The official Node client's addon as tests/interop/failover.py wants it. It
// does not say at which offset a record was stored.
'use strict'

const addon = require(process.env.ADDON)

const topic = 'failover'
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const tell = (...words) => process.stdout.write(words.join(' ') + '\n')

async function produce(name) {
  let stopped = false
  process.stdin.on('end', () => (stopped = true)).resume()
  let producer
  for (let n = 0; !stopped; ) {
    try {
      producer ??= await (await addon.connect()).topicProducer(topic)
      await producer.send('', `${name} ${n}`)
      await producer.flush()
      tell('acked', -1, `${name} ${n}`)
      n++
    } catch (err) {
      tell('error', 0, String(err.message ?? err).replaceAll('\n', ' '))
      producer = undefined
      await pause(50)
    }
  }
  process.exit(0)
}

async function consume() {
  for (let next = 0; ; await pause(50)) {
    try {
      const consumer = await (await addon.connect()).partitionConsumer(topic, 0)
      const stream = await consumer.createStream({ index: next, from: 'beginning' })
      for (;;) {
        const { value, done } = await stream.next()
        if (done || !value) break
        tell('got', next++, value.valueString())
      }
    } catch (err) {
      tell('error', 0, String(err.message ?? err).replaceAll('\n', ' '))
    }
  }
}

if (process.argv[2] === 'produce') produce(process.argv[3])
else consume()
