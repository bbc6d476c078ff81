// The official Node client's addon, loaded without its TypeScript layer,
// against a cluster of ours. run.sh sets ADDON to it.
'use strict'

const assert = require('node:assert/strict')
const addon = require(process.env.ADDON)

const HANG_MS = 60_000
const cases = {
  async 'create, list and delete a topic'(admin) {
    assert.equal(await admin.createTopic('node-admin', topic(2)), 'node-admin')
    await assert.rejects(admin.createTopic('node-admin', topic(1)), /already exists/i)
    await admin.listTopic()
    await admin.listPartitions()
    assert.equal(await admin.deleteTopic('node-admin'), 'node-admin')
    await assert.rejects(admin.deleteTopic('node-admin'), /not ?found/i)
  },

  async 'send and read in order'(admin, client) {
    await admin.createTopic('node-send', topic(1))
    const producer = await client.topicProducer('node-send')
    for (let i = 0; i < 10; i++) await producer.send(`key-${i}`, `value ${i}`)
    await producer.flush()
    const want = Array.from({ length: 10 }, (_, i) => [`key-${i}`, `value ${i}`])
    assert.deepEqual(await read(client, 'node-send', 0, 10), want)
  },

  async 'send all and read from an offset'(admin, client) {
    await admin.createTopic('node-all', topic(1))
    const producer = await client.topicProducer('node-all')
    await producer.sendAll(Array.from({ length: 10 }, (_, i) => ['k', `größer ${i}`]))
    await producer.flush()
    assert.deepEqual(await read(client, 'node-all', 7, 3), [['k', 'größer 7'], ['k', 'größer 8'], ['k', 'größer 9']])
  },

  async 'what is sent after the stream was opened arrives'(admin, client) {
    await admin.createTopic('node-live', topic(1))
    const consumer = await client.partitionConsumer('node-live', 0)
    const stream = await consumer.createStream({ index: 0, from: 'end' })
    const producer = await client.topicProducer('node-live')
    await producer.send('k', 'later')
    await producer.flush()
    const { value } = await stream.next()
    assert.equal(value.valueString(), 'later')
  },
}

const topic = (partitions) => ({ partitions, replicationFactor: 1, ignoreRackAssignment: false })

async function read(client, name, index, count) {
  const consumer = await client.partitionConsumer(name, 0)
  const stream = await consumer.createStream({ index, from: 'beginning' })
  const got = []
  while (got.length < count) {
    const { value } = await stream.next()
    got.push([value.keyString(), value.valueString()])
  }
  return got
}

async function main() {
  const hang = setTimeout(() => {
    console.error('FAIL: hangs')
    process.exit(1)
  }, HANG_MS)
  const client = await addon.connect()
  const admin = await client.admin()
  let failed = 0
  for (const [name, run] of Object.entries(cases)) {
    try {
      await run(admin, client)
      console.log(`ok    ${name}`)
    } catch (err) {
      failed++
      console.log(`FAIL  ${name}\n${err.stack ?? err}`)
    }
  }
  clearTimeout(hang)
  console.log(`${Object.keys(cases).length - failed} passed, ${failed} failed`)
  process.exit(failed ? 1 : 0) // open streams would keep the process alive
}

main()
