import { createScript } from '../store/redis-script.ts'

/**
 * Which tasks are handed to BullMQ, and when. Of each key a window of tasks is there at a time, so that a queue in the order of
 * arrival lets the keys take turns, and a batch of 50,000 lines is a number that goes up. Under the queue's prefix:
 *
 * - `owners`: the keys that have anything here
 * - `batches:OWNER`: a list of its batches that have lines left, the next in turn first; `lines:ID`: a hash, how far each is;
 *   `skip:ID`: the bits of lines that need not be done
 * - `steps:OWNER`: tasks that are no lines, waiting
 * - `out:OWNER`, `out-steps:OWNER`: what was handed to BullMQ and is not done, by when it was
 * - `later:OWNER`: what was put back, by when it may be tried again
 * - `replicas`: how many lines each replica takes at a time now, by when it was last heard of
 *
 * A task is `ID:LINE`, `ID:validate` or `ID:finalize`; its job in BullMQ has a `-` in place of the colon. All times are Redis' own,
 * in milliseconds: clocks of replicas differ.
 */
const STATE = `
local prefix = ARGV[1]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function key(name, of) return prefix .. name .. ':' .. of end
local function idOf(task) return string.match(task, '^(.*):') end
local function isLine(task) return string.match(task, ':%d+$') ~= nil end
local function outOf(owner, task) return key(isLine(task) and 'out' or 'out-steps', owner) end
`

/** A finalize that is quick must not wait behind a validation that takes a minute; more would be at others' cost. */
const STEPS_AT_A_TIME = 2
/** A replica that was not heard of for so long, in milliseconds, takes no lines. */
const REPLICA_EXPIRY = 10_000

/** Hands out what a key's window has room for: what is due again, then steps, then lines of its batches in turn. */
const HAND_OUT = `
local function windowSize()
  redis.call('ZREMRANGEBYSCORE', prefix .. 'replicas', '-inf', now - ${REPLICA_EXPIRY})
  local sum = 0
  for _, replica in ipairs(redis.call('ZRANGE', prefix .. 'replicas', 0, -1)) do
    sum = sum + tonumber(string.match(replica, ':(%d+)$'))
  end
  return math.max(2, 2 * sum)
end

local function isSkipped(id, line)
  return redis.call('GETBIT', key('skip', id), line - line % 8 + 7 - line % 8) == 1
end

local function nextLine(id, most)
  local line, lines, later = unpack(redis.call('HMGET', key('lines', id), 'next', 'lines', 'later'))
  if not line then return nil, true end
  -- Lines that cannot be read now are not all tried: their model may be away for hours.
  if tonumber(later) >= most then return nil, false end
  line, lines = tonumber(line), tonumber(lines)
  while line < lines and isSkipped(id, line) do line = line + 1 end
  redis.call('HSET', key('lines', id), 'next', math.min(line + 1, lines))
  if line >= lines then return nil, true end
  return line, line + 1 >= lines
end

local function handOut(owner)
  local most = windowSize()
  local handed = {}
  local function hand(task)
    redis.call('ZADD', outOf(owner, task), now, task)
    handed[#handed + 1] = task
  end
  local room = most - redis.call('ZCARD', key('out', owner))
  local steps = ${STEPS_AT_A_TIME} - redis.call('ZCARD', key('out-steps', owner))
  for _, task in ipairs(redis.call('ZRANGE', key('later', owner), '-inf', now, 'BYSCORE', 'LIMIT', 0, math.max(0, room))) do
    redis.call('ZREM', key('later', owner), task)
    if isLine(task) then
      room = room - 1
      redis.call('HINCRBY', key('lines', idOf(task)), 'later', -1)
    end
    hand(task)
  end
  while steps > 0 do
    local task = redis.call('ZPOPMIN', key('steps', owner))[1]
    if not task then break end
    hand(task)
    steps = steps - 1
  end
  local stuck = 0
  while room > 0 and stuck < redis.call('LLEN', key('batches', owner)) do
    local id = redis.call('LMOVE', key('batches', owner), key('batches', owner), 'LEFT', 'RIGHT')
    local line, isLast = nextLine(id, most)
    if isLast then redis.call('LREM', key('batches', owner), 1, id) end
    if line then
      hand(id .. ':' .. line)
      room = room - 1
      stuck = 0
    elseif not isLast then
      stuck = stuck + 1
    end
  end
  return handed
end
`

/** Forgets the lines of a batch, wherever they are. */
const DROP_LINES = `
local function dropLines(owner, id)
  redis.call('LREM', key('batches', owner), 0, id)
  redis.call('DEL', key('lines', id), key('skip', id))
  for _, name in ipairs({ 'out', 'later' }) do
    for _, task in ipairs(redis.call('ZRANGE', key(name, owner), 0, -1)) do
      if idOf(task) == id and isLine(task) then redis.call('ZREM', key(name, owner), task) end
    end
  end
end
`

/** Has a step done: prefix, owner, id, kind. Lines of the batch are over. Returns the tasks that are to be handed to BullMQ. */
export const PUSH_STEP = createScript<string[]>(`${STATE}${HAND_OUT}${DROP_LINES}
local owner, id = ARGV[2], ARGV[3]
local task = id .. ':' .. ARGV[4]
dropLines(owner, id)
redis.call('SADD', prefix .. 'owners', owner)
local isOut = redis.call('ZSCORE', key('out-steps', owner), task) or redis.call('ZSCORE', key('later', owner), task)
if not isOut then redis.call('ZADD', key('steps', owner), 'NX', now, task) end
return handOut(owner)`)

/** Has the lines of a batch done, unless it has begun: prefix, owner, id, number of lines, bits of those to be left out. */
export const PUSH_LINES = createScript<string[]>(`${STATE}${HAND_OUT}
local owner, id = ARGV[2], ARGV[3]
redis.call('SADD', prefix .. 'owners', owner)
if redis.call('EXISTS', key('lines', id)) == 0 then
  redis.call('HSET', key('lines', id), 'owner', owner, 'next', 0, 'lines', ARGV[4], 'later', 0)
  if #ARGV[5] > 0 then redis.call('SET', key('skip', id), ARGV[5]) end
  redis.call('RPUSH', key('batches', owner), id)
end
return handOut(owner)`)

/** Takes back all lines of a batch: prefix, id. */
export const STOP = createScript<number>(`${STATE}${DROP_LINES}
local id = ARGV[2]
local owner = redis.call('HGET', key('lines', id), 'owner')
if owner then dropLines(owner, id) end
return 1`)

/** Tells which tasks are still to be done: prefix, then owner and task for each. */
export const ARE_OUT = createScript<number[]>(`${STATE}
local states = {}
for index = 2, #ARGV, 2 do
  local out = redis.call('ZSCORE', outOf(ARGV[index], ARGV[index + 1]), ARGV[index + 1])
  states[#states + 1] = out and 1 or 0
end
return states`)

/** Ends a task: prefix, owner, task. Returns what is to be handed to BullMQ in its place. */
export const FINISH = createScript<string[]>(`${STATE}${HAND_OUT}
local owner, task = ARGV[2], ARGV[3]
redis.call('ZREM', outOf(owner, task), task)
return handOut(owner)`)

/** Puts a task back for so many milliseconds: prefix, owner, task, those. Returns what is to be handed to BullMQ in its place. */
export const PUT_OFF = createScript<string[]>(`${STATE}${HAND_OUT}
local owner, task = ARGV[2], ARGV[3]
if redis.call('ZREM', outOf(owner, task), task) == 1 then
  redis.call('ZADD', key('later', owner), now + ARGV[4], task)
  if isLine(task) then redis.call('HINCRBY', key('lines', idOf(task)), 'later', 1) end
end
return handOut(owner)`)

/**
 * Looks after a key: prefix, owner, prefix of BullMQ's jobs, how long ago in milliseconds a task without a job was handed out.
 * Returns the tasks that are to be handed to BullMQ: those that a process that ended did not, and what has become due.
 */
export const LOOK_AFTER = createScript<string[]>(`${STATE}${HAND_OUT}
local owner = ARGV[2]
local lost = {}
for _, name in ipairs({ 'out', 'out-steps' }) do
  for _, task in ipairs(redis.call('ZRANGE', key(name, owner), '-inf', now - ARGV[4], 'BYSCORE')) do
    if redis.call('EXISTS', ARGV[3] .. string.gsub(task, ':', '-')) == 0 then lost[#lost + 1] = task end
  end
end
for _, task in ipairs(handOut(owner)) do lost[#lost + 1] = task end
local isIdle = true
for _, name in ipairs({ 'batches', 'steps', 'out', 'out-steps', 'later' }) do
  if redis.call('EXISTS', key(name, owner)) == 1 then isIdle = false end
end
if isIdle then redis.call('SREM', prefix .. 'owners', owner) end
return lost`)

/** Says that a replica lives: prefix, its id, how many lines it takes at a time; 1: unless it has said that already. */
export const BEAT = createScript<number>(`${STATE}
local beginning = ARGV[2] .. ':'
for _, replica in ipairs(redis.call('ZRANGE', prefix .. 'replicas', 0, -1)) do
  if string.sub(replica, 1, #beginning) == beginning then
    if ARGV[4] == '1' then return 0 end
    redis.call('ZREM', prefix .. 'replicas', replica)
  end
end
return redis.call('ZADD', prefix .. 'replicas', now, beginning .. ARGV[3])`)

/** Returns how many lines wait to be handed out: prefix. */
export const WAITING = createScript<number>(`${STATE}
local count = 0
for _, owner in ipairs(redis.call('SMEMBERS', prefix .. 'owners')) do
  count = count + redis.call('ZCARD', key('later', owner))
  for _, id in ipairs(redis.call('LRANGE', key('batches', owner), 0, -1)) do
    local line, lines = unpack(redis.call('HMGET', key('lines', id), 'next', 'lines'))
    if line then count = count + lines - line end
  end
end
return count`)

/** Tells whether anything is to be done for a batch: prefix, owner, id. */
export const IS_KNOWN = createScript<number>(`${STATE}
local owner, id = ARGV[2], ARGV[3]
if redis.call('EXISTS', key('lines', id)) == 1 then return 1 end
for _, kind in ipairs({ ':validate', ':finalize' }) do
  for _, name in ipairs({ 'steps', 'out-steps', 'later' }) do
    if redis.call('ZSCORE', key(name, owner), id .. kind) then return 1 end
  end
end
return 0`)

/**
 * Takes back locks that ran out while nobody else took their jobs, as they do while Redis is away: the prefix of the queue, how
 * long a lock lasts, then job and token for each. Returns 1 for those that are held again.
 */
export const TAKE_LOCKS_BACK = createScript<number[]>(`
local prefix, states = ARGV[1], {}
for index = 3, #ARGV, 2 do
  local job, token = ARGV[index], ARGV[index + 1]
  local holder = redis.call('GET', prefix .. job .. ':lock')
  local isFree = not holder and redis.call('LPOS', prefix .. 'active', job)
  if holder == token or isFree then
    redis.call('SET', prefix .. job .. ':lock', token, 'PX', ARGV[2])
    redis.call('SREM', prefix .. 'stalled', job)
    states[#states + 1] = 1
  else
    states[#states + 1] = 0
  end
end
return states`)
