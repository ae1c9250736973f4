-- Fold one step's report into its render's progress, keep the newest and tell the room. O(1) in steps and frames.
-- KEYS: the render's progress, stream
-- ARGV: channel, project_id, render_id, attempt, step_id, step_attempt, done, weight, frames, total_frames, stage,
--       fps, speed (the last three as JSON), base, base_frames, and what the worker remembers: the render's percent and
--       frames, and its own step's part of them, done and frames; the report's number or 0
-- Returns the progress as JSON, or false for a report that is older than what is known.
--
-- The hash holds the attempt, the sum over steps of done * weight and of frames, one `s:<step>` a step, and the clock
-- of the estimate. Totals shown never go back within an attempt, though a step that starts again lowers the sums, and
-- though Redis may have lost the hash: then it is made anew of what the workers remember as they report.
local KEEP_S, CLOCK_MS, MEMORY_MS, CAP = 86400, 250, 10000, 99.9
local key = KEYS[1]
local channel, project_id, render_id = ARGV[1], ARGV[2], ARGV[3]
local attempt, step_id, step_attempt = tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6])
local done, weight, frames = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local total_frames, stage, fps, speed = tonumber(ARGV[10]), ARGV[11], ARGV[12], ARGV[13]
local base, base_frames = tonumber(ARGV[14]), tonumber(ARGV[15])
local seen_percent, seen_frame = tonumber(ARGV[16]), tonumber(ARGV[17])
local seen_done, seen_frames = tonumber(ARGV[18]), tonumber(ARGV[19])
local n = tonumber(ARGV[20])

local known = redis.call('HMGET', key, 'attempt', 'closed', 'sum', 'frames', 'percent', 'frame', 'at', 'share', 'rate',
  's:' .. step_id)
local known_attempt = tonumber(known[1] or '0')
if attempt < known_attempt or (attempt == known_attempt and known[2]) then
  return false
end
if attempt > known_attempt then
  redis.call('DEL', key)
  known = {}
end

local old_done, old_weight, old_frames = seen_done, weight, seen_frames
if known[10] then
  local old_attempt, d, w, f, old_n = string.match(known[10], '^(%S+) (%S+) (%S+) (%S+) ?(%S*)$')
  old_attempt, old_done, old_weight, old_frames = tonumber(old_attempt), tonumber(d), tonumber(w), tonumber(f)
  local again = n > 0 and n <= (tonumber(old_n) or 0)
  if step_attempt < old_attempt or (step_attempt == old_attempt and (done < old_done or again)) then
    return false
  end
end
local sum, made = tonumber(known[3] or '0'), tonumber(known[4] or '0')
if not known[1] or (not known[10] and seen_done > 0) then
  sum = math.max(sum, seen_percent / 100 - base)
  made = math.max(made, seen_frame - base_frames)
end
sum = sum + done * weight - old_done * old_weight
made = made + frames - old_frames
local share = math.min(1, base + sum)

local percent = math.floor(math.min(100 * share, CAP) * 10 + 1e-6) / 10
percent = math.max(percent, tonumber(known[5] or '0'), seen_percent)
local frame = math.max(base_frames + made, tonumber(known[6] or '0'), seen_frame)
if total_frames > 0 then
  frame = math.min(frame, total_frames)
end

-- The estimate: what is left, at a rate that remembers about ten seconds. Looked at every quarter of a second, so that
-- steps that report at the same moment count as one; unknown until a second and a percent have passed.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local at, seen, rate = tonumber(known[7] or now), tonumber(known[8] or share), tonumber(known[9] or '0')
local passed = now - at
local due = rate > 0 and CLOCK_MS or 1000
if passed >= due and (rate > 0 or share - seen >= 0.01) then
  local fresh = math.max(0, share - seen) / passed
  local trust = rate > 0 and 1 - math.exp(-passed / MEMORY_MS) or 1
  rate = rate + trust * (fresh - rate)
  at, seen = now, share
end
local eta = rate > 0 and string.format('%.1f', (1 - share) / rate / 1000) or 'null'

redis.call('HSET', key, 'attempt', attempt, 'sum', string.format('%.17g', sum), 'frames', made, 'percent', percent,
  'frame', frame, 'at', at, 'share', string.format('%.17g', seen), 'rate', string.format('%.17g', rate),
  's:' .. step_id, string.format('%d %.17g %.17g %d %d', step_attempt, done, weight, frames, n))
local progress = string.format(
  '{"percent":%.1f,"current_frame":%d,"total_frames":%d,"stage":%s,"fps":%s,"speed":%s,"eta_s":%s}',
  percent, frame, total_frames, stage, fps, speed, eta)
redis.call('HSET', key, 'newest', progress)
redis.call('EXPIRE', key, KEEP_S)

local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
local top = last and tonumber(string.match(last[1], '^%d+')) or 0
redis.call('PUBLISH', channel, string.format(
  '{"top":%d,"project_id":%s,"kind":"progress","render_id":%s,"attempt":%d,'
    .. '"body":{"type":"render.progress","render_id":%s,"data":%s}}',
  top, cjson.encode(project_id), cjson.encode(render_id), attempt, cjson.encode(render_id), progress))
return progress
