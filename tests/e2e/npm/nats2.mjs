// The package `nats`, version 2.
import { connect, headers } from "nats";
import { natsUrl, natsWitness } from "./weir.mjs";

const connection = await connect({ servers: natsUrl });
const jetstream = connection.jetstream();
await natsWitness("nats2", {
  connection,
  headers,
  jetstream,
  bucket: await jetstream.views.kv("default"),
  services: connection.services,
  filtered: (subject) => ({ filterSubjects: [subject] }),
});
