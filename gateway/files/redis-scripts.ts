import { LEAST_BYTES } from './quota.ts'
import { KNOWN_FOR } from './upload.ts'

/**
 * What must happen whole, as scripts for Redis. All keys begin with KEYS[1]; it is no cluster, whose scripts must name each.
 * A command whose reply was lost is sent again: what has happened already is left as it is, and answered in the same way.
 *
 * `F:id` is a file, as JSON with its owner; `owned:owner` its owner's ids in their order; `expiring` ids by the end of their
 * time. `U:id` is an upload; `parts:id` its parts, and `P:part` the upload of a part; `pending` and `ended` are uploads by the
 * end of their time. `stored` and `stored:owner` count. The time is that of Redis: clocks of the gateways may differ.
 */
const SHARED = `
local p = KEYS[1]
local now = tonumber(redis.call('time')[1])

local function count(owner, items, bytes, files)
  for _, key in ipairs({p .. 'stored', p .. 'stored:' .. owner}) do
    redis.call('hincrby', key, 'bytes', bytes)
    redis.call('hincrby', key, 'files', files)
    if redis.call('hincrby', key, 'items', items) == 0 then redis.call('del', key) end
  end
end

local function exceeded(owner, bytes, all, own)
  if all == '' then return nil end
  for _, limit in ipairs({{p .. 'stored', all, 'all'}, {p .. 'stored:' .. owner, own, 'owner'}}) do
    local stored = redis.call('hmget', limit[1], 'items', 'bytes')
    local taken = math.max(tonumber(stored[2] or 0), tonumber(stored[1] or 0) * ${LEAST_BYTES})
    if taken + math.max(tonumber(bytes), ${LEAST_BYTES}) > tonumber(limit[2]) then return limit[3] end
  end
  return nil
end

local function add_file(id, owner, json, bytes, expires)
  redis.call('set', p .. 'F:' .. id, json)
  redis.call('zadd', p .. 'owned:' .. owner, 0, id)
  redis.call('zadd', p .. 'expiring', expires, id)
  count(owner, 1, bytes, 1)
end

local function upload_of(id)
  local found = redis.call('hmget', p .. 'U:' .. id, 'owner', 'status', 'expires', 'file')
  if not found[1] then return nil end
  return {owner = found[1], status = found[2], expires = tonumber(found[3]), file = found[4]}
end

local function end_upload(id, upload, status, file)
  redis.call('hset', p .. 'U:' .. id, 'status', status, 'file', file)
  redis.call('zrem', p .. 'pending', id)
  redis.call('zadd', p .. 'ended', upload.expires, id)
  local parts = redis.call('hgetall', p .. 'parts:' .. id)
  local ids = {}
  for index = 1, #parts, 2 do
    table.insert(ids, parts[index])
    redis.call('del', p .. 'P:' .. parts[index])
    count(upload.owner, -1, 0 - cjson.decode(parts[index + 1]).bytes, 0)
  end
  redis.call('del', p .. 'parts:' .. id)
  return ids
end
`

const script = (body: string): string => SHARED + body

/** id, owner, json, bytes, expires, limit of all, limit of the owner; `ok`, or the limit that would be exceeded. */
export const ADD_FILE = script(`
local id, owner, json, bytes, expires, all, own = unpack(ARGV)
if redis.call('exists', p .. 'F:' .. id) == 1 then return 'ok' end
local limit = exceeded(owner, bytes, all, own)
if limit then return limit end
add_file(id, owner, json, bytes, expires)
return 'ok'`)

/** `of` and an owner, or `any` and anything; ids. Returns how many were forgotten. */
export const FORGET_FILES = script(`
local forgotten = 0
for index = 3, #ARGV do
  local id = ARGV[index]
  local text = redis.call('get', p .. 'F:' .. id)
  local file = text and cjson.decode(text)
  if file and (ARGV[1] == 'any' or file.owner == ARGV[2]) then
    redis.call('del', p .. 'F:' .. id)
    redis.call('zrem', p .. 'owned:' .. file.owner, id)
    redis.call('zrem', p .. 'expiring', id)
    count(file.owner, -1, 0 - file.bytes, -1)
    forgotten = forgotten + 1
  end
end
return forgotten`)

/** How many. */
export const EXPIRED_FILES = script(`
return redis.call('zrangebyscore', p .. 'expiring', '-inf', now, 'LIMIT', 0, ARGV[1])`)

/** Ids. Returns those that no file and no part has. */
export const UNOWNED = script(`
local unowned = {}
for _, id in ipairs(ARGV) do
  if redis.call('exists', p .. 'F:' .. id, p .. 'P:' .. id) == 0 then table.insert(unowned, id) end
end
return unowned`)

/** id, owner, json, expires, limit of all, limit of the owner; as ADD_FILE. */
export const ADD_UPLOAD = script(`
local id, owner, json, expires, all, own = unpack(ARGV)
if redis.call('exists', p .. 'U:' .. id) == 1 then return 'ok' end
local limit = exceeded(owner, 0, all, own)
if limit then return limit end
redis.call('hset', p .. 'U:' .. id, 'owner', owner, 'json', json, 'status', 'pending', 'expires', expires, 'file', '')
redis.call('zadd', p .. 'pending', expires, id)
count(owner, 1, 0, 0)
return 'ok'`)

/** id of the upload, of the part, json, bytes, limit of all, limit of the owner; as ADD_FILE, or `over`. */
export const ADD_PART = script(`
local id, part, json, bytes, all, own = unpack(ARGV)
if redis.call('hexists', p .. 'parts:' .. id, part) == 1 then return 'ok' end
local upload = upload_of(id)
if not upload or upload.status ~= 'pending' or upload.expires <= now then return 'over' end
local limit = exceeded(upload.owner, bytes, all, own)
if limit then return limit end
redis.call('hset', p .. 'parts:' .. id, part, json)
redis.call('set', p .. 'P:' .. part, id)
count(upload.owner, 1, bytes, 0)
return 'ok'`)

/** id of the upload, then those of ADD_FILE but its limits. Returns the ids of the parts; false where it was over. */
export const COMPLETE_UPLOAD = script(`
local id, file, owner, json, bytes, expires = unpack(ARGV)
local upload = upload_of(id)
if upload and upload.status == 'completed' and upload.file == file then return {} end
if not upload or upload.status ~= 'pending' or upload.expires <= now then return false end
add_file(file, owner, json, bytes, expires)
return end_upload(id, upload, 'completed', file)`)

/** id of the upload. Returns the ids of its parts. */
export const CANCEL_UPLOAD = script(`
local upload = upload_of(ARGV[1])
if not upload or upload.status ~= 'pending' or upload.expires <= now then return {} end
return end_upload(ARGV[1], upload, 'cancelled', '')`)

/** How many. Returns uploads whose time is over, each as its id and those of its parts. */
export const GIVEN_UP = script(`
local found = {}
for _, id in ipairs(redis.call('zrangebyscore', p .. 'pending', '-inf', now, 'LIMIT', 0, ARGV[1])) do
  table.insert(found, {id, redis.call('hkeys', p .. 'parts:' .. id)})
end
return found`)

/** id of the upload. */
export const GIVE_UP = script(`
local upload = upload_of(ARGV[1])
if upload and upload.status == 'pending' and upload.expires <= now then end_upload(ARGV[1], upload, 'expired', '') end`)

/** How many. Returns how many were forgotten. */
export const FORGET_OLD_UPLOADS = script(`
local ids = redis.call('zrangebyscore', p .. 'ended', '-inf', now - ${KNOWN_FOR}, 'LIMIT', 0, ARGV[1])
for _, id in ipairs(ids) do
  local upload = upload_of(id)
  redis.call('zrem', p .. 'ended', id)
  redis.call('del', p .. 'U:' .. id)
  if upload then count(upload.owner, -1, 0, 0) end
end
return #ids`)
