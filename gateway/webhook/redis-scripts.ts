// The changes of the outbox in Redis: each is made whole or not at all.

/** Adds an event, unless it is there. KEYS: event, due, waiting, listed. ARGV: id, owner, type, object, creation, now. */
export const ADD = `
if redis.call('exists', KEYS[1]) == 1 then return 0 end
redis.call('hset', KEYS[1], 'id', ARGV[1], 'owner', ARGV[2], 'type', ARGV[3], 'objectId', ARGV[4], 'createdAt', ARGV[5],
  'status', 'pending', 'attempts', 0, 'problem', '', 'dueAt', ARGV[6], 'endedAt', '', 'claim', '')
redis.call('zadd', KEYS[2], ARGV[6], ARGV[1])
redis.call('zadd', KEYS[3], ARGV[5], ARGV[1])
redis.call('zadd', KEYS[4], ARGV[5], ARGV[1])
return 1`

/** Takes the event that has been due for longest. KEYS: due, waiting. ARGV: what begins the key of an event, claim, now, lease. */
export const CLAIM = `
local id = redis.call('zrangebyscore', KEYS[1], '-inf', ARGV[3], 'LIMIT', 0, 1)[1]
if not id then return nil end
local event = ARGV[1] .. id
if redis.call('exists', event) == 0 then
  redis.call('zrem', KEYS[1], id)
  redis.call('zrem', KEYS[2], id)
  return nil
end
local untilWhen = ARGV[3] + ARGV[4]
redis.call('zadd', KEYS[1], untilWhen, id)
redis.call('hset', event, 'claim', ARGV[2], 'dueAt', untilWhen)
redis.call('hincrby', event, 'attempts', 1)
return redis.call('hgetall', event)`

/** Notes a try. KEYS: event, due, waiting, old. ARGV: id, claim, status, attempts, problem, due, end, when to forget. */
export const NOTE = `
if redis.call('hget', KEYS[1], 'status') ~= 'pending' then return 0 end
if redis.call('hget', KEYS[1], 'claim') ~= ARGV[2] and ARGV[3] ~= 'delivered' then return 0 end
redis.call('hset', KEYS[1], 'status', ARGV[3], 'attempts', ARGV[4], 'problem', ARGV[5], 'dueAt', ARGV[6], 'endedAt', ARGV[7],
  'claim', '')
if ARGV[3] == 'pending' then
  redis.call('zadd', KEYS[2], ARGV[6], ARGV[1])
else
  redis.call('zrem', KEYS[2], ARGV[1])
  redis.call('zrem', KEYS[3], ARGV[1])
  redis.call('zadd', KEYS[4], ARGV[8], ARGV[1])
end
return 1`

/**
 * Makes an event due; one that is being sent now is left alone: it would be sent twice at once. KEYS: event, due, waiting, old.
 * ARGV: id, owner, now.
 */
export const REDELIVER = `
local is = redis.call('hmget', KEYS[1], 'owner', 'status', 'claim', 'dueAt', 'createdAt')
if is[1] ~= ARGV[2] then return 0 end
if is[2] == 'pending' and is[3] ~= '' and tonumber(is[4]) > tonumber(ARGV[3]) then return 0 end
redis.call('hset', KEYS[1], 'status', 'pending', 'attempts', 0, 'dueAt', ARGV[3], 'endedAt', '', 'claim', '')
redis.call('zadd', KEYS[2], ARGV[3], ARGV[1])
redis.call('zadd', KEYS[3], is[5], ARGV[1])
redis.call('zrem', KEYS[4], ARGV[1])
return 1`

/** Forgets old events. KEYS: old. ARGV: what begins the key of an event, and of a list, now, how many. */
export const FORGET = `
local ids = redis.call('zrangebyscore', KEYS[1], '-inf', ARGV[3], 'LIMIT', 0, ARGV[4])
for _, id in ipairs(ids) do
  local event = ARGV[1] .. id
  local owner = redis.call('hget', event, 'owner')
  if owner then redis.call('zrem', ARGV[2] .. owner, id) end
  redis.call('del', event)
  redis.call('zrem', KEYS[1], id)
end
return #ids`
