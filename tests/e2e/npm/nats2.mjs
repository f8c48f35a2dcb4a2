// The package `nats`, version 2.
import { connect, headers } from "nats";
import { commandsOverNats, keysAndRooms, key, natsUrl } from "./weir.mjs";

const done = (what) => console.log(`ok ${what}`);
const withHeaders = (values) => {
  const out = headers();
  for (const [name, value] of Object.entries(values)) out.set(name, value);
  return out;
};

const connection = await connect({ servers: natsUrl });
const jetstream = connection.jetstream();
const bucket = await jetstream.views.kv("default");
await keysAndRooms(done, "nats2", {
  get: async (name) => (await bucket.get(name)).string(),
  put: (name, value) => bucket.put(name, value),
  del: (name) => bucket.delete(name),
  watch: async (name) => (await bucket.watch({ key: name }))[Symbol.asyncIterator](),
  publish: (subject, data, values) => jetstream.publish(subject, data, { headers: withHeaders(values) }),
  read: async (stream, subject, count) => {
    const consumer = await jetstream.consumers.get(stream, { filterSubjects: [subject] });
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
  connection.services.client({ strategy: "timer", maxWait: 500 }),
);
await connection.close();
