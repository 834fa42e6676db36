import { randomUUID } from 'node:crypto'
import { createScript } from '../store/redis-script.ts'
import type { SharedRedis } from '../store/redis.ts'
import { COUNTED, dayOf, monthOf, NOTHING, OTHERS, type Counts, type UsageRow } from './counts.ts'
import { KEPT_DAYS, LEASE, MOST_ROWS, type UsageStore } from './store.ts'

const DAY_MS = 86_400_000

/**
 * Keys: a hash for each day, in which each caller and model has its counts, as one text of numbers; one for each month, with
 * the pages that were charged to each caller; one of holds for each caller and month, each "pages until"; the last batch of each
 * process, "number time"; and which days, months and callers of a month there are. None has a time to live: a Redis that is full of
 * pages would evict it.
 */
const KEYS = `
local prefix = ARGV[1]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function text(number) return string.format('%.0f', number) end
local function keepHold(key, id, pages)
  if pages <= 0 then redis.call('HDEL', key, id) return end
  redis.call('HSET', key, id, text(pages) .. ' ' .. text(now + ${LEASE}))
end
local function noteMonth(month) redis.call('SADD', prefix .. 'months', month) end`

/**
 * Adds a batch: prefix, process, number, most rows of a day; how many rows, each its day, month, field, field of the others,
 * caller, pages charged and counts; then holds, each its month, caller, id and pages.
 */
const ADD = createScript<number>(`${KEYS}
local last = redis.call('HGET', prefix .. 'seen', ARGV[2]) or '0'
if tonumber(string.match(last, '%d+')) >= tonumber(ARGV[3]) then return 0 end
local rows, at = tonumber(ARGV[5]), 6
for _ = 1, rows do
  local day, month, field, others, caller = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local charged, counts = tonumber(ARGV[at + 5]), ARGV[at + 6]
  at = at + 7
  local key = prefix .. 'day:' .. day
  local known = redis.call('HGET', key, field)
  if not known and redis.call('HLEN', key) >= tonumber(ARGV[4]) then
    field = others
    known = redis.call('HGET', key, field)
  end
  if known then
    local before, sum = string.gmatch(known, '%d+'), {}
    for count in string.gmatch(counts, '%d+') do table.insert(sum, text(tonumber(before() or '0') + tonumber(count))) end
    -- A gateway of a newer version counts more.
    for more in before do table.insert(sum, more) end
    counts = table.concat(sum, ' ')
  end
  redis.call('HSET', key, field, counts)
  redis.call('SADD', prefix .. 'days', day)
  if charged > 0 then
    noteMonth(month)
    redis.call('HINCRBY', prefix .. 'charged:' .. month, caller, charged)
  end
end
while at < #ARGV do
  keepHold(prefix .. 'held:' .. ARGV[at] .. ':' .. ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3]))
  at = at + 4
end
redis.call('HSET', prefix .. 'seen', ARGV[2], ARGV[3] .. ' ' .. text(now))
return 1`)

/** Holds pages: prefix, month, caller, id, pages, limit. Returns whether they are held, what was charged, and what others hold. */
const HOLD = createScript<[isHeld: number, charged: number, held: number]>(`${KEYS}
local month, caller, id, pages, limit = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local key = prefix .. 'held:' .. month .. ':' .. caller
local charged = tonumber(redis.call('HGET', prefix .. 'charged:' .. month, caller) or '0')
local holds, held = redis.call('HGETALL', key), 0
for index = 1, #holds, 2 do
  local theirs, till = string.match(holds[index + 1], '(%d+) (%d+)')
  if tonumber(till) <= now then redis.call('HDEL', key, holds[index])
  elseif holds[index] ~= id then held = held + tonumber(theirs) end
end
if charged + held + pages > limit then return {0, charged, held} end
noteMonth(month)
redis.call('SADD', prefix .. 'holders:' .. month, caller)
keepHold(key, id, pages)
return {1, charged, held}`)

/** Forgets what is old: prefix, the first day that is kept, the first month whose budgets are. Processes are forgotten after a day. */
const SWEEP = createScript<number>(`${KEYS}
for _, day in ipairs(redis.call('SMEMBERS', prefix .. 'days')) do
  if day < ARGV[2] then
    redis.call('DEL', prefix .. 'day:' .. day)
    redis.call('SREM', prefix .. 'days', day)
  end
end
for _, month in ipairs(redis.call('SMEMBERS', prefix .. 'months')) do
  if month < ARGV[3] then
    local holders = prefix .. 'holders:' .. month
    for _, caller in ipairs(redis.call('SMEMBERS', holders)) do
      redis.call('DEL', prefix .. 'held:' .. month .. ':' .. caller)
    end
    redis.call('DEL', holders, prefix .. 'charged:' .. month)
    redis.call('SREM', prefix .. 'months', month)
  end
end
local seen = redis.call('HGETALL', prefix .. 'seen')
for index = 1, #seen, 2 do
  if now - tonumber(string.match(seen[index + 1], ' (%d+)')) > ${DAY_MS} then redis.call('HDEL', prefix .. 'seen', seen[index]) end
end
return 1`)

/** Keeps usage in Redis, for all replicas together. `now` returns milliseconds of Unix time: it says what is old. */
export function createRedisUsage(shared: SharedRedis, now = Date.now, mostRows = MOST_ROWS): UsageStore {
  const prefix = `${shared.prefix}usage:`
  const process = randomUUID()
  let sweptOn = ''

  async function sweep(): Promise<void> {
    const today = dayOf(now())
    if (sweptOn === today) return
    const first = dayOf(now() - KEPT_DAYS * DAY_MS)
    // The clocks of replicas may differ: the month before is still another's.
    const month = monthOf(dayOf(now() - 32 * DAY_MS))
    await shared.run((redis) => SWEEP(redis, [prefix, first, month]))
    sweptOn = today
  }

  return {
    async add({ number, rows, holds }) {
      const values = [
        ...rows.flatMap(rowValues),
        ...holds.flatMap(({ month, key, id, pages }) => [month, key, id, Math.max(0, pages)]),
      ]
      await shared.run((redis) => ADD(redis, [prefix, process, number, mostRows, rows.length, ...values]))
      await sweep()
    },
    async hold({ month, key, id, pages }, limit) {
      const [isHeld, charged, held] = await shared.run((redis) => HOLD(redis, [prefix, month, key, id, pages, limit]))
      return { isHeld: isHeld === 1, charged, held }
    },
    async *days(from, to) {
      for (const day of daysBetween(from, to)) {
        const fields = await shared.run((redis) => redis.hgetall(`${prefix}day:${day}`))
        yield Object.entries(fields).map(([field, counts]) => rowOf(day, field, counts))
      }
    },
  }
}

function rowValues({ day, key, model, counts }: UsageRow): (string | number)[] {
  const numbers = COUNTED.map((name) => counts[name]).join(' ')
  return [day, monthOf(day), fieldOf(key, model), fieldOf(OTHERS, model), key, counts.pagesCharged, numbers]
}

/** No name of a caller has a space. */
const fieldOf = (key: string, model: string): string => `${key} ${model}`

function rowOf(day: string, field: string, text: string): UsageRow {
  const end = field.indexOf(' ')
  const numbers = text.split(' ').map(Number)
  const counts = { ...NOTHING, ...Object.fromEntries(COUNTED.map((name, at) => [name, numbers[at] ?? 0])) } as Counts
  return { day, key: field.slice(0, end), model: field.slice(end + 1), counts }
}

function* daysBetween(from: string, to: string): Generator<string> {
  for (let time = Date.parse(from); time <= Date.parse(to); time += DAY_MS) yield dayOf(time)
}
