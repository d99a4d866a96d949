/**
 * The store's operations as scripts: each is atomic, and each is one command for the relay, however many streams it
 * is about. Keys of other machines and runs are made inside, so this wants one Redis, not a cluster of shards.
 *
 * Nothing that is read is believed: what is of another type or shape than a relay writes is `malformed` to a reader,
 * and gives way to a writer, so that one bad key stops neither the machine nor the runs beside it.
 */

/** The highest id of a Redis stream: after an entry with it, Redis itself refuses every other. */
export const LAST_ID = '18446744073709551615-18446744073709551615';

const RUN_FIELDS =
  "'epoch', ARGV[1], 'requestHash', ARGV[2], 'action', ARGV[3], 'model', ARGV[4], 'owner', ARGV[5]";

/** Whether that machine holds a lease: one that does not lapse is none. */
const ALIVE = `
local function alive(lease) return redis.call('PTTL', lease) > 0 end`;

/** Makes room for a key of that type. */
const MAKE_ROOM = `
local function make_room(key, type)
  local found = redis.call('TYPE', key).ok
  if found ~= type and found ~= 'none' then redis.call('DEL', key) end
end`;

/** More than any plan allows: a longer list of live runs is not ours, and would be read at each start. */
const MAX_LIVE_OF_A_USER = 50_000;

/** Longest field of a run's record, bytes. */
const MAX_FIELD_BYTES = 1024;

/** The record of a run: its fields, nil if there is none, or 'malformed'. */
const HELD_RUN = `
local function held_run(key)
  local found = redis.call('TYPE', key).ok
  if found == 'none' then return nil end
  if found ~= 'hash' then return 'malformed' end
  local fields = { 'epoch', 'requestHash', 'action', 'model', 'owner' }
  for at, field in ipairs(fields) do
    local length = redis.call('HSTRLEN', key, field)
    if length == 0 or length > ${MAX_FIELD_BYTES} then return 'malformed' end
    fields[at] = redis.call('HGET', key, field)
    if string.find(fields[at], '%c') then return 'malformed' end
  end
  if not string.find(fields[1], '^[%w_-]+$') then return 'malformed' end
  return fields
end`;

/** Seq of the last entry, nil if there is no log, 'closed' if it has its ending. */
const LAST_SEQ = `
local function last_seq(key)
  local last = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
  if not last then return nil end
  if last[1] == '${LAST_ID}' then return 'closed' end
  return tonumber(string.match(last[1], '^%d+'))
end
local function expire_ended(log, run, live, epoch, ms)
  redis.call('PEXPIRE', log, ms)
  redis.call('PEXPIRE', run, ms)
  redis.pcall('HDEL', live, epoch)
end`;

/** KEYS lease, cancels. ARGV lease ms. */
const beat = `${MAKE_ROOM}
redis.call('SET', KEYS[1], 1, 'PX', ARGV[1])
make_room(KEYS[2], 'set')
return redis.call('SPOP', KEYS[2], 1000)`;

/** KEYS leases. */
const alive = `${ALIVE}
local living = {}
for at, lease in ipairs(KEYS) do living[at] = alive(lease) and 1 or 0 end
return living`;

/** KEYS run, live. ARGV the run's fields, ms, most live runs, prefix of leases, prefix of logs. */
const claim = `${ALIVE}${MAKE_ROOM}${HELD_RUN}
local held = held_run(KEYS[1])
if held == 'malformed' then
  redis.call('DEL', KEYS[1])
elseif held and (alive(ARGV[8] .. held[5]) or redis.call('EXISTS', ARGV[9] .. held[1]) == 1) then
  return held
end
make_room(KEYS[2], 'hash')
if redis.call('HLEN', KEYS[2]) > ${MAX_LIVE_OF_A_USER} then redis.call('DEL', KEYS[2]) end
local count = 0
local live = redis.call('HGETALL', KEYS[2])
for at = 1, #live, 2 do
  if alive(ARGV[8] .. live[at + 1]) then count = count + 1 else redis.call('HDEL', KEYS[2], live[at]) end
end
if count >= tonumber(ARGV[7]) then return 'too_many' end
redis.call('HSET', KEYS[1], ${RUN_FIELDS})
redis.call('PEXPIRE', KEYS[1], ARGV[6])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
return 'claimed'`;

/** KEYS run. */
const find = `${HELD_RUN}
return held_run(KEYS[1])`;

/**
 * KEYS log. ARGV from where, most entries, most bytes of one, most bytes of all. Gives entries, and whether there may
 * be more.
 */
const read = `
local reply = redis.pcall('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])
if reply.err then return string.find(reply.err, 'WRONGTYPE') and 'malformed' or reply end
local taken, bytes = {}, 0
for _, entry in ipairs(reply) do
  local value = entry[2][2]
  if #entry[2] ~= 2 or #value > tonumber(ARGV[3]) then return 'malformed' end
  if bytes > 0 and bytes + #value > tonumber(ARGV[4]) then return { taken, 1 } end
  bytes = bytes + #value
  taken[#taken + 1] = entry
end
return { taken, #reply == tonumber(ARGV[2]) and 1 or 0 }`;

/** KEYS run, live. ARGV epoch. */
const release = `
if redis.pcall('HGET', KEYS[1], 'epoch') == ARGV[1] then redis.call('DEL', KEYS[1]) end
redis.pcall('HDEL', KEYS[2], ARGV[1])`;

/** KEYS run, live, log. ARGV the run's fields, ms, base. */
const restore = `${MAKE_ROOM}${LAST_SEQ}
make_room(KEYS[1], 'hash')
make_room(KEYS[2], 'hash')
make_room(KEYS[3], 'stream')
local holder = redis.call('HGET', KEYS[1], 'epoch')
if holder and holder ~= ARGV[1] then return 'taken' end
local seq = last_seq(KEYS[3])
if seq == 'closed' then return seq end
redis.call('HSET', KEYS[1], ${RUN_FIELDS})
redis.call('PEXPIRE', KEYS[1], ARGV[6])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
if seq and seq >= tonumber(ARGV[7]) then return seq end
redis.call('DEL', KEYS[3])
redis.call('XADD', KEYS[3], ARGV[7] .. '-1', 'begin', '')
redis.call('PEXPIRE', KEYS[3], ARGV[6])
return tonumber(ARGV[7])`;

/** For each addition: KEYS run, live, log. ARGV ms after an ending, most entries, then epoch, seq, payload, ending, message, followers. */
const add = `${LAST_SEQ}
local function append(key, id, field, value)
  local reply = redis.pcall('XADD', key, 'NOMKSTREAM', 'MAXLEN', '~', ARGV[2], id, field, value)
  return type(reply) == 'string'
end
local outcomes = {}
for item = 1, #KEYS / 3 do
  local run, live, log = KEYS[item * 3 - 2], KEYS[item * 3 - 1], KEYS[item * 3]
  local epoch, seq, payload, ending, followers = unpack(ARGV, item * 5 - 2, item * 5 + 2)
  local added = payload == '' or append(log, seq .. '-0', 'deltas', payload)
  if added and ending ~= '' then
    added = append(log, '${LAST_ID}', 'ending', ending)
    if added then expire_ended(log, run, live, epoch, ARGV[1]) end
  end
  if added and followers ~= '' then
    local message = table.concat({ 'added', epoch, seq, payload, ending }, '\\29')
    for channel in string.gmatch(followers, '[^\\29]+') do redis.call('PUBLISH', channel, message) end
  end
  outcomes[item] = added and 1 or 0
end
return outcomes`;

/** KEYS run, live, log. ARGV epoch, head, ending, ms. */
const end = `${LAST_SEQ}
if redis.call('TYPE', KEYS[3]).ok ~= 'stream' then return 'absent' end
local seq = last_seq(KEYS[3])
if not seq then return 'absent' end
if seq ~= tonumber(ARGV[2]) then return 'moved' end
redis.call('XADD', KEYS[3], '${LAST_ID}', 'ending', ARGV[3])
expire_ended(KEYS[3], KEYS[1], KEYS[2], ARGV[1], ARGV[4])
return 'ended'`;

/** KEYS cancels. ARGV epoch, ms, channel, message. */
const cancel = `${MAKE_ROOM}
make_room(KEYS[1], 'set')
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[4])`;

/** KEYS counter. What the shared limit of starts does. */
const count = `
redis.call('SET', KEYS[1], 0, 'EX', 1, 'NX')
redis.call('INCRBY', KEYS[1], 1)
return redis.call('PTTL', KEYS[1])`;

/** KEYS switches, which is the channel too. ARGV for each: its name, its value or nothing. */
const change = `${MAKE_ROOM}
make_room(KEYS[1], 'hash')
for at = 1, #ARGV, 2 do
  if ARGV[at + 1] == '' then redis.call('HDEL', KEYS[1], ARGV[at])
  else redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
end
redis.call('PUBLISH', KEYS[1], '')`;

export const SCRIPTS = {
  dashBeat: { lua: beat, numberOfKeys: 2 },
  dashAlive: { lua: alive },
  dashClaim: { lua: claim, numberOfKeys: 2 },
  dashFind: { lua: find, numberOfKeys: 1 },
  dashRead: { lua: read, numberOfKeys: 1 },
  dashRelease: { lua: release, numberOfKeys: 2 },
  dashRestore: { lua: restore, numberOfKeys: 3 },
  dashAdd: { lua: add },
  dashEnd: { lua: end, numberOfKeys: 3 },
  dashCancel: { lua: cancel, numberOfKeys: 1 },
  dashCount: { lua: count, numberOfKeys: 1 },
  dashSwitch: { lua: change, numberOfKeys: 1 },
} as const;
