// Follows the journal with Apollo Client and goes on after a lost connection.
// Needs `npm install @apollo/client graphql graphql-ws rxjs ws`.
//   BREAKWATER_SUBSCRIPTIONS=ws://127.0.0.1:8080/graphql BREAKWATER_TOKEN=bwk_… node follow_with_apollo.mjs
import { ApolloClient, InMemoryCache, gql } from "@apollo/client/core/index.js";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions/index.js";
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const EVENTS = gql`
  subscription ($after: Cursor) {
    events(after: $after) { cursor sequence kind occurredAt pair payload }
  }
`;

/** Give every fact to `see`, each once and in order, until it answers false. */
export async function follow(url, token, see, { webSocketImpl = WebSocket, after = null, pauseMs = 500 } = {}) {
  for (let goesOn = true; goesOn; ) {
    const socket = createClient({
      url,
      webSocketImpl,
      connectionParams: { Authorization: `Bearer ${token}` },
      retryAttempts: 0, // we resume with a cursor of our own
    });
    const client = new ApolloClient({ link: new GraphQLWsLink(socket), cache: new InMemoryCache() });
    await new Promise((done) => {
      const running = client.subscribe({ query: EVENTS, variables: { after }, fetchPolicy: "no-cache" }).subscribe({
        next: ({ data, error }) => {
          if (!data || error) return done();
          after = data.events.cursor;
          if (data.events.kind === "SUBSCRIBED") return;
          goesOn = see(data.events) !== false;
          if (!goesOn) {
            running.unsubscribe();
            done();
          }
        },
        error: done,
        complete: done,
      });
    });
    client.stop();
    await socket.dispose();
    if (goesOn) await new Promise((wake) => setTimeout(wake, pauseMs));
  }
}

if (process.env.BREAKWATER_TOKEN) {
  await follow(
    process.env.BREAKWATER_SUBSCRIPTIONS ?? "ws://127.0.0.1:8080/graphql",
    process.env.BREAKWATER_TOKEN,
    (event) => console.log(event.occurredAt, event.kind, event.pair, JSON.stringify(event.payload)),
  );
}
