/**
 * The store's operations as scripts: each is atomic, and each is one command for the relay, however many streams it
 * is about. Keys of other machines and runs are made inside, so this wants one Redis, not a cluster of shards.
 */

/** The highest id of a Redis stream: after an entry with it, Redis itself refuses every other. */
const LAST_ID = '18446744073709551615-18446744073709551615';

const RUN_FIELDS =
  "'epoch', ARGV[1], 'requestHash', ARGV[2], 'action', ARGV[3], 'model', ARGV[4], 'owner', ARGV[5]";

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
  redis.call('HDEL', live, epoch)
end`;

/** KEYS lease, cancels. ARGV lease ms. */
const beat = `
redis.call('SET', KEYS[1], 1, 'PX', ARGV[1])
return redis.call('SPOP', KEYS[2], 1000)`;

/** KEYS run, live. ARGV the run's fields, ms, most live runs, prefix of leases, prefix of logs. */
const claim = `
local function alive(machine) return redis.call('EXISTS', ARGV[8] .. machine) == 1 end
local held = redis.call('HMGET', KEYS[1], 'epoch', 'requestHash', 'action', 'model', 'owner')
if held[1] and (alive(held[5]) or redis.call('EXISTS', ARGV[9] .. held[1]) == 1) then return held end
local count = 0
local live = redis.call('HGETALL', KEYS[2])
for at = 1, #live, 2 do
  if alive(live[at + 1]) then count = count + 1 else redis.call('HDEL', KEYS[2], live[at]) end
end
if count >= tonumber(ARGV[7]) then return 'too_many' end
redis.call('HSET', KEYS[1], ${RUN_FIELDS})
redis.call('PEXPIRE', KEYS[1], ARGV[6])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
return 'claimed'`;

/** KEYS run, live. ARGV epoch. */
const release = `
if redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] then redis.call('DEL', KEYS[1]) end
redis.call('HDEL', KEYS[2], ARGV[1])`;

/** KEYS run, live, log. ARGV the run's fields, ms, base. */
const restore = `${LAST_SEQ}
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
local seq = last_seq(KEYS[3])
if not seq then return 'absent' end
if seq ~= tonumber(ARGV[2]) then return 'moved' end
redis.call('XADD', KEYS[3], '${LAST_ID}', 'ending', ARGV[3])
expire_ended(KEYS[3], KEYS[1], KEYS[2], ARGV[1], ARGV[4])
return 'ended'`;

/** KEYS cancels. ARGV epoch, ms, channel, message. */
const cancel = `
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[4])`;

export const SCRIPTS = {
  dashBeat: { lua: beat, numberOfKeys: 2 },
  dashClaim: { lua: claim, numberOfKeys: 2 },
  dashRelease: { lua: release, numberOfKeys: 2 },
  dashRestore: { lua: restore, numberOfKeys: 3 },
  dashAdd: { lua: add },
  dashEnd: { lua: end, numberOfKeys: 3 },
  dashCancel: { lua: cancel, numberOfKeys: 1 },
} as const;
