// The packages `@nats-io/*`, version 3.
import { jetstream } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { Svcm } from "@nats-io/services";
import { connect, headers } from "@nats-io/transport-node";
import { commandsOverNats, keysAndRooms, key, natsUrl } from "./weir.mjs";

const done = (what) => console.log(`ok ${what}`);
const withHeaders = (values) => {
  const out = headers();
  for (const [name, value] of Object.entries(values)) out.set(name, value);
  return out;
};

const connection = await connect({ servers: natsUrl });
const stream = jetstream(connection);
const bucket = await new Kvm(connection).open("default");
await keysAndRooms(done, "natsio3", {
  get: async (name) => (await bucket.get(name)).string(),
  put: (name, value) => bucket.put(name, value),
  del: (name) => bucket.delete(name),
  watch: async (name) => (await bucket.watch({ key: name }))[Symbol.asyncIterator](),
  publish: (subject, data, values) => stream.publish(subject, data, { headers: withHeaders(values) }),
  read: async (name, subject, count) => {
    const consumer = await stream.consumers.get(name, { filter_subjects: [subject] });
    const out = [];
    for await (const message of await consumer.fetch({ max_messages: count, expires: 5000 })) {
      out.push(message);
      if (out.length === count) break;
    }
    return out;
  },
});
await commandsOverNats(
  done,
  (subject, payload) =>
    connection.request(subject, JSON.stringify(payload), {
      timeout: 5000,
      headers: withHeaders({ Authorization: `Bearer ${key}` }),
    }),
  new Svcm(connection).client({ strategy: "timer", maxWait: 500 }),
);
await connection.close();
