// The package `ws`.
import assert from "node:assert/strict";
import { once } from "node:events";
import WebSocket from "ws";
import { command, done, key, port } from "./weir.mjs";

const url = `ws://127.0.0.1:${port}/api/v1/ws`;

async function open(options) {
  const socket = new WebSocket(url, options);
  const frames = [];
  let wake = () => {};
  socket.on("message", (data, binary) => {
    assert.equal(binary, false);
    frames.push(JSON.parse(data));
    wake();
  });
  await once(socket, "open");
  return {
    socket,
    say: (frame) => socket.send(JSON.stringify(frame)),
    hear: async () => {
      while (frames.length === 0) await new Promise((resolve) => (wake = resolve));
      return frames.shift();
    },
  };
}

const headers = { "X-API-Key": key };
const client = await open({ headers });
client.say({ request_id: "ws-001", command: "stream.subscribe", payload: { room: "chat-1" } });
const answer = await client.hear();
assert.equal(answer.request_id, "ws-001");
assert.equal(answer.status, "success");
for (const text of ["one", "two"]) {
  await command("stream.publish", { room: "chat-1", event_type: "message", data: { text } });
}
const first = await client.hear();
const second = await client.hear();
assert.deepEqual([first.type, first.room, first.data], ["event", "chat-1", { text: "one" }]);
assert.deepEqual(second.data, { text: "two" });
done("events");

const late = await open({ headers: { Authorization: `Bearer ${key}` } });
late.say({
  command: "stream.subscribe",
  payload: { room: "chat-1", from_offset: first.offset + 1 },
});
assert.equal((await late.hear()).status, "success");
assert.equal((await late.hear()).offset, second.offset);
done("resume");

late.socket.ping();
await once(late.socket, "pong");
late.say({ command: "no.such" });
assert.equal((await late.hear()).error.code, "INVALID_COMMAND");
late.say({ type: "batch", commands: [{ command: "kv.set", payload: { key: "w", value: 1 } }] });
assert.equal((await late.hear()).type, "batch_response");
late.socket.send(Buffer.from([1, 2, 3]));
const [code] = await once(late.socket, "close");
assert.equal(code, 1003);
done("errors and closing");

const refused = new WebSocket(url);
const [, response] = await once(refused, "unexpected-response");
assert.equal(response.statusCode, 401);
response.destroy();
client.socket.close(1000);
await once(client.socket, "close");
done("handshake");
