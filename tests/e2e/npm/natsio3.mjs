// The packages `@nats-io/*`, version 3.
import { jetstream } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { Svcm } from "@nats-io/services";
import { connect, headers } from "@nats-io/transport-node";
import { natsUrl, natsWitness } from "./weir.mjs";

const connection = await connect({ servers: natsUrl });
await natsWitness("natsio3", {
  connection,
  headers,
  jetstream: jetstream(connection),
  bucket: await new Kvm(connection).open("default"),
  services: new Svcm(connection),
  filtered: (subject) => ({ filter_subjects: [subject] }),
});
