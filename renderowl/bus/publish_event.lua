-- Keep a durable event in its project's stream and tell the room, in one step.
-- KEYS: stream, the render's progress
-- ARGV: channel, seq, epoch, event, envelope (the room message without its `top`), attempt of a render that ended or ''
-- An id that the stream has passed is not added again: another publisher was faster. A new epoch starts a new stream.
local KEEP, KEEP_S, CLOSED_S = 1024, 86400, 3600
local channel, seq, epoch, event, envelope, ended = unpack(ARGV)
seq = tonumber(seq)

local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local top = 0
if last then
  if last[2][2] == epoch then
    top = tonumber(string.match(last[1], '^%d+'))
  else
    redis.call('DEL', KEYS[1])
  end
end
if seq > top then
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', KEEP, string.format('%d-0', seq), 'epoch', epoch, 'event', event)
  redis.call('EXPIRE', KEYS[1], KEEP_S)
  top = seq
end

-- The render's progress is closed with it, so that a late report cannot follow the end.
if ended ~= '' and tonumber(redis.call('HGET', KEYS[2], 'attempt') or '0') <= tonumber(ended) then
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[2], 'attempt', ended, 'closed', '1')
  redis.call('EXPIRE', KEYS[2], CLOSED_S)
end

redis.call('PUBLISH', channel, string.format('{"top":%d,', top) .. string.sub(envelope, 2))
