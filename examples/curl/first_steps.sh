#!/bin/sh
# Reads bots and accounts, then pauses a bot for half an hour. Give the address and the token that `up` printed:
#   BREAKWATER_URL=http://127.0.0.1:8080/graphql BREAKWATER_TOKEN=bwk_… ./first_steps.sh
set -eu

url="${BREAKWATER_URL:-http://127.0.0.1:8080/graphql}"
token="${BREAKWATER_TOKEN:?Set BREAKWATER_TOKEN to the API token.}"

ask() {
    curl --silent --show-error --fail-with-body "$url" \
        --header "Authorization: Bearer $token" \
        --header "Content-Type: application/json" \
        --data "$1"
    echo
}

ask '{"query": "{ viewer { name role } bots { edges { node { id name desired condition } } } }"}'
ask '{"query": "{ accounts { edges { node { name currency status { equity drawdown asOf } } } } }"}'

# A key of your own makes it safe to send the same request again.
if [ "${1:-}" != "" ]; then
    key="$(cat /proc/sys/kernel/random/uuid)"
    ask "{\"query\": \"mutation (\$key: UUID!, \$bot: ID!) { pauseBot(input: { idempotencyKey: \$key, botId: \$bot, duration: \\\"PT30M\\\" }) { bot { name desired resumeAt } userErrors { code message } } }\", \"variables\": {\"key\": \"$key\", \"bot\": \"$1\"}}"
fi
