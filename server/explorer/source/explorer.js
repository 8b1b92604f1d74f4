// The API explorer: GraphiQL with our sign-in, bundled by tools/build_explorer.sh into ../explorer.js.
import { GraphiQL } from "graphiql";
import "graphiql/graphiql.css";
import "./explorer.css";
import { createClient } from "graphql-ws";
import React, { useMemo, useState } from "react";
import { createRoot } from "react-dom/client";

const KEY = "breakwater-token";
const h = React.createElement;

const WELCOME = `# Subscriptions work too. Ctrl-Enter runs what is under the cursor; Ctrl-Space completes.
{
  viewer { name role }
  bots(first: 5) {
    edges { node { name desired condition tradingState } }
  }
}
`;

/** Give what GraphiQL asks with: POST for queries and mutations, the websocket for subscriptions. */
function fetcher(token) {
  const socket = createClient({
    url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/graphql`,
    connectionParams: { Authorization: `Bearer ${token}` },
    retryAttempts: 0,
  });
  return (parameters, options) => {
    const node = options?.documentAST?.definitions.find(
      (one) =>
        one.kind === "OperationDefinition" &&
        (!parameters.operationName || one.name?.value === parameters.operationName),
    );
    if (node?.operation === "subscription") return socket.iterate(parameters);
    const headers = { "content-type": "application/json" };
    if (token) headers.authorization = `Bearer ${token}`;
    return fetch("/graphql", { method: "POST", headers, body: JSON.stringify(parameters) }).then((answer) =>
      answer.headers.get("content-type")?.includes("json")
        ? answer.json()
        : answer.text().then((text) => ({ errors: [{ message: `${answer.status}: ${text}` }] })),
    );
  };
}

function Explorer() {
  // This tab only: a token that outlives the tab would lie around in the browser's profile.
  const [token, setToken] = useState(sessionStorage.getItem(KEY) ?? "");
  const ask = useMemo(() => fetcher(token), [token]);
  const keep = (event) => {
    event.preventDefault();
    const given = new FormData(event.target).get("token").trim();
    sessionStorage.setItem(KEY, given);
    setToken(given);
  };
  return h(
    React.Fragment,
    null,
    h(
      "form",
      { className: "token", onSubmit: keep },
      h("label", { htmlFor: "token" }, "API token"),
      h("input", { id: "token", name: "token", type: "password", autoComplete: "off", defaultValue: token }),
      h("button", { type: "submit" }, token ? "Change" : "Use"),
      h("span", null, token ? "Kept in this tab only." : "Without a token nothing is answered but the schema."),
    ),
    h(GraphiQL, { key: token, fetcher: ask, defaultQuery: WELCOME, shouldPersistHeaders: false, isHeadersEditorEnabled: false }),
  );
}

createRoot(document.getElementById("explorer")).render(h(Explorer));
