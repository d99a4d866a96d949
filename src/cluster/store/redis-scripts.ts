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

/** Starts are counted in windows of a minute. */
const WINDOW_S = 60;

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
end
-- Not where its machine died before it began.
local function is_held(held, leases, logs)
  if not held or held == 'malformed' then return false end
  return redis.call('PTTL', leases .. held[5]) > 0 or redis.call('EXISTS', logs .. held[1]) == 1
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
  if redis.pcall('HGET', run, 'epoch') == epoch then redis.call('PEXPIRE', run, ms) end
  redis.pcall('HDEL', live, epoch)
end`;

/** Longest entry of a list of streams, bytes. */
export const MAX_LISTED_BYTES = 4096;

/** Entries of a list of streams among which those without a log are not looked for. */
const LISTED_UNSWEPT = 64;

/** An entry of a list of streams is the machine that tells it and the stream as JSON, set apart as the fields of messages are. */
const LIST_STREAM = `
local function list_stream(list, epoch, entry, ms)
  redis.call('HSET', list, epoch, entry)
  redis.call('PEXPIRE', list, ms)
  redis.call('PUBLISH', list, entry)
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

/**
 * Counts a start within the window. Nil where the counter cannot be believed: it is no number, or ends later than a
 * window, and would keep its user out until then.
 */
const COUNT_START = `
local function count_start(counter)
  redis.call('SET', counter, 0, 'EX', ${WINDOW_S}, 'NX')
  local starts = redis.pcall('INCRBY', counter, 1)
  if type(starts) ~= 'number' then
    if string.find(starts.err, 'WRONGTYPE') or string.find(starts.err, 'integer') then return nil end
    error(starts.err)
  end
  local ms = redis.call('PTTL', counter)
  if ms < 0 then redis.call('EXPIRE', counter, ${WINDOW_S}) end
  if ms <= ${WINDOW_S} * 1000 then return starts, math.max(ms, 1) end
end`;

/**
 * KEYS run, live, starts. ARGV the run's fields, ms, most live runs, prefix of leases, prefix of logs, most starts. Gives
 * a number of ms where there were too many starts.
 */
const claim = `${ALIVE}${MAKE_ROOM}${HELD_RUN}${COUNT_START}
local held = held_run(KEYS[1])
if held == 'malformed' then redis.call('DEL', KEYS[1])
elseif is_held(held, ARGV[8], ARGV[9]) then return held end
make_room(KEYS[2], 'hash')
if redis.call('HLEN', KEYS[2]) > ${MAX_LIVE_OF_A_USER} then redis.call('DEL', KEYS[2]) end
local count = 0
local live = redis.call('HGETALL', KEYS[2])
for at = 1, #live, 2 do
  if alive(ARGV[8] .. live[at + 1]) then count = count + 1 else redis.call('HDEL', KEYS[2], live[at]) end
end
if count >= tonumber(ARGV[7]) then return 'too_many' end
local starts, ms = count_start(KEYS[3])
if starts and starts > tonumber(ARGV[10]) then return ms end
redis.call('HSET', KEYS[1], ${RUN_FIELDS})
redis.call('PEXPIRE', KEYS[1], ARGV[6])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
return starts and 'claimed' or 'uncounted'`;

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

/**
 * KEYS run, live, log. ARGV the run's fields, ms, base, prefix of leases, prefix of logs, whether its ending is on its way: then
 * the record names the epoch a second time.
 */
const restore = `${MAKE_ROOM}${LAST_SEQ}${HELD_RUN}
make_room(KEYS[1], 'hash')
make_room(KEYS[2], 'hash')
make_room(KEYS[3], 'stream')
local seq = last_seq(KEYS[3])
if seq == 'closed' then
  local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
  return last[2][2] == '' and 'forgotten' or seq
end
local held = held_run(KEYS[1])
if is_held(held, ARGV[8], ARGV[9]) and held[1] ~= ARGV[1] then return 'taken' end
redis.call('HSET', KEYS[1], ${RUN_FIELDS})
redis.call('PEXPIRE', KEYS[1], ARGV[6])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
if ARGV[10] == '1' then redis.call('HSET', KEYS[1], 'ending', ARGV[1]) end
if seq and seq >= tonumber(ARGV[7]) then return seq end
redis.call('DEL', KEYS[3])
redis.call('XADD', KEYS[3], ARGV[7] .. '-1', 'begin', '')
redis.call('PEXPIRE', KEYS[3], ARGV[6])
return tonumber(ARGV[7])`;

/**
 * ARGV prefix of logs, ms of a live run, ms after an ending, most entries, a line for each addition (epoch, seq, bytes of
 * its payload, marks), all payloads, and then by the marks of each: `b`, it begins: run key; `e`, it ends: run key, live
 * key, ending; `f`: mailboxes of followers; `l`: key of the list of streams, and what it says. Gives the numbers of those that
 * were not added.
 */
const add = `${LAST_SEQ}${MAKE_ROOM}${LIST_STREAM}
local logs, live_ms, ended_ms, most, list, payloads = unpack(ARGV, 1, 6)
local rest = 6
local function argument()
  rest = rest + 1
  return ARGV[rest]
end
local function begin(log, run, epoch)
  if redis.pcall('HGET', run, 'epoch') ~= epoch then return false end
  if type(redis.pcall('XADD', log, '0-1', 'begin', '')) ~= 'string' then return false end
  redis.call('PEXPIRE', log, live_ms)
  return true
end
local function append(log, id, field, value)
  return type(redis.pcall('XADD', log, 'NOMKSTREAM', 'MAXLEN', '~', most, id, field, value)) == 'string'
end
local function sweep(list)
  if redis.call('HLEN', list) < ${LISTED_UNSWEPT} then return end
  for _, epoch in ipairs(redis.call('HKEYS', list)) do
    if redis.call('EXISTS', logs .. epoch) == 0 then redis.call('HDEL', list, epoch) end
  end
end
local refused, item, at = {}, 0, 1
for epoch, seq, bytes, marks in string.gmatch(list, '(%S+) (%d+) (%d+) (%a*)\\n') do
  local log, payload, ending = logs .. epoch, string.sub(payloads, at, at + bytes - 1), ''
  item, at = item + 1, at + bytes
  local added = true
  if string.find(marks, 'b') then added = begin(log, argument(), epoch) end
  if added and payload ~= '' then added = append(log, seq .. '-0', 'deltas', payload) end
  if string.find(marks, 'e') then
    local run, live = argument(), argument()
    ending = argument()
    added = added and append(log, '${LAST_ID}', 'ending', ending)
    if added then expire_ended(log, run, live, epoch, ended_ms) end
  end
  if string.find(marks, 'f') then
    local mailboxes, message = argument(), table.concat({ 'added', epoch, seq, payload, ending }, '\\29')
    if added then for mailbox in string.gmatch(mailboxes, '[^\\29]+') do redis.call('PUBLISH', mailbox, message) end end
  end
  if string.find(marks, 'l') then
    local list, entry = argument(), argument()
    -- Not what was forgotten meanwhile.
    if added and (string.find(marks, 'e') or last_seq(log) ~= 'closed') then
      make_room(list, 'hash')
      sweep(list)
      list_stream(list, epoch, entry, live_ms)
    end
  end
  if not added then refused[#refused + 1] = item end
end
return refused`;

/**
 * KEYS run, live, log, lease of the owner, list of streams. ARGV epoch, head, ending, ms after an ending, ms of a live run, fields
 * of the stream in that list that are others now, as JSON.
 */
const end = `${ALIVE}${LAST_SEQ}${LIST_STREAM}
local function ended_stream(entry)
  local owner, listed = string.match(entry, '^([^\\29]*)\\29(.*)$')
  local stream = cjson.decode(listed)
  for field, value in pairs(cjson.decode(ARGV[6])) do stream[field] = value end
  return owner .. '\\29' .. cjson.encode(stream)
end
if alive(KEYS[4]) then return 'owned' end
if redis.call('TYPE', KEYS[3]).ok ~= 'stream' then return 'absent' end
local seq = last_seq(KEYS[3])
if not seq then return 'absent' end
if seq == 'closed' or seq > tonumber(ARGV[2]) then return 'moved' end
if redis.pcall('HGET', KEYS[1], 'ending') == ARGV[1] then return 'ending' end
if seq < tonumber(ARGV[2]) then return seq end
redis.call('XADD', KEYS[3], '${LAST_ID}', 'ending', ARGV[3])
expire_ended(KEYS[3], KEYS[1], KEYS[2], ARGV[1], ARGV[4])
redis.call('PEXPIRE', KEYS[3], ARGV[5])
local entry = redis.pcall('HGET', KEYS[5], ARGV[1])
if type(entry) == 'string' then
  local is_readable, ended = pcall(ended_stream, entry)
  if is_readable then list_stream(KEYS[5], ARGV[1], ended, ARGV[5]) end
end
return 'ended'`;

/**
 * KEYS run, live, list of streams. ARGV prefix of logs, ms of a live run. An ending without words stays in the place of the log: it refuses all
 * that may still come, and says why.
 */
const forget = `${HELD_RUN}
local held = held_run(KEYS[1])
redis.call('DEL', KEYS[1])
if held and held ~= 'malformed' then
  local log = ARGV[1] .. held[1]
  redis.call('DEL', log)
  redis.call('XADD', log, '${LAST_ID}', 'ending', '')
  redis.call('PEXPIRE', log, ARGV[2])
  redis.pcall('HDEL', KEYS[2], held[1])
  redis.pcall('HDEL', KEYS[3], held[1])
end`;

const CANCEL = `${MAKE_ROOM}
local function cancel(cancels, epoch, ms, mailbox)
  make_room(cancels, 'set')
  redis.call('SADD', cancels, epoch)
  redis.call('PEXPIRE', cancels, ms)
  redis.call('PUBLISH', mailbox, 'cancel\\29' .. epoch)
end`;

/** KEYS cancels. ARGV epoch, ms, mailbox. */
const cancel = `${CANCEL}
cancel(KEYS[1], ARGV[1], ARGV[2], ARGV[3])`;

/**
 * KEYS run. ARGV prefix of cancels, ms, prefix of mailboxes, machine that asks: it follows, so that it is told the ending.
 * Gives what `find` does.
 */
const cancelHeld = `${HELD_RUN}${CANCEL}
local held = held_run(KEYS[1])
if held and held ~= 'malformed' then
  local epoch, owner = held[1], held[5]
  redis.call('PUBLISH', ARGV[3] .. owner, table.concat({ 'follow', epoch, ARGV[4] }, '\\29'))
  cancel(ARGV[1] .. owner, epoch, ARGV[2], ARGV[3] .. owner)
end
return held`;

/** KEYS list of streams. ARGV prefix of logs. Gives the entries of those whose log is held. */
const listed = `
local entries = redis.pcall('HGETALL', KEYS[1])
if entries.err then return string.find(entries.err, 'WRONGTYPE') and {} or entries end
local held = {}
for at = 1, #entries, 2 do
  if redis.call('EXISTS', ARGV[1] .. entries[at]) == 0 then redis.call('HDEL', KEYS[1], entries[at])
  elseif #entries[at + 1] <= ${MAX_LISTED_BYTES} then held[#held + 1] = entries[at + 1] end
end
return held`;

/** KEYS list of streams. ARGV what is told, and the epoch of one stream; without it all go. */
const unlist = `
if ARGV[2] then redis.pcall('HDEL', KEYS[1], ARGV[2]) else redis.call('DEL', KEYS[1]) end
redis.call('PUBLISH', KEYS[1], ARGV[1])`;

/** KEYS a table of the fleet, which is the channel too. ARGV for each: its name, its value or nothing. */
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
  dashClaim: { lua: claim, numberOfKeys: 3 },
  dashFind: { lua: find, numberOfKeys: 1 },
  dashRead: { lua: read, numberOfKeys: 1 },
  dashRelease: { lua: release, numberOfKeys: 2 },
  dashRestore: { lua: restore, numberOfKeys: 3 },
  dashAdd: { lua: add, numberOfKeys: 0 },
  dashForget: { lua: forget, numberOfKeys: 3 },
  dashEnd: { lua: end, numberOfKeys: 5 },
  dashListed: { lua: listed, numberOfKeys: 1 },
  dashUnlist: { lua: unlist, numberOfKeys: 1 },
  dashCancel: { lua: cancel, numberOfKeys: 1 },
  dashCancelHeld: { lua: cancelHeld, numberOfKeys: 1 },
  dashChange: { lua: change, numberOfKeys: 1 },
} as const;
