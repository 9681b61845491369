-- Compare-and-append: packets go into the feed only if the lease names this leader (or nobody), the store is the one
-- it knows, and the feed's last entry is their predecessor. Only then, and only if no append was refused, the
-- snapshots are stored. Neither Lua nor MULTI rolls back, hence the order: all that may be refused comes first.
--
-- KEYS: lease, feed, commands, then one for each value to store.
-- ARGV: leader, lease in ms, the store's id, id of the predecessor, entries to keep in the feed,
--       entries of the command log from which on it is trimmed, id of the first of them still needed or '',
--       number of packets, then id, packet and time of each, then the values to store.
-- Answers: {'appended', id of the last entry} | {'behind', id} | {'ahead', id} | {'not_leader', who leads}
--          | {'changed', the store's id} | {'refused', the error of XADD}
--
-- Runs on Redis 7.0 and later and on Valkey 8.

local leader, lease_ms, known_store, predecessor = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local feed_entries, command_entries, first_needed = ARGV[5], tonumber(ARGV[6]), ARGV[7]
local packets = tonumber(ARGV[8])
local FIRST_PACKET = 9

local holder = redis.call('GET', KEYS[1])
if holder and holder ~= leader then
  return { 'not_leader', holder }
end

-- A server that restarted or failed over has another replication id, and may have lost its tail.
local replication = redis.pcall('INFO', 'replication')
local store = type(replication) == 'string' and string.match(replication, 'master_replid:(%x+)') or ''
if store ~= known_store then
  return { 'changed', store }
end

local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', '1')
local last = newest[1] and newest[1][1] or '0-0'
if last ~= predecessor then
  local last_term, last_position = string.match(last, '(%d+)-(%d+)')
  local my_term, my_position = string.match(predecessor, '(%d+)-(%d+)')
  local terms, positions = tonumber(last_term) - tonumber(my_term), tonumber(last_position) - tonumber(my_position)
  local behind = terms < 0 or (terms == 0 and positions < 0)
  return { behind and 'behind' or 'ahead', last }
end

for packet = 0, packets - 1 do
  local at = FIRST_PACKET + packet * 3
  local reply = redis.pcall('XADD', KEYS[2], 'MAXLEN', '~', feed_entries, ARGV[at], 'p', ARGV[at + 1], 't', ARGV[at + 2])
  if type(reply) == 'table' and reply.err then
    return { 'refused', reply.err }
  end
  last = ARGV[at]
end

redis.call('SET', KEYS[1], leader, 'PX', lease_ms)
local first_value = FIRST_PACKET + packets * 3
for value = first_value, #ARGV do
  redis.call('SET', KEYS[4 + value - first_value], ARGV[value])
end
if first_needed ~= '' and redis.call('XLEN', KEYS[3]) > command_entries then
  redis.call('XTRIM', KEYS[3], 'MINID', '~', first_needed)
end
return { 'appended', last }
