#!/bin/sh
# Bundles the API explorer anew: GraphiQL, React and graphql-ws from npm, pinned, into server/explorer.
# Needs node and npm; the result is committed, so that nobody who runs or installs the product needs them.
set -eu

root="$(cd "$(dirname "$0")/.." && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

cp "$root"/server/explorer/source/* "$work"
cd "$work"
echo '{"private": true, "type": "module"}' > package.json
npm install --no-audit --no-fund --ignore-scripts --save-exact \
    graphiql@3.9.0 react@18.3.1 react-dom@18.3.1 graphql@16.11.0 graphql-ws@5.16.2 esbuild@0.25.0 > npm.log
node_modules/.bin/esbuild explorer.js --bundle --minify --format=iife --target=es2020 --legal-comments=none \
    --define:process.env.NODE_ENV='"production"' --loader:.woff2=dataurl --loader:.woff=dataurl --loader:.ttf=dataurl \
    --outfile=out/explorer.js --metafile=out/meta.json
cp out/explorer.js "$root/server/explorer/"
# Without the fonts: the system's own do, and four fifths of the size go.
node -e 'process.stdout.write(require("fs").readFileSync("out/explorer.css", "utf8").replace(/@font-face\s*\{[^}]*\}/g, ""))' \
    > "$root/server/explorer/explorer.css"

# The notices of every package that ended up in the bundle.
node -e '
const fs = require("fs");
const inputs = Object.keys(JSON.parse(fs.readFileSync("out/meta.json")).inputs);
const folders = [...new Set(inputs.map((one) => one.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0]).filter(Boolean))].sort();
console.log("The bundle explorer.js contains these packages, under these licences.\n");
for (const folder of folders) {
  const about = JSON.parse(fs.readFileSync(`${folder}/package.json`));
  const file = fs.readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
  console.log(`${"=".repeat(80)}\n${about.name} ${about.version}, ${about.license}\n`);
  if (file) console.log(fs.readFileSync(`${folder}/${file}`, "utf8").trim() + "\n");
}' > "$root/server/explorer/LICENSES.txt"
ls -l "$root/server/explorer"
