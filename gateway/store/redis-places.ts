import { createScript } from './redis-script.ts'
import type { SharedRedis } from './redis.ts'

/** What one gateway says of a server. */
export interface PlacesReport {
  readonly inFlight: number
  readonly unbegun: number
  readonly waiting: number
  readonly limit: number
  readonly isSettled: boolean
  /** Places that it counts as its own now, those included that it will not fill again. */
  readonly held: number
  /** Whether it took itself to be the one that finds out the limit. */
  readonly leads: boolean
}

/** What a gateway is told of a server. */
export interface PlacesGrant {
  readonly limit: number
  readonly isSettled: boolean
  readonly leads: boolean
  /** Places that it may fill. */
  readonly part: number
  /** Places that it may fill once the others have given theirs back. */
  readonly target: number
  /** Gateways that use the server, this one included. */
  readonly gateways: number
  /** Pages of the others there. */
  readonly active: number
  readonly unbegun: number
}

/** The places of servers, divided in Redis among the gateways that use them. */
export interface RedisPlaces {
  report(id: string, servers: Readonly<Record<string, PlacesReport>>): Promise<Readonly<Record<string, PlacesGrant>>>
  /** Forgets a gateway. */
  leave(id: string, urls: readonly string[]): Promise<void>
}

/** A gateway that has said nothing for so long is taken to be dead, in milliseconds. */
const DEAD_AFTER = 3000
/**
 * After Redis was emptied, or has heard nobody for long, others may hold places that it does not know of: for so long, in
 * milliseconds, it supposes that there are some gateways, and nobody takes more anew than is one's then.
 */
const GRACE = 2500
const SUPPOSED = 4
/** Who leads and has room left gives way to one that has so many times its pages and wants more: few pages find out little. */
const LEAD_SHARE = 4
/** In milliseconds. */
const FORGOTTEN_AFTER = 60_000

/**
 * One hash for each server: who leads and what it found, when the hash was made, and what each gateway said last. Places are
 * dealt by demand: who wants least gets all of it, the others the same each, and what nobody wants is dealt to all. Where not
 * each gets one, who has none for longest is first, and who has had some for longest is last; nobody takes
 * the place of who waits longer. A gateway takes more only of what
 * the others do not hold, so the places held are never more than the limit. A Redis that takes over may have another clock:
 * what seems to have been said later than now is as good as old.
 */
const report = createScript<string>(`
local prefix, id, own = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function deal(all, left, wanted)
  while left > 0 do
    local open = {}
    for _, each in ipairs(all) do if wanted(each) > each.target then table.insert(open, each) end end
    if #open == 0 then return left end
    local share = math.max(1, math.floor(left / #open))
    for _, each in ipairs(open) do
      local more = math.min(share, left, wanted(each) - each.target)
      each.target, left = each.target + more, left - more
    end
  end
  return 0
end

local function before(a, b)
  if a.hungry ~= b.hungry then return a.hungry end
  if a.turn ~= b.turn then if a.hungry then return a.turn < b.turn else return a.turn > b.turn end end
  return a.id < b.id
end

-- A Redis that is full refuses to write, and still deletes: it forgets nobody before it has written.
local answers = {}
for url, me in pairs(own) do
  local key, fields = prefix .. url, nil
  fields = redis.call('HGETALL', key)
  local lead, born, last, all, live, dead = nil, nil, nil, {}, {}, {}
  local held, active, unbegun = 0, 0, 0
  for at = 1, #fields, 2 do
    local name, value = fields[at], fields[at + 1]
    if name == 'leader' then lead = cjson.decode(value)
    elseif name == 'born' then born = tonumber(value)
    else
      local said = cjson.decode(value)
      if math.abs(now - said.at) > ${DEAD_AFTER} then table.insert(dead, name)
      elseif name == id then last = said
      else
        live[name] = said
        table.insert(all, said)
        held, active, unbegun = held + said.held, active + said.inFlight, unbegun + said.unbegun
      end
    end
  end
  local isNew = not born or (#dead > 0 and #all == 0 and not last)
  if isNew then born = now; redis.call('HSET', key, 'born', string.format('%.0f', now)) end

  if not lead or (me.isSettled and not lead.isSettled) then lead = { id = id, limit = me.limit, isSettled = me.isSettled }
  elseif lead.id == id then
    if me.leads then lead.limit, lead.isSettled = me.limit, me.isSettled end
  else
    local other = live[lead.id]
    local hasRoom = other and other.waiting == 0 and (other.inFlight == 0 or me.waiting > 0)
    if not other or (hasRoom and me.inFlight > other.inFlight * ${LEAD_SHARE}) then lead.id = id end
  end
  redis.call('HSET', key, 'leader', cjson.encode(lead))
  if #dead > 0 then redis.call('HDEL', key, unpack(dead)) end

  me.id, me.at = id, now
  me.hungry = me.held == 0 and me.inFlight + me.waiting > 0
  me.turn = (last and last.hungry == me.hungry) and last.turn or now
  table.insert(all, me)
  table.sort(all, before)
  for _, each in ipairs(all) do each.target = 0 end
  local left = deal(all, lead.limit, function(each) return math.min(each.limit, each.inFlight + each.waiting) end)
  deal(all, left, function(each) return each.limit end)

  for _, each in ipairs(all) do
    if each == me then break end
    if each.hungry and each.held == 0 then held = held + math.min(1, each.target) end
  end

  local most = me.target
  local gateways = #all
  if math.abs(now - born) < ${GRACE} then
    most = math.min(most, math.max(me.held, math.ceil(lead.limit / ${SUPPOSED})))
    gateways = math.max(gateways, ${SUPPOSED})
  end
  local part = me.target
  if me.held <= me.target then part = math.min(most, math.max(me.held, lead.limit - held)) end
  local target = me.target
  me.held = math.max(me.held, part)
  redis.call('HSET', key, id, cjson.encode(me))
  redis.call('PEXPIRE', key, ${FORGOTTEN_AFTER})
  answers[url] = {
    limit = lead.limit, isSettled = lead.isSettled, leads = lead.id == id,
    part = part, target = target, gateways = gateways, active = active, unbegun = unbegun,
  }
end
return cjson.encode(answers)
`)

/** Creates it; nothing is asked of Redis yet. */
export function createRedisPlaces(redis: SharedRedis): RedisPlaces {
  const prefix = `${redis.prefix}places:`
  return {
    async report(id, servers) {
      const json = await redis.run((commands) => report(commands, [prefix, id, JSON.stringify(servers)]))
      return JSON.parse(json) as Record<string, PlacesGrant>
    },
    async leave(id, urls) {
      await redis.run((commands) => Promise.all(urls.map((url) => commands.hdel(`${prefix}${url}`, id))))
    },
  }
}
