// Follows the journal with graphql-ws and goes on after a lost connection. Needs `npm install graphql graphql-ws ws`.
//   BREAKWATER_SUBSCRIPTIONS=ws://127.0.0.1:8080/graphql BREAKWATER_TOKEN=bwk_… node follow_journal.mjs
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const query = `subscription ($after: Cursor) {
  events(after: $after) { cursor sequence kind occurredAt pair payload }
}`;

/** Give every fact to `see`, each once and in order, until it answers false. */
export async function follow(url, token, see, { webSocketImpl = WebSocket, after = null, pauseMs = 500 } = {}) {
  const client = createClient({
    url,
    webSocketImpl,
    connectionParams: { Authorization: `Bearer ${token}` },
    retryAttempts: 0, // we resume with a cursor of our own, below
  });
  for (;;) {
    try {
      for await (const { data, errors } of client.iterate({ query, variables: { after } })) {
        if (errors) throw new Error(JSON.stringify(errors));
        after = data.events.cursor;
        if (data.events.kind !== "SUBSCRIBED" && see(data.events) === false) return;
      }
    } catch (lost) {
      console.error("connection lost, going on after", after, lost?.reason ?? lost?.message ?? "");
    }
    await new Promise((wake) => setTimeout(wake, pauseMs));
  }
}

if (process.env.BREAKWATER_TOKEN) {
  await follow(
    process.env.BREAKWATER_SUBSCRIPTIONS ?? "ws://127.0.0.1:8080/graphql",
    process.env.BREAKWATER_TOKEN,
    (event) => console.log(event.occurredAt, event.kind, event.pair, JSON.stringify(event.payload)),
  );
}
