#!/bin/sh
# Install the machine's own RabbitMQ if it is missing; the proof starts and stops a server of its own.
set -eu
if [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]; then
  exit 0
fi
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" -ne 0 ]; then
  echo "RabbitMQ is missing; install the package rabbitmq-server and run this again." >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
apt-get update -q
apt-get install -y -q --no-install-recommends rabbitmq-server
