// What the witnesses share: Weir over HTTP, and where it is.
import assert from "node:assert/strict";

export const natsUrl = process.env.WITNESS_NATS_URL;
export const port = process.env.WITNESS_PORT;
export const key = process.env.WEIR_API_KEY;

export const done = (what) => console.log(`ok ${what}`);

async function http(method, path, body) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { "X-API-Key": key, "Content-Type": "application/json" },
    body,
  });
  return { status: response.status, text: await response.text() };
}

export async function command(name, payload) {
  const answer = await http("POST", "/api/v1/command", JSON.stringify({ command: name, payload }));
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.text).payload;
}

// The next of an asynchronous iterator that `wanted` takes.
async function next(iterator, wanted = () => true) {
  for (;;) {
    const { value, done } = await iterator.next();
    assert.ok(!done, "it ended");
    if (wanted(value)) return value;
  }
}

async function collect(promise) {
  const all = [];
  for await (const each of await promise) all.push(each);
  return all;
}

// A key and a room that one client writes and the other reads, with whatever library.
async function keysAndRooms(prefix, client) {
  await command("kv.set", { key: `${prefix}.ours`, value: { n: 1 } });
  assert.deepEqual(JSON.parse(await client.get(`${prefix}.ours`)), { n: 1 });
  await client.put(`${prefix}.theirs`, JSON.stringify({ n: 2 }));
  assert.deepEqual((await command("kv.get", { key: `${prefix}.theirs` })).value, { n: 2 });
  await client.del(`${prefix}.ours`);
  assert.equal((await command("kv.get", { key: `${prefix}.ours` })).found, false);

  const heard = await client.watch(`${prefix}.>`);
  await command("kv.set", { key: `${prefix}.watched`, value: "text" });
  const change = await next(heard, (entry) => entry.key === `${prefix}.watched`);
  assert.equal(change.string(), '"text"');

  const room = `${prefix}-room`;
  await command("stream.publish", { room, event_type: "message", data: { text: "ours" } });
  await client.publish(`weir.rooms.${room}`, '{"text":"theirs"}', { "Weir-Event-Type": "join" });
  const history = await command("stream.history", { room });
  assert.deepEqual(
    history.events.map((event) => [event.event_type, event.data.text]),
    [["message", "ours"], ["join", "theirs"]],
  );
  const messages = await client.read("ROOMS", `weir.rooms.${room}`, 2);
  assert.deepEqual(messages.map((m) => m.json().text), ["ours", "theirs"]);
  assert.equal(messages[0].headers.get("Weir-Event-Type"), "message");
  assert.deepEqual(messages.map((m) => m.seq), history.events.map((event) => event.offset));
  done(`${prefix}: keys and rooms`);
}

// weir.cmd.* and its discovery.
async function commandsOverNats(request, services) {
  const set = await request("weir.cmd.kv.set", { key: "cmd", value: [1, 2] });
  assert.equal(set.json().success, true);
  assert.deepEqual((await command("kv.get", { key: "cmd" })).value, [1, 2]);
  const refused = await request("weir.cmd.kv.set", { key: "cmd" });
  assert.equal(refused.headers.code, 0);
  assert.equal(refused.headers.get("Nats-Service-Error-Code"), "422");
  assert.equal(refused.json().code, "INVALID_PAYLOAD");
  const [ping] = await collect(services.ping("weir"));
  assert.equal(ping.name, "weir");
  const [info] = await collect(services.info("weir", ping.id));
  assert.ok(info.endpoints.some((each) => each.subject === "weir.cmd.kv.set"));
  const [stats] = await collect(services.stats("weir", ping.id));
  const sets = stats.endpoints.find((each) => each.name === "kv-set");
  assert.ok(sets.num_requests >= 2 && sets.num_errors >= 1, JSON.stringify(sets));
  done("commands and discovery");
}

// All of it with a package for NATS: what differs between their versions is handed in. `filtered`
// makes the options of a consumer of one subject.
export async function natsWitness(name, { connection, headers, jetstream, bucket, services, filtered }) {
  const withHeaders = (values) => {
    const out = headers();
    for (const [header, value] of Object.entries(values)) out.set(header, value);
    return out;
  };
  await keysAndRooms(name, {
    get: async (key) => (await bucket.get(key)).string(),
    put: (key, value) => bucket.put(key, value),
    del: (key) => bucket.delete(key),
    watch: async (key) => (await bucket.watch({ key }))[Symbol.asyncIterator](),
    publish: (subject, data, values) => jetstream.publish(subject, data, { headers: withHeaders(values) }),
    read: async (stream, subject, count) => {
      const consumer = await jetstream.consumers.get(stream, filtered(subject));
      const out = [];
      for await (const message of await consumer.fetch({ max_messages: count, expires: 5000 })) {
        out.push(message);
        if (out.length === count) break;
      }
      return out;
    },
  });
  await commandsOverNats(
    (subject, payload) =>
      connection.request(subject, JSON.stringify(payload), {
        timeout: 5000,
        headers: withHeaders({ Authorization: `Bearer ${key}` }),
      }),
    services.client({ strategy: "timer", maxWait: 500 }),
  );
  await connection.close();
}
