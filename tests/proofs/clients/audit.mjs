// The audit suite of graphql-http against a running server.   node audit.mjs URL TOKEN   prints one JSON object
import { auditServer } from "graphql-http";

const [url, token] = process.argv.slice(2);
const results = await auditServer({
  url,
  fetchFn: (address, init = {}) =>
    fetch(address, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } }),
});
const of = (status) => results.filter((one) => one.status === status);
const told = (one) => `${one.id} ${one.name}: ${one.reason ?? ""}`;
console.log(
  JSON.stringify({
    audits: results.length,
    ok: of("ok").length,
    notices: of("notice").map(told),
    warnings: of("warn").map(told),
    errors: of("error").map(told),
  }),
);
