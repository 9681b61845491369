-- Compare-and-append: packets go into the feed only if the lease names this leader (or nobody), the store is the one
-- it knows, and the feed's last entry is their predecessor. Only then, and only if no append was refused, the
-- snapshots are stored. Neither Lua nor MULTI rolls back, hence the order: all that may be refused comes first.
--
-- KEYS: lease, feed, commands, place of the ledger, one for each value to store, then those of the checkpoint:
--       none: no more | whole: newest, previous | next: newest, previous, accounts, staged newest, staged accounts,
--       then a snapshot and the same staged, for each deep book.
-- ARGV: leader, lease in ms, the store's id, id of the predecessor, entries to keep in the feed,
--       entries of the command log from which on it is trimmed, id of the first of them still needed or '',
--       entries that may be trimmed of a log in this call,
--       entries of the feed and of the command log from which on the ledger is waited for no longer,
--       'none', 'whole' or 'next', number of packets, then id, packet and time of each, then the values to store,
--       then the bytes of a whole checkpoint.
-- Answers: {'appended', id of the last entry} | {'behind', id} | {'ahead', id} | {'not_leader', who leads}
--          | {'changed', the store's id} | {'unstaged', id} | {'refused', the error of XADD}
--          | {'cut', id}: the last entry is gone, and this call does not store everything
--
-- Runs on Redis 7.0 and later and on Valkey 8.

local leader, lease_ms, known_store, predecessor = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local feed_entries, command_entries, first_needed = ARGV[5], tonumber(ARGV[6]), ARGV[7]
local slice, hold_packets, hold_commands = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local checkpoint, packets = ARGV[11], tonumber(ARGV[12])
local FIRST_VALUE, FIRST_PACKET = 5, 13
local first_value = FIRST_PACKET + packets * 3
local values = #ARGV - first_value + 1 - (checkpoint == 'whole' and 1 or 0)
local beyond = FIRST_VALUE + values
local newest, previous = KEYS[beyond], KEYS[beyond + 1]
local accounts, staged_newest, staged_accounts = KEYS[beyond + 2], KEYS[beyond + 3], KEYS[beyond + 4]
local first_staged = beyond + 5

-- What is no string names nobody; it is overwritten.
local holder = redis.pcall('GET', KEYS[1])
if type(holder) == 'table' and not string.find(holder.err, 'WRONGTYPE', 1, true) then
  return redis.error_reply(holder.err)
end
if type(holder) == 'string' and holder ~= leader then
  return { 'not_leader', holder }
end

-- A server that restarted or failed over has another replication id, and may have lost its tail.
local replication = redis.pcall('INFO', 'replication')
local store = type(replication) == 'string' and string.match(replication, 'master_replid:(%x+)') or ''
if store ~= known_store then
  return { 'changed', store }
end

local tail = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', '1')
local last = tail[1] and tail[1][1] or '0-0'

-- Where the feed's end was trimmed or deleted, its ids go on behind the last one ever used, and so do its readers.
local function last_used()
  local facts = redis.pcall('XINFO', 'STREAM', KEYS[2])
  for at = 1, #facts - 1, 2 do
    if facts[at] == 'last-generated-id' then
      return facts[at + 1]
    end
  end
  return last -- no stream at all, or a user that may not ask
end

if predecessor ~= last then
  local used = last_used()
  if used == predecessor and used ~= last and checkpoint ~= 'whole' then
    return { 'cut', used } -- readers who are behind need snapshots that hold what is gone
  end
  last = used
end
if last ~= predecessor then
  local last_term, last_position = string.match(last, '(%d+)-(%d+)')
  local my_term, my_position = string.match(predecessor, '(%d+)-(%d+)')
  local terms, positions = tonumber(last_term) - tonumber(my_term), tonumber(last_position) - tonumber(my_position)
  local behind = terms < 0 or (terms == 0 and positions < 0)
  return { behind and 'behind' or 'ahead', last }
end

if checkpoint == 'next' then
  local found = redis.call('EXISTS', staged_newest, staged_accounts) == 2
  for at = first_staged, #KEYS, 2 do
    found = found and redis.call('EXISTS', KEYS[at + 1]) == 1
  end
  if not found then
    return { 'unstaged', last }
  end
end

for packet = 0, packets - 1 do
  local at = FIRST_PACKET + packet * 3
  local reply = redis.pcall('XADD', KEYS[2], ARGV[at], 'p', ARGV[at + 1], 't', ARGV[at + 2])
  if type(reply) == 'table' and reply.err then
    local used = last_used()
    if packet == 0 and used ~= last then
      return { 'ahead', used } -- someone wrote behind it, and what was written has been deleted
    end
    return { 'refused', reply.err }
  end
  last = ARGV[at]
end

redis.call('SET', KEYS[1], leader, 'PX', lease_ms)
for value = 0, values - 1 do
  redis.call('SET', KEYS[FIRST_VALUE + value], ARGV[first_value + value])
end
if checkpoint == 'whole' then
  redis.call('SET', newest, ARGV[#ARGV])
  redis.call('SET', previous, ARGV[#ARGV])
elseif checkpoint == 'next' then
  if redis.call('EXISTS', newest) == 1 then
    redis.call('RENAME', newest, previous)
  end
  redis.call('RENAME', staged_newest, newest)
  redis.call('RENAME', staged_accounts, accounts)
  redis.call('PERSIST', newest)
  redis.call('PERSIST', accounts)
  for at = first_staged, #KEYS, 2 do
    redis.call('RENAME', KEYS[at + 1], KEYS[at])
    redis.call('PERSIST', KEYS[at])
  end
end

-- Trimming comes last: what goes is contained in what is stored. A slice with every call: it bounds how long a call
-- holds up the store, and is far more than what comes between two calls, so that both logs get back to their bounds.
--
-- What the ledger has yet to write stays too, within limits: beyond them the market goes on without it. A ledger that
-- has never been here, or was retired, has no place; neither has a key of another form.
local function before(a, b)
  local a_first, a_second = string.match(a, '(%d+)-(%d+)')
  local b_first, b_second = string.match(b, '(%d+)-(%d+)')
  local first, second = tonumber(a_first) - tonumber(b_first), tonumber(a_second) - tonumber(b_second)
  return first < 0 or (first == 0 and second < 0)
end
local place = redis.pcall('GET', KEYS[4])
local written_feed, written_log = string.match(type(place) == 'string' and place or '', '^(%d+%-%d+) (%d+%-%d+)$')

local feed_length = redis.call('XLEN', KEYS[2])
if not written_feed then
  redis.call('XTRIM', KEYS[2], 'MAXLEN', '~', feed_entries, 'LIMIT', slice)
elseif feed_length > hold_packets then
  redis.call('XTRIM', KEYS[2], 'MAXLEN', '~', math.max(tonumber(feed_entries), hold_packets), 'LIMIT', slice)
elseif feed_length > tonumber(feed_entries) then
  -- The limit keeps as many as the feed has without a ledger: readers need those.
  local spare = math.min(slice, feed_length - tonumber(feed_entries))
  redis.call('XTRIM', KEYS[2], 'MINID', '~', written_feed, 'LIMIT', spare)
end
local commands_length = redis.call('XLEN', KEYS[3])
if first_needed ~= '' and commands_length > command_entries then
  if not written_log or not before(written_log, first_needed) then
    redis.call('XTRIM', KEYS[3], 'MINID', '~', first_needed, 'LIMIT', slice)
  elseif commands_length > hold_commands then
    redis.call('XTRIM', KEYS[3], 'MINID', '~', first_needed, 'LIMIT', math.min(slice, commands_length - hold_commands))
  else
    redis.call('XTRIM', KEYS[3], 'MINID', '~', written_log, 'LIMIT', slice)
  end
end
return { 'appended', last }
