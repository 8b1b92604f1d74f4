// Many subscribers with forced reconnects, each reading the whole journal with one of our examples.
//   node subscribers.mjs EXAMPLE URL TOKEN SUBSCRIBERS RECONNECTS FACTS   prints one JSON object
import WebSocket from "ws";

const [example, url, token, ...numbers] = process.argv.slice(2);
const [subscribers, reconnects, facts] = numbers.map(Number);
const { follow } = await import(example);

console.error = () => {};

/** Give so many different places in 1..facts-1, the same for the same seed. */
function breaks(seed, count) {
  const found = new Set();
  let state = seed * 2654435761 + 1;
  while (found.size < count) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    found.add(1 + (state % (facts - 1)));
  }
  return [...found].sort((a, b) => a - b);
}

async function subscriber(number) {
  const left = breaks(number + 1, reconnects);
  const seen = [];
  let open = null;
  let cut = 0;
  class Cuttable extends WebSocket {
    constructor(...given) {
      super(...given);
      open = this;
    }
  }
  await follow(
    url,
    token,
    (event) => {
      seen.push(event.sequence);
      if (left.length && seen.length >= left[0]) {
        left.shift();
        cut += 1;
        open.terminate(); // without a goodbye, as a network does
      }
      return seen.length < facts;
    },
    { webSocketImpl: Cuttable, after: Buffer.from("journal:0").toString("base64url"), pauseMs: 10 },
  );
  const missing = facts - new Set(seen).size;
  const isInOrder = seen.every((one, at) => one === at + 1);
  return { missing, duplicate: seen.length - new Set(seen).size, cut, isInOrder };
}

const found = await Promise.all(Array.from({ length: subscribers }, (_, number) => subscriber(number)));
const sum = (name) => found.reduce((total, one) => total + one[name], 0);
console.log(
  JSON.stringify({
    subscribers,
    reconnects: sum("cut"),
    missing: sum("missing"),
    duplicate: sum("duplicate"),
    out_of_order: found.filter((one) => !one.isInOrder).length,
  }),
);
process.exit(0);
