import { createScript } from '../store/redis-script.ts'

/**
 * A batch is a hash, `batches:row:ID`, and the bits of its lines that have ended, `batches:ended:ID`. Sorted sets find them:
 * all of an owner (`batches:of:OWNER`, by id: ids sort by time), those of an owner that have not ended (`batches:open:OWNER`),
 * all that have not ended by the time at which they expire (`batches:late`), and all others by the time at which they ended
 * (`batches:old`).
 */
const KEYS = `
local prefix = ARGV[1] .. 'batches:'
local function rowOf(id) return prefix .. 'row:' .. id end
local function endedOf(id) return prefix .. 'ended:' .. id end
local function isOver(status)
  return status == '"completed"' or status == '"failed"' or status == '"expired"' or status == '"cancelled"'
end
local function place(id, owner, status, expires)
  redis.call('ZADD', prefix .. 'of:' .. owner, 0, id)
  if isOver(status) then
    redis.call('ZREM', prefix .. 'open:' .. owner, id)
    redis.call('ZREM', prefix .. 'late', id)
    redis.call('ZADD', prefix .. 'old', 'NX', redis.call('TIME')[1], id)
  else
    redis.call('ZADD', prefix .. 'open:' .. owner, 0, id)
    redis.call('ZADD', prefix .. 'late', expires, id)
  end
end
`

/**
 * Adds a row that is not there yet: prefix, id, owner, when it expires and the time by the caller's clock, status, the bits of ended
 * lines, then names and values.
 */
export const ADD = createScript<number>(`${KEYS}
local id, owner, status, ended = ARGV[2], ARGV[3], ARGV[6], ARGV[7]
if redis.call('EXISTS', rowOf(id)) == 1 then return 0 end
local expires = ARGV[4] + redis.call('TIME')[1] - ARGV[5]
redis.call('HSET', rowOf(id), 'owner', cjson.encode(owner), 'expires', expires, unpack(ARGV, 8))
if #ended > 0 then redis.call('SET', endedOf(id), ended) end
place(id, owner, status, expires)
return 1`)

/**
 * Changes a row whose status is one of some, and whose version this gateway knows: prefix, id, version, number of statuses,
 * those, then names and values. Returns the row as it is then, or nothing.
 */
export const CHANGE = createScript<string[]>(`${KEYS}
local id, known, count = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local status, version, owner, expires = unpack(redis.call('HMGET', rowOf(id), 'status', 'version', 'owner', 'expires'))
if not status or tonumber(version) > known then return {} end
local found = false
for index = 5, 4 + count do if ARGV[index] == status then found = true end end
if not found then return {} end
if #ARGV > 4 + count then redis.call('HSET', rowOf(id), unpack(ARGV, 5 + count)) end
place(id, cjson.decode(owner), redis.call('HGET', rowOf(id), 'status'), expires)
return redis.call('HGETALL', rowOf(id))`)

/**
 * Notes that lines have ended: prefix, id, then for each its number, the name of its count, and its three sorts of tokens. A bit
 * that was set counts no more. Redis counts the bits of a byte from the highest, the gateway from the lowest.
 */
export const END_LINES = createScript<number>(`${KEYS}
local id = ARGV[2]
if redis.call('EXISTS', rowOf(id)) == 0 then return 0 end
local counted = 0
for index = 3, #ARGV, 5 do
  local line = tonumber(ARGV[index])
  local bit = line - line % 8 + 7 - line % 8
  if redis.call('SETBIT', endedOf(id), bit, 1) == 0 then
    counted = counted + 1
    redis.call('HINCRBY', rowOf(id), ARGV[index + 1], 1)
    redis.call('HINCRBY', rowOf(id), 'inputTokens', ARGV[index + 2])
    redis.call('HINCRBY', rowOf(id), 'cachedTokens', ARGV[index + 3])
    redis.call('HINCRBY', rowOf(id), 'outputTokens', ARGV[index + 4])
  end
end
return counted`)

/**
 * Counts all lines of a batch anew that has not ended: prefix, id, bits of all lines, then names and values. A line that ends later
 * counts no more.
 */
export const SETTLE = createScript<number>(`${KEYS}
local id = ARGV[2]
local status = redis.call('HGET', rowOf(id), 'status')
if not status or isOver(status) then return 0 end
redis.call('SET', endedOf(id), ARGV[3])
redis.call('HSET', rowOf(id), unpack(ARGV, 4))
return 1`)

/** Returns the rows of some ids, or nothing for one that is not there: prefix, ids. */
export const ROWS = createScript<string[][]>(`${KEYS}
local rows = {}
for index = 2, #ARGV do rows[index - 1] = redis.call('HGETALL', rowOf(ARGV[index])) end
return rows`)

/** Returns ids of batches that are late or old: prefix, now and then as the caller's clock says, its time, how many. */
export const DUE = createScript<[string[], string[]]>(`${KEYS}
local ahead = redis.call('TIME')[1] - ARGV[4]
return {
  redis.call('ZRANGEBYSCORE', prefix .. 'late', '-inf', ARGV[2] + ahead, 'LIMIT', 0, ARGV[5]),
  redis.call('ZRANGEBYSCORE', prefix .. 'old', '-inf', '(' .. (ARGV[3] + ahead), 'LIMIT', 0, ARGV[5]),
}`)

/** Forgets batches that have ended: prefix, ids. */
export const FORGET = createScript<number>(`${KEYS}
for index = 2, #ARGV do
  local id = ARGV[index]
  local status, owner = unpack(redis.call('HMGET', rowOf(id), 'status', 'owner'))
  if status and isOver(status) then
    redis.call('DEL', rowOf(id), endedOf(id))
    redis.call('ZREM', prefix .. 'of:' .. cjson.decode(owner), id)
    redis.call('ZREM', prefix .. 'old', id)
  end
end
return 1`)
