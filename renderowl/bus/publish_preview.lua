-- Keep a render's newest picture for a minute and tell the room. An older one, or one of a closed render, is dropped.
-- KEYS: the picture, the render's progress, stream
-- ARGV: channel, attempt, frame, picture, envelope (the room message without its `top`)
local KEEP_S = 60
local channel, attempt, frame, picture, envelope = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]

local render = redis.call('HMGET', KEYS[2], 'attempt', 'closed')
local render_attempt = tonumber(render[1] or '0')
if attempt < render_attempt or (attempt == render_attempt and render[2]) then
  return
end
local known = redis.call('HMGET', KEYS[1], 'attempt', 'frame')
local known_attempt = tonumber(known[1] or '0')
if attempt < known_attempt or (attempt == known_attempt and frame < tonumber(known[2] or '0')) then
  return
end
redis.call('HSET', KEYS[1], 'attempt', attempt, 'frame', frame, 'picture', picture)
redis.call('EXPIRE', KEYS[1], KEEP_S)

local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
local top = last and tonumber(string.match(last[1], '^%d+')) or 0
redis.call('PUBLISH', channel, string.format('{"top":%d,', top) .. string.sub(envelope, 2))
