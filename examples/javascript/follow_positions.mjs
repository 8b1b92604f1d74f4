// Follows positions and goes on after a lost connection. Needs `npm install graphql-ws ws`.
//   BREAKWATER_SUBSCRIPTIONS=ws://127.0.0.1:8080/graphql BREAKWATER_TOKEN=bwk_… node follow_positions.mjs
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const client = createClient({
  url: process.env.BREAKWATER_SUBSCRIPTIONS ?? "ws://127.0.0.1:8080/graphql",
  webSocketImpl: WebSocket,
  connectionParams: { Authorization: `Bearer ${process.env.BREAKWATER_TOKEN}` },
  retryAttempts: 0, // we resume with a cursor of our own, below
});

const query = `subscription ($after: Cursor) {
  positionUpdates(after: $after) {
    cursor kind pair occurredAt
    ... on PositionOpened { isLong quantity entryPrice stop }
    ... on PositionClosed { exitPrice pnl pnlRatio reason }
  }
}`;

let after = null;
for (;;) {
  try {
    for await (const { data, errors } of client.iterate({ query, variables: { after } })) {
      if (errors) throw new Error(JSON.stringify(errors));
      after = data.positionUpdates.cursor;
      if (data.positionUpdates.kind !== "SUBSCRIBED") console.log(data.positionUpdates);
    }
  } catch (lost) {
    console.error("connection lost, going on after", after, lost?.reason ?? lost?.message ?? "");
  }
  await new Promise((wake) => setTimeout(wake, 500));
}
